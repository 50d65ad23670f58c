public import Dispatching
import EnvoyProtocol
public import GRPCCore
public import Monitoring
public import Selection

/// The endpoint picker: Envoy's external processing (`envoy.service.ext_proc.v3.ExternalProcessor`) by the endpoint picker
/// protocol 1.0.0 of the Gateway API Inference Extension.
///
/// A request is picked for when its headers come and counts as in flight until those of its response come, or its stream
/// ends. Where no endpoint is ready it is answered 503, where the service is full 429. As long as the selector does not
/// know all that it should, a stream for a service that it does not know ends with UNAVAILABLE, so that Envoy goes on by
/// itself where it may (`failure_mode_allow`).
public struct EndpointPicker: RegistrableRPCService {
  static let serviceName = Envoy_Service_ExtProc_V3_ExternalProcessor.descriptor.fullyQualifiedService

  private let answers: PickerAnswers

  /// Makes a picker.
  ///
  /// - Parameters:
  ///   - dispatcher: what picks.
  ///   - health: what tells whether the selector knows all that it should.
  ///   - now: the clock, the same for all that ask the dispatcher.
  public init(
    _ dispatcher: Dispatcher, health: [any HealthSource] = [], now: @escaping @Sendable () -> Moment = { .now }
  ) {
    answers = PickerAnswers(dispatcher: dispatcher, health: health, now: now)
  }

  /// Registers the method.
  public func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    EndpointPickerMethods(answers: answers).registerMethods(with: &router)
  }
}

/// The method, as the generated code calls it.
private struct EndpointPickerMethods: Envoy_Service_ExtProc_V3_ExternalProcessor.StreamingServiceProtocol {
  let answers: PickerAnswers

  func process(
    request: StreamingServerRequest<ProcessingRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<ProcessingResponse> {
    StreamingServerResponse { writer in
      var exchange = PickExchange(answers.dispatcher, PickerHints(request.metadata))
      defer { exchange.end(at: answers.now()) }
      for try await message in request.messages {
        guard let response = try answers.answer(message, of: &exchange) else { continue }
        try await writer.write(response)
      }
      return [:]
    }
  }
}
