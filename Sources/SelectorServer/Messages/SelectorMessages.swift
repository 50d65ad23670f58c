import Foundation
package import Model
package import Selection
package import SelectorProtocol
import SwiftProtobuf

/// Answers the messages of the selector's protocol, as swift-protobuf knows them, from a dispatcher. It checks what is
/// asked for; the gRPC server and the slower messages of framed connections go through it.
///
/// It has no clock: whoever calls says what time it is.
package struct SelectorMessages: Sendable {
  /// The longest name of a service, in bytes.
  package static let longestService = 512
  /// The longest name of a node, a zone, a cluster or a label, in bytes.
  package static let longestName = 256
  /// The most replicas in one request.
  package static let mostReplicas = 10_000
  /// The most labels of a replica or a request.
  package static let mostLabels = 64
  /// For how long replicas may be registered.
  package static let lifetimes = Bounds.registration.range

  /// What decides.
  package let dispatcher: Dispatcher

  /// Answers from a dispatcher.
  package init(_ dispatcher: Dispatcher) {
    self.dispatcher = dispatcher
  }

  /// Picks a replica.
  ///
  /// - Parameters:
  ///   - answer: memory for the decision, used again from one pick to the next.
  package func pick(
    _ request: Tonari_Selector_V1_PickRequest, by caller: Caller, at now: Moment, using answer: PickAnswer
  ) throws(SelectorFault) -> Tonari_Selector_V1_PickResponse {
    guard caller.rights.allows(.pick) else { throw .denied(.pick, caller) }
    let service = try service(request.service)
    switch service.pick(try query(request, by: caller), owner: caller.owner, key: caller.key, at: now, into: answer) {
    case .picked: return response(answer, for: caller)
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

  /// Learns how the request of a pick ended, or that it goes on. A pick that is not known (any more), or of somebody else, is
  /// no fault.
  @discardableResult
  package func complete(
    _ request: Tonari_Selector_V1_CompleteRequest, by caller: Caller, at now: Moment
  ) -> Tonari_Selector_V1_CompleteResponse {
    let key = request.pickKey.withUnsafeBytes { PickKey(bytes: $0) } ?? caller.key
    dispatcher.directory.service(ofPick: request.pickID)?.end(
      request.pickID, key: key, Outcome(request.outcome),
      latencySeconds: request.latencyUs == 0 ? nil : LoadReport.seconds(microseconds: request.latencyUs),
      servedBy: request.servedBy.isEmpty ? nil : request.servedBy,
      load: request.hasLoad ? LoadReport(request.load) : nil, at: now)
    return Tonari_Selector_V1_CompleteResponse()
  }

  /// Takes a pick that nobody heard of as cancelled.
  package func abandon(pick id: UInt64, of caller: Caller, at now: Moment) {
    dispatcher.directory.service(ofPick: id)?.complete(id, key: caller.key, .cancelled, at: now)
  }

  /// Learns how loaded a replica is.
  package func report(
    _ request: Tonari_Selector_V1_ReportRequest, by caller: Caller, at now: Moment
  ) throws(SelectorFault) -> Tonari_Selector_V1_ReportResponse {
    guard
      caller.rights.allows(.report, for: request.service)
        || caller.rights.allows(.register, for: request.service) && caller.owns(request.address)
    else { throw .denied(.report, caller) }
    let service = try service(request.service)
    guard service.report(LoadReport(request.load), of: request.address, at: now) else {
      let address = request.address.utf8.count > PickAnswer.longestAddress ? "" : " at '\(request.address)'"
      throw SelectorFault(.notFound, "service '\(request.service)' has no replica\(address)")
    }
    return Tonari_Selector_V1_ReportResponse()
  }

  /// Adds replicas, or changes those that are there: all of them, or none where something is wrong with one. They have no
  /// more weight than `ServiceReplica.claimedWeights`, are where the caller's node is known to be, and go with its connection.
  package func register(
    _ request: Tonari_Selector_V1_RegisterRequest, by caller: Caller, at now: Moment
  ) throws(SelectorFault) -> Tonari_Selector_V1_RegisterResponse {
    try check(service: request.service)
    try check(replicas: request.replicas.count)
    try check(caller, registers: request.replicas.map(\.address), of: request.service)
    let lifetime =
      request.lifetimeMs == 0
      ? dispatcher.options.registrationLifetime : .milliseconds(Int64(request.lifetimeMs))
    guard request.lifetimeMs == 0 || Self.lifetimes.contains(lifetime) else {
      throw SelectorFault(.invalidArgument, "lifetime_ms \(request.lifetimeMs): expected 1000 to 86400000")
    }
    var replicas: [ServiceReplica] = []
    replicas.reserveCapacity(request.replicas.count)
    for replica in request.replicas { replicas.append(caller.located(try ServiceReplica(checking: replica).claimed)) }
    switch dispatcher.register(
      replicas, of: request.service, lifetime: lifetime, owner: caller.owner, by: caller.registrant, at: now)
    {
    case .taken: break
    case .tooManyServices:
      throw SelectorFault(.resourceExhausted, "there are too many services: '\(request.service)' is not taken")
    case .tooManyServicesOfCaller:
      throw SelectorFault(
        .resourceExhausted,
        "\(caller.identity) brought too many services: '\(request.service)' is not taken, expected at most "
          + "\(dispatcher.options.mostRegisteredServicesOfCaller)")
    case .tooManyOfCaller:
      throw SelectorFault(
        .resourceExhausted,
        "\(caller.identity) has too many replicas registered: expected at most "
          + "\(dispatcher.options.mostRegistrationsOfCaller)")
    }
    return .with { $0.lifetimeMs = UInt32(saturating: lifetime / .milliseconds(1)) }
  }

  /// Takes registered replicas away.
  package func deregister(
    _ request: Tonari_Selector_V1_DeregisterRequest, by caller: Caller, at now: Moment
  ) throws(SelectorFault) -> Tonari_Selector_V1_DeregisterResponse {
    try check(service: request.service)
    try check(replicas: request.addresses.count)
    try check(caller, registers: request.addresses, of: request.service)
    dispatcher.deregister(request.addresses, of: request.service, drains: request.drain, at: now)
    return Tonari_Selector_V1_DeregisterResponse()
  }
}

// MARK: - Who may ask

extension SelectorMessages {
  /// Whether somebody may watch services: those that are named, who may pick; all of them, who may watch.
  func check(watch request: Tonari_Selector_V1_WatchRequest, by caller: Caller) throws(SelectorFault) {
    guard caller.rights.allows(.watch) || !request.services.isEmpty && caller.rights.allows(.pick) else {
      throw .denied(request.services.isEmpty ? .watch : .pick, caller)
    }
  }

  /// Whether somebody may say who serves at some addresses of a service.
  private func check(
    _ caller: Caller, registers addresses: [String], of service: String
  ) throws(SelectorFault) {
    if caller.rights.allows(.registrar, for: service) { return }
    guard caller.rights.allows(.register) else { throw .denied(.register, caller) }
    guard caller.rights.allows(.register, for: service) else {
      throw SelectorFault(.permissionDenied, "\(caller.identity) may not register replicas of service '\(service)'")
    }
    guard let other = addresses.first(where: { !caller.owns($0) }) else { return }
    let address = other.utf8.count > PickAnswer.longestAddress ? "" : " '\(other)'"
    throw SelectorFault(.permissionDenied, "address\(address): expected one of \(caller.identity) itself")
  }
}

/// What became of an open pick when somebody said how its request went.
enum PickEnding: Hashable, Sendable {
  /// It is complete.
  case completed
  /// Its request goes on, and it is open for as long again.
  case renewed
  /// It was not open, or is somebody else's.
  case unknown
}

extension DispatchedService {
  /// Learns how a pick's request ended, nil where it goes on.
  @discardableResult
  func end(
    _ id: UInt64, key: PickKey, _ outcome: Outcome?, latencySeconds: Double?, servedBy: String?, load: LoadReport?,
    at now: Moment
  ) -> PickEnding {
    guard let outcome else {
      if let servedBy, respond(id, key: key, from: (servedBy, .failure), at: now) { return .renewed }
      return renew(id, key: key, at: now) ? .renewed : .unknown
    }
    return complete(id, key: key, outcome, latencySeconds: latencySeconds, servedBy: servedBy, load: load, at: now)
      ? .completed : .unknown
  }
}

extension SelectorFault {
  /// Somebody may not do something.
  package static func denied(_ capability: Capability, _ caller: Caller) -> SelectorFault {
    SelectorFault(
      .permissionDenied,
      "\(caller.identity) may not \(capability.summary): no rule '\(capability.rawValue)=...' allows it")
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

  private func query(
    _ request: Tonari_Selector_V1_PickRequest, by caller: Caller
  ) throws(SelectorFault) -> PickQuery {
    guard request.labels.count <= Self.mostLabels else {
      throw SelectorFault(.invalidArgument, "\(request.labels.count) labels: expected at most \(Self.mostLabels)")
    }
    var query = PickQuery(
      key: request.key.isEmpty ? nil : PickQuery.hash(request.key), excluded: request.excluded.suffix(4),
      labels: request.labels, isRetry: request.retry,
      alternatives: Int(min(request.alternatives, UInt32(clamping: PickAnswer.mostAlternatives))),
      hops: Int(request.hops))
    // Who asks by a call of its own may have given up before the answer comes, and nobody sees it go.
    query.life = caller.owner == 0 ? .unary : .connected
    query.from = request.hasFrom ? Place(request.from, of: caller) : dispatcher.options.place
    return query
  }

  private func response(_ answer: PickAnswer, for caller: Caller) -> Tonari_Selector_V1_PickResponse {
    var response = Tonari_Selector_V1_PickResponse()
    response.pickID = answer.id
    response.address = answer.addressString(0)
    response.tier = Tonari_Selector_V1_Tier(answer.tier)
    response.panic = answer.isPanic
    response.hops = UInt32(clamping: answer.hops)
    if caller.isToldItsKey { caller.key.withBytes { response.pickKey.append(contentsOf: $0) } }
    if answer.count > 1 { response.alternatives = (1..<answer.count).map(answer.addressString) }
    return response
  }
}
