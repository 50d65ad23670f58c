import EnvoyProtocol
import Foundation
import Model
import Selection
import SwiftProtobuf

typealias ProcessingRequest = Envoy_Service_ExtProc_V3_ProcessingRequest
typealias ProcessingResponse = Envoy_Service_ExtProc_V3_ProcessingResponse

/// What is said about one request of HTTP on one stream: a pick when its headers come, and how it ended when the last of its
/// response comes, or the stream ends. Everything else is passed through untouched.
///
/// Envoy keeps the stream to the end of the response where it is to tell of trailers (`response_trailer_mode: SEND`), be there
/// any or not; else it ends the stream with the response's headers, and long answers count no longer.
struct PickExchange {
  private typealias BodySendMode = Envoy_Extensions_Filters_Http_ExtProc_V3_ProcessingMode.BodySendMode

  private let dispatcher: Dispatcher
  private let hints: PickerHints
  private let usualService: String?
  private let key: PickKey
  private var open: OpenPick?
  private var requestBody = BodySendMode.none
  private var responseBody = BodySendMode.none

  /// - Parameters:
  ///   - usualService: the service of requests that do not tell theirs; nil for none.
  ///   - key: what its pick is completed with.
  init(
    _ dispatcher: Dispatcher, _ hints: PickerHints, usualService: String? = nil, key: PickKey = .inProcess
  ) {
    self.key = key
    self.dispatcher = dispatcher
    self.usualService = usualService
    self.hints = hints
  }

  /// Answers a message; nil where none is expected. Throws ``ServiceUnknown`` where the request is for a service that is
  /// not known.
  ///
  /// - Parameter decision: memory for the decision, used again from one pick to the next.
  mutating func answer(
    _ message: ProcessingRequest, at now: Moment, using decision: PickAnswer
  ) throws(ServiceUnknown) -> ProcessingResponse? {
    if message.hasProtocolConfig {
      requestBody = message.protocolConfig.requestBodyMode
      responseBody = message.protocolConfig.responseBodyMode
    }
    // Who only watches reads no answers, and sends requests where it likes.
    guard !message.observabilityMode else { return nil }
    switch message.request {
    case .requestHeaders(let headers): return try pick(headers, message, at: now, using: decision)
    case .responseHeaders(let headers):
      begin(headers, message, at: now)
      return .with { $0.responseHeaders = Envoy_Service_ExtProc_V3_HeadersResponse() }
    case .requestBody(let body): return .with { $0.requestBody = Self.untouched(body, requestBody) }
    case .responseBody(let body):
      if body.endOfStream { end(at: now) }
      return .with { $0.responseBody = Self.untouched(body, responseBody) }
    case .requestTrailers: return .with { $0.requestTrailers = Envoy_Service_ExtProc_V3_TrailersResponse() }
    case .responseTrailers(let trailers):
      complete(trailers.trailers, at: now)
      return .with { $0.responseTrailers = Envoy_Service_ExtProc_V3_TrailersResponse() }
    case nil: return nil
    }
  }

  /// The stream has ended: where no response was seen, whoever asked gave up, or Envoy went away.
  mutating func end(at now: Moment) { complete(open?.outcome ?? .cancelled, at: now) }

  private mutating func complete(_ outcome: Outcome, at now: Moment) {
    guard let known = open else { return }
    open = nil
    known.service.complete(known.id, key: key, outcome, at: now)
  }

  /// A part of a body as it is: where Envoy lets go of what it sends, it wants it back.
  private static func untouched(
    _ body: Envoy_Service_ExtProc_V3_HttpBody, _ mode: BodySendMode
  ) -> Envoy_Service_ExtProc_V3_BodyResponse {
    guard mode == .fullDuplexStreamed || mode == .grpc else { return Envoy_Service_ExtProc_V3_BodyResponse() }
    return .with {
      $0.response.bodyMutation.streamedResponse.body = body.body
      $0.response.bodyMutation.streamedResponse.endOfStream = body.endOfStream
    }
  }
}

// MARK: - Request headers

extension PickExchange {
  private mutating func pick(
    _ headers: Envoy_Service_ExtProc_V3_HttpHeaders, _ message: ProcessingRequest, at now: Moment,
    using answer: PickAnswer
  ) throws(ServiceUnknown) -> ProcessingResponse {
    // A second head of a request on the same stream cannot be; it would leave the first one's pick open.
    end(at: now)
    let service = try service(of: headers, message)
    var query = PickQuery(from: hints.from ?? dispatcher.options.place, alternatives: hints.alternatives)
    if let name = hints.keyHeader, let value = headers.headers.bytes(name), !value.isEmpty {
      query.key = PickQuery.hash(value)
    }
    query.subset = Self.subset(message)
    query.life = .attended
    let said = headers.headers.text(PickerNames.hops)
    // What cannot be read was not said by one of us; what a client says would get its request refused, or past its policy.
    if let said, hints.trust.holds(for: Self.peerNames(message)) { query.hops = UInt8(said).map(Int.init) ?? 0 }
    switch service.pick(query, owner: 0, key: key, at: now, into: answer) {
    case .picked:
      open = OpenPick(service: service, id: answer.id, address: answer.addressString(0))
      return Self.response(to: answer, saidHops: said != nil)
    case .noReplica: return Self.noEndpoint
    case .full where answer.retryAfter > 0:
      let seconds = (answer.retryAfter + 999) / 1000
      return Self.refusal(503, "no cluster has room", "tonari_no_room", retryAfter: seconds)
    case .full, .noRetryLeft: return Self.refusal(429, "all endpoints are busy", "tonari_full")
    }
  }

  private func service(
    of headers: Envoy_Service_ExtProc_V3_HttpHeaders, _ message: ProcessingRequest
  ) throws(ServiceUnknown) -> DispatchedService {
    if let name = hints.service {
      guard let service = ServiceNames.service(name, in: dispatcher) else { throw ServiceUnknown(name: name) }
      return service
    }
    let cluster = message.attributes[PickerNames.attributes]?.fields["xds.cluster_name"]?.stringValue
    if let cluster, let service = ServiceNames.service(cluster, in: dispatcher) { return service }
    let authority = headers.headers.text(":authority")
    if let authority, let service = ServiceNames.service(authority, in: dispatcher) { return service }
    if let usualService, let service = ServiceNames.service(usualService, in: dispatcher) { return service }
    throw ServiceUnknown(name: usualService ?? authority ?? cluster ?? "")
  }

  /// The endpoints that alone will do; nil where any will.
  private static func subset(_ message: ProcessingRequest) -> [String]? {
    guard message.hasMetadataContext,
      let hint = message.metadataContext.filterMetadata[PickerNames.subsetHint]?.fields[PickerNames.subset]
    else { return nil }
    let texts: [String]
    switch hint.kind {
    case .stringValue(let text): texts = [text]
    case .listValue(let list): texts = list.values.map(\.stringValue)
    default: texts = []
    }
    return texts.flatMap { text in
      text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
  }

  /// The names in the certificate of who sent the request, as Envoy has verified it; none where it says nothing of them.
  private static func peerNames(_ message: ProcessingRequest) -> [String] {
    guard let fields = message.attributes[PickerNames.attributes]?.fields else { return [] }
    return ["connection.uri_san_peer_certificate", "connection.dns_san_peer_certificate"].compactMap { name in
      fields[name]?.stringValue
    }.filter { !$0.isEmpty }
  }

  private static func response(to answer: PickAnswer, saidHops: Bool) -> ProcessingResponse {
    var list = answer.addressString(0)
    for index in 1..<max(1, answer.count) { list += "," + answer.addressString(index) }
    var response = ProcessingResponse()
    response.requestHeaders.response.headerMutation.setHeaders = [header(PickerNames.destination, list)]
    if answer.hops > 0 {
      response.requestHeaders.response.headerMutation.setHeaders.append(header(PickerNames.hops, "\(answer.hops)"))
    } else if saidHops {
      response.requestHeaders.response.headerMutation.removeHeaders = [PickerNames.hops]
    }
    response.dynamicMetadata.fields[PickerNames.metadata] = Google_Protobuf_Value(
      structValue: Google_Protobuf_Struct(fields: [PickerNames.destination: Google_Protobuf_Value(stringValue: list)]))
    return response
  }

  private static func header(_ name: String, _ value: String) -> Envoy_Config_Core_V3_HeaderValueOption {
    .with {
      $0.header.key = name
      $0.header.rawValue = Data(value.utf8)
      $0.appendAction = .overwriteIfExistsOrAdd
    }
  }

  /// The answer where no endpoint is ready.
  static let noEndpoint = refusal(503, "no endpoint is ready", "tonari_no_endpoint")

  private static func refusal(
    _ status: Int32, _ text: String, _ details: String, retryAfter seconds: UInt32? = nil
  ) -> ProcessingResponse {
    .with {
      if let seconds { $0.immediateResponse.headers.setHeaders = [header("retry-after", "\(seconds)")] }
      $0.immediateResponse.status.code = status
      $0.immediateResponse.body = Data("\(text)\n".utf8)
      $0.immediateResponse.details = details
    }
  }
}

// MARK: - The response

extension PickExchange {
  /// A pick whose request is in flight.
  private struct OpenPick {
    let service: DispatchedService
    let id: UInt64
    /// Where the request is.
    var address: String
    /// How it ends if nothing else is said; nil before the response has begun.
    var outcome: Outcome?
  }

  /// The response begins. It is in flight to its end, at the endpoint that serves it.
  private mutating func begin(
    _ headers: Envoy_Service_ExtProc_V3_HttpHeaders, _ message: ProcessingRequest, at now: Moment
  ) {
    guard var known = open else { return }
    let outcome = Outcome(status: headers.headers.text(":status"), grpcStatus: headers.headers.text("grpc-status"))
    if let served = Self.served(headers, message), served != known.address {
      // Where the first attempt already went elsewhere, Envoy did not take the endpoint that was picked for one of its
      // cluster: that says nothing about it.
      let wasPassedOver = Self.attempts(headers, message) == 1
      if known.service.respond(
        known.id, key: key, from: (served, wasPassedOver ? .cancelled : .failure), at: now)
      {
        known.address = served
      } else if wasPassedOver {
        return complete(.cancelled, at: now)
      }
    } else {
      known.service.respond(known.id, key: key, at: now)
    }
    if let load = headers.headers.load { known.service.report(load, of: known.address, at: now) }
    known.outcome = outcome
    open = known
    if headers.endOfStream || outcome == .failure { complete(outcome, at: now) }
  }

  /// The response has ended with trailers. That of gRPC says only here whether it failed.
  private mutating func complete(_ trailers: Envoy_Config_Core_V3_HeaderMap, at now: Moment) {
    guard let known = open else { return }
    if let load = trailers.load { known.service.report(load, of: known.address, at: now) }
    let isFailure = trailers.text("grpc-status").map { Outcome(status: "200", grpcStatus: $0) } == .failure
    complete(isFailure ? .failure : known.outcome ?? .success, at: now)
  }

  /// The endpoint that served the request; nil where Envoy does not say.
  private static func served(
    _ headers: Envoy_Service_ExtProc_V3_HttpHeaders, _ message: ProcessingRequest
  ) -> String? {
    if message.hasMetadataContext,
      let served = message.metadataContext.filterMetadata[PickerNames.metadata]?.fields[PickerNames.served]?
        .stringValue,
      !served.isEmpty
    {
      return served
    }
    if let served = headers.headers.text(PickerNames.served), !served.isEmpty { return served }
    let address = message.attributes[PickerNames.attributes]?.fields["upstream.address"]?.stringValue
    return address.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// How often Envoy tried; nil where it does not say.
  private static func attempts(
    _ headers: Envoy_Service_ExtProc_V3_HttpHeaders, _ message: ProcessingRequest
  ) -> Int? {
    if let count = message.attributes[PickerNames.attributes]?.fields["upstream.request_attempt_count"]?.numberValue {
      return Int(exactly: count)
    }
    return headers.headers.text("x-envoy-attempt-count").flatMap { Int($0) }
  }
}

/// A request is for a service that the selector does not know.
struct ServiceUnknown: Error {
  var name: String
}
