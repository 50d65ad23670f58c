public import Dispatching
public import Selection
public import SelectorProtocol
import SwiftProtobuf
import Topology

/// Answers the messages of the selector's protocol, as swift-protobuf knows them, from a dispatcher. It checks what is
/// asked for; the gRPC server and the slower messages of framed connections go through it.
///
/// It has no clock: whoever calls says what time it is.
public struct SelectorMessages: Sendable {
  /// The longest name of a service, in bytes.
  public static let longestService = 512
  /// The longest name of a node, a zone, a cluster or a label, in bytes.
  public static let longestName = 256
  /// The most replicas in one request.
  public static let mostReplicas = 10_000
  /// The most labels of a replica or a request.
  public static let mostLabels = 64
  /// For how long replicas may be registered.
  public static let lifetimes = Bounds.registration.range

  /// What decides.
  public let dispatcher: Dispatcher

  /// Answers from a dispatcher.
  public init(_ dispatcher: Dispatcher) {
    self.dispatcher = dispatcher
  }

  /// Picks a replica.
  ///
  /// - Parameters:
  ///   - owner: who asks, as `Dispatcher.newOwner()` numbers them; 0 for somebody who is never said to be gone.
  ///   - answer: memory for the decision, used again from one pick to the next.
  public func pick(
    _ request: Tonari_Selector_V1_PickRequest, owner: UInt32, at now: Moment, using answer: PickAnswer
  ) throws(SelectorFault) -> Tonari_Selector_V1_PickResponse {
    let service = try service(request.service)
    switch service.pick(try query(request), owner: owner, at: now, into: answer) {
    case .picked: return response(answer)
    case .noReplica:
      throw SelectorFault(.unavailable, "service '\(request.service)' has no replica for this request")
    case .full:
      throw SelectorFault(
        .resourceExhausted, "service '\(request.service)' has as many requests as it may",
        retryAfterMilliseconds: answer.retryAfter)
    case .noRetryLeft:
      throw SelectorFault(.resourceExhausted, "service '\(request.service)' allows no retry at present")
    }
  }

  /// Learns how the request of a pick ended. A pick that is not known (any more) is no fault.
  public func complete(
    _ request: Tonari_Selector_V1_CompleteRequest, at now: Moment
  ) -> Tonari_Selector_V1_CompleteResponse {
    dispatcher.directory.service(ofPick: request.pickID)?.complete(
      request.pickID, Outcome(request.outcome),
      latencySeconds: request.latencyUs == 0 ? nil : LoadReport.seconds(microseconds: request.latencyUs),
      servedBy: request.servedBy.isEmpty ? nil : request.servedBy,
      load: request.hasLoad ? LoadReport(request.load) : nil, at: now)
    return Tonari_Selector_V1_CompleteResponse()
  }

  /// Takes a pick that nobody heard of as cancelled.
  public func abandon(pick id: UInt64, at now: Moment) {
    dispatcher.directory.service(ofPick: id)?.complete(id, .cancelled, at: now)
  }

  /// Learns how loaded a replica is.
  public func report(
    _ request: Tonari_Selector_V1_ReportRequest, at now: Moment
  ) throws(SelectorFault) -> Tonari_Selector_V1_ReportResponse {
    let service = try service(request.service)
    guard service.report(LoadReport(request.load), of: request.address, at: now) else {
      let address = request.address.utf8.count > PickAnswer.longestAddress ? "" : " at '\(request.address)'"
      throw SelectorFault(.notFound, "service '\(request.service)' has no replica\(address)")
    }
    return Tonari_Selector_V1_ReportResponse()
  }

  /// Adds replicas, or changes those that are there: all of them, or none where something is wrong with one.
  public func register(
    _ request: Tonari_Selector_V1_RegisterRequest, at now: Moment
  ) throws(SelectorFault) -> Tonari_Selector_V1_RegisterResponse {
    try check(service: request.service)
    try check(replicas: request.replicas.count)
    let lifetime =
      request.lifetimeMs == 0
      ? dispatcher.options.registrationLifetime : .milliseconds(Int64(request.lifetimeMs))
    guard request.lifetimeMs == 0 || Self.lifetimes.contains(lifetime) else {
      throw SelectorFault(.invalidArgument, "lifetime_ms \(request.lifetimeMs): expected 1000 to 86400000")
    }
    var replicas: [ServiceReplica] = []
    replicas.reserveCapacity(request.replicas.count)
    for replica in request.replicas { replicas.append(try ServiceReplica(checking: replica)) }
    guard dispatcher.register(replicas, of: request.service, lifetime: lifetime, at: now) else {
      throw SelectorFault(.resourceExhausted, "there are too many services: '\(request.service)' is not taken")
    }
    return .with { $0.lifetimeMs = UInt32(saturating: lifetime / .milliseconds(1)) }
  }

  /// Takes registered replicas away.
  public func deregister(
    _ request: Tonari_Selector_V1_DeregisterRequest, at now: Moment
  ) throws(SelectorFault) -> Tonari_Selector_V1_DeregisterResponse {
    try check(service: request.service)
    try check(replicas: request.addresses.count)
    dispatcher.deregister(request.addresses, of: request.service, drains: request.drain, at: now)
    return Tonari_Selector_V1_DeregisterResponse()
  }
}

// MARK: - What is asked for

extension SelectorMessages {
  func service(_ name: String) throws(SelectorFault) -> DispatchedService {
    if let service = dispatcher.service(name) { return service }
    try check(service: name)
    throw SelectorFault(.notFound, "there is no service '\(name)'")
  }

  private func check(service name: String) throws(SelectorFault) {
    guard !name.isEmpty else { throw SelectorFault(.invalidArgument, "service: expected a name") }
    guard name.utf8.count <= Self.longestService else {
      throw SelectorFault(
        .invalidArgument, "service of \(name.utf8.count) bytes: expected at most \(Self.longestService)")
    }
  }

  private func check(replicas count: Int) throws(SelectorFault) {
    guard count <= Self.mostReplicas else {
      throw SelectorFault(.invalidArgument, "\(count) replicas: expected at most \(Self.mostReplicas) in one request")
    }
  }

  private func query(_ request: Tonari_Selector_V1_PickRequest) throws(SelectorFault) -> PickQuery {
    guard request.labels.count <= Self.mostLabels else {
      throw SelectorFault(.invalidArgument, "\(request.labels.count) labels: expected at most \(Self.mostLabels)")
    }
    var query = PickQuery(
      key: request.key.isEmpty ? nil : PickQuery.hash(request.key), excluded: request.excluded.suffix(4),
      labels: request.labels, isRetry: request.retry,
      alternatives: Int(min(request.alternatives, UInt32(clamping: PickAnswer.mostAlternatives))),
      hops: Int(request.hops))
    query.from = request.hasFrom ? Place(request.from) : dispatcher.options.place
    return query
  }

  private func response(_ answer: PickAnswer) -> Tonari_Selector_V1_PickResponse {
    var response = Tonari_Selector_V1_PickResponse()
    response.pickID = answer.id
    response.address = answer.addressString(0)
    response.tier = Tonari_Selector_V1_Tier(answer.tier)
    response.panic = answer.isPanic
    response.hops = UInt32(clamping: answer.hops)
    if answer.count > 1 { response.alternatives = (1..<answer.count).map(answer.addressString) }
    return response
  }
}
