package import Model
import Overflow
package import Selection
package import SelectorProtocol
import SwiftProtobuf

extension LoadReport {
  /// More of anything than this says no more; so no figure is too large to count with.
  private static let most = 1e9
  /// The longest latency, a day in seconds.
  private static let longest = 86_400.0

  /// What a message says of a replica's load. A figure that cannot be is left out; one beyond all bounds is cut.
  package init(_ load: Tonari_Selector_V1_Load) {
    func rate(_ value: Double) -> Double? { value.isFinite && value >= 0 ? min(value, Self.most) : nil }
    self.init(
      inFlight: load.hasInFlight ? Int(clamping: load.inFlight) : nil,
      queued: load.hasQueued ? Int(clamping: load.queued) : nil,
      cpuUtilization: rate(load.cpuUtilization).flatMap { $0 > 0 ? $0 : nil },
      latencySeconds: load.latencyUs == 0 ? nil : Self.seconds(microseconds: load.latencyUs),
      requestsPerSecond: load.hasRequestsPerSecond ? rate(load.requestsPerSecond) : nil,
      errorsPerSecond: load.hasErrorsPerSecond ? rate(load.errorsPerSecond) : nil)
  }

  /// Seconds, a day at most.
  static func seconds(microseconds: UInt64) -> Double { min(Double(microseconds) * 1e-6, longest) }
}

extension Tonari_Selector_V1_Load {
  init(_ load: LoadReport) {
    self.init()
    if let value = load.inFlight { inFlight = UInt32(clamping: value) }
    if let value = load.queued { queued = UInt32(clamping: value) }
    cpuUtilization = load.cpuUtilization ?? 0
    latencyUs = Self.microseconds(load.latencySeconds)
    if let value = load.requestsPerSecond { requestsPerSecond = value }
    if let value = load.errorsPerSecond { errorsPerSecond = value }
  }

  /// Microseconds, at least one for what is known; 0 for what is not.
  static func microseconds(_ seconds: Double?) -> UInt64 {
    guard let seconds, seconds.isFinite, seconds > 0 else { return 0 }
    return UInt64(saturating: max(1, min(seconds * 1e6, 1e15).rounded()))
  }
}

extension Outcome {
  /// The outcome in a message, nil where the request goes on; success where it is not known.
  package init?(_ outcome: Tonari_Selector_V1_Outcome) {
    switch outcome {
    case .failure: self = .failure
    case .cancelled: self = .cancelled
    case .underWay: return nil
    case .success, .UNRECOGNIZED: self = .success
    }
  }
}

extension Tonari_Selector_V1_Tier {
  init(_ tier: Tier) {
    switch tier {
    case .node: self = .node
    case .zone: self = .zone
    case .cluster: self = .cluster
    case .remote: self = .remote
    }
  }
}

extension Place {
  /// The place in a message of somebody.
  init(_ locality: Tonari_Selector_V1_Locality, of caller: Caller) {
    self = caller.place(
      node: locality.node.isEmpty ? nil : locality.node, zone: locality.zone.isEmpty ? nil : locality.zone,
      cluster: locality.cluster.isEmpty ? nil : locality.cluster)
  }
}

extension SelectorMessages {
  static func check(_ name: String, _ field: String) throws(SelectorFault) {
    guard name.utf8.count <= longestName else {
      throw SelectorFault(.invalidArgument, "\(field) of \(name.utf8.count) bytes: expected at most \(longestName)")
    }
  }
}

extension ServiceReplica {
  /// A replica in a message. Throws where something is wrong with it.
  init(checking replica: Tonari_Selector_V1_Replica) throws(SelectorFault) {
    for (field, name) in [
      ("node", replica.locality.node), ("zone", replica.locality.zone), ("cluster", replica.locality.cluster),
    ] {
      try SelectorMessages.check(name, field)
    }
    guard replica.labels.count <= SelectorMessages.mostLabels else {
      throw SelectorFault(
        .invalidArgument, "\(replica.labels.count) labels: expected at most \(SelectorMessages.mostLabels)")
    }
    for label in replica.labels { try SelectorMessages.check(label, "label") }
    self.init(replica)
    if let fault { throw SelectorFault(.invalidArgument, fault) }
  }
}

extension Tonari_Selector_V1_WatchResponse {
  /// All there is to know of a service.
  package init(_ status: ServiceStatus, at now: Moment) {
    self.init()
    service = status.name
    revision = status.revision
    policy = status.policy.rawValue
    replicas = status.replicas.map { Tonari_Selector_V1_ReplicaStatus($0, at: now) }
    picks = .with {
      $0.remote = status.counts.remote
      $0.node = status.counts.node
      $0.zone = status.counts.zone
      $0.cluster = status.counts.cluster
      $0.panic = status.counts.panic
      $0.none = status.counts.none
    }
    if let overflow = status.overflow { self.overflow = Tonari_Selector_V1_OverflowStatus(overflow) }
  }
}

extension Tonari_Selector_V1_OverflowStatus {
  init(_ status: OverflowStatus) {
    self.init()
    cluster = status.cluster
    dryRun = status.isDryRun
    arrivals = status.arrivals
    received = status.received
    shed = status.shed
    demandPerMinute = status.demandPerMinute
    capacityPerMinute = status.capacityPerMinute
    admittedPerMinute = status.admittedPerMinute
    neighbours = status.neighbours.map { neighbour in
      .with {
        $0.name = neighbour.name
        $0.sent = neighbour.sent
        $0.sentPerMinute = neighbour.sentPerMinute
        if let headroom = neighbour.headroomPerMinute { $0.headroomPerMinute = headroom }
        $0.roomPerMinute = neighbour.roomPerMinute
        $0.down = neighbour.isDown
      }
    }
  }
}

extension Tonari_Selector_V1_ReplicaStatus {
  init(_ status: ReplicaStatus, at now: Moment) {
    self.init()
    replica = Tonari_Selector_V1_Replica(status.replica)
    inFlight = UInt32(clamping: status.view.inFlight)
    others = status.view.othersInFlight
    ejected = status.view.isEjected
    serviceTimeUs = Tonari_Selector_V1_Load.microseconds(status.view.pace?.seconds)
    if let load = status.view.lastReport { self.load = Tonari_Selector_V1_Load(load) }
    if let heard = status.view.heard {
      loadAgeMs = UInt32(clamping: (now.nanoseconds &- heard.nanoseconds) / 1_000_000)
    }
    picks = status.picks
    failures = status.failures
  }
}
