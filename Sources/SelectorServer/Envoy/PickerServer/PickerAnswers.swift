import Daemon
import EnvoyProtocol
import GRPCCore
import Model
import NIOCore
import Selection
import SelectorProtocol
import SwiftProtobuf

/// What a ``PickerServer`` answers.
struct PickerAnswers: Sendable {
  private static let serviceName = Envoy_Service_ExtProc_V3_ExternalProcessor.descriptor.fullyQualifiedService

  let dispatcher: Dispatcher
  /// Who may pick.
  let access: AccessPolicy
  /// The service of requests that do not tell theirs; nil for none.
  let usualService: String?
  /// What tells whether the selector knows all that it should.
  let health: [any HealthSource]
  /// The clock, the same for all that ask the dispatcher.
  let now: @Sendable () -> Moment
  /// The pod that alone can ask; nil where several can.
  var pod: NodePod?

  /// Who asks on a channel, whose handshake is over where it has one.
  func caller(_ channel: any Channel) -> Caller {
    pod.map { Caller($0, owner: 0, policy: access) } ?? ChannelCaller(channel).caller(owner: 0, access)
  }

  /// A request of HTTP that is about to be told of.
  func exchange(_ hints: PickerHints, of caller: Caller) -> PickExchange {
    PickExchange(dispatcher, hints, usualService: usualService, key: caller.key)
  }

  /// Answers a message of Envoy; nil where it expects no answer.
  private func answer(
    _ message: ProcessingRequest, of exchange: inout PickExchange?, using decision: PickAnswer
  ) throws(RPCError) -> ProcessingResponse? {
    do {
      return try exchange?.answer(message, at: now(), using: decision)
    } catch {
      guard health.allSatisfy({ $0.report().isReady }) else {
        throw RPCError(code: .unavailable, message: "service '\(error.name.prefix(200))' is not known yet")
      }
      return PickExchange.noEndpoint
    }
  }

  /// Answers a message of a stream; nil where no answer is expected.
  ///
  /// - Parameter decision: memory for the decision, used again from one pick to the next.
  func answer(
    _ message: UnsafeRawBufferPointer, of stream: PickerStream, using decision: PickAnswer
  ) throws(RPCError) -> [UInt8]? {
    guard stream.exchange != nil else {
      let request = try decoded(Grpc_Health_V1_HealthCheckRequest.self, message)
      return try encoded(HealthService(sources: health, services: [Self.serviceName]).answer(request))
    }
    let request = try decoded(ProcessingRequest.self, message)
    return try answer(request, of: &stream.exchange, using: decision).map { answer throws(RPCError) in
      try encoded(answer)
    }
  }

  private func decoded<Message: SwiftProtobuf.Message>(
    _ type: Message.Type, _ bytes: UnsafeRawBufferPointer
  ) throws(RPCError) -> Message {
    do {
      return try Message(serializedBytes: Array(bytes))
    } catch {
      throw RPCError(code: .invalidArgument, message: "the message is not a \(Message.protoMessageName)")
    }
  }

  private func encoded(_ message: some SwiftProtobuf.Message) throws(RPCError) -> [UInt8] {
    do {
      return try message.serializedBytes()
    } catch {
      throw RPCError(code: .internalError, message: "the answer cannot be encoded")
    }
  }
}
