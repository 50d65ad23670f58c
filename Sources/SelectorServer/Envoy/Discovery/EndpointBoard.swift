import EnvoyProtocol
import Model
import Selection
import SwiftProtobuf

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What Envoys of one place are told of a service, and when that changes.
///
/// Who is there, how they are and in which priority they stand is told at once; weights when one of them is off by more
/// than a tenth.
struct EndpointBoard: Sendable {
  private struct Endpoint: Hashable {
    var address: EndpointAddress
    var zone: String
    var node: String
    var cluster: String
    var health: Envoy_Config_Endpoint_V3_HealthStatus
    var priority: UInt32
  }

  private let name: String
  private let place: Place
  private var weights = EndpointWeights()
  private var spill: TierSpill
  /// What is told, with weights before they were rounded.
  private var told: [Endpoint: Double] = [:]
  /// What Envoys are told; nil before there was anything.
  private(set) var assignment: Envoy_Config_Endpoint_V3_ClusterLoadAssignment?

  /// By how much a weight must be off to be told, as a logarithm.
  private static let deadBand = log(1.1)
  /// The weight of a replica that can do as much as the average.
  private static let usualWeight = 100.0
  /// After so many seconds, what was heard of load says nothing.
  private static let loadLifetime = 30.0

  /// Makes a board for a service by the name that Envoys ask for.
  init(_ name: String, seenFrom place: Place, _ spill: SpillOptions) {
    self.name = name
    self.place = place
    self.spill = TierSpill(spill)
  }

  /// The service has no replicas any more. Answers whether there is something else to tell than before.
  ///
  /// Envoy keeps what it knows of a resource that is removed; so it is told that there are none.
  mutating func clear() -> Bool {
    guard assignment != nil, !told.isEmpty else { return false }
    tell([:])
    return true
  }

  /// Learns how a service is. To be called about once a second, and when who is there changes. Answers whether there is
  /// something else to tell than before.
  mutating func follow(_ status: ServiceStatus, at now: Moment) -> Bool {
    let replicas = status.replicas.filter { $0.replica.state == .ready || $0.replica.state == .draining }
    weights.follow(replicas, at: now)
    let tiers = replicas.map { replica in place == .unknown ? .remote : place.tier(of: Place(of: replica.replica)) }
    spill.follow(loads(replicas, tiers), isLoadKnown: isLoadKnown(status, at: now))
    let open = Set(zip(replicas, tiers).filter { $0.0.isOpen }.map(\.1))
    let standings = spill.standings(Set(tiers), open: open)
    let hasClusters = Set(replicas.map(\.replica.cluster)).count > 1
    var endpoints: [Endpoint: Double] = [:]
    for (status, tier) in zip(replicas, tiers) {
      guard let address = EndpointAddress(status.replica.address), let standing = standings[tier] else { continue }
      let endpoint = Endpoint(
        address: address, zone: status.replica.zone, node: status.replica.node,
        cluster: tier == .remote && hasClusters ? status.replica.cluster : "", health: status.health,
        priority: standing.priority)
      endpoints[endpoint] = weights.share(of: status.replica.address) * standing.part
    }
    guard assignment == nil || isNews(endpoints) else { return false }
    tell(endpoints)
    return true
  }

  private func isNews(_ endpoints: [Endpoint: Double]) -> Bool {
    guard endpoints.count == told.count else { return true }
    return endpoints.contains { endpoint, weight in
      guard let before = told[endpoint] else { return true }
      return abs(log(weight / before)) > Self.deadBand
    }
  }

  private func isLoadKnown(_ status: ServiceStatus, at now: Moment) -> Bool {
    status.openPicks > 0
      || status.replicas.contains { replica in
        replica.view.pace != nil || replica.view.heard.map { now.seconds(since: $0) < Self.loadLifetime } ?? false
      }
  }

  private func loads(_ replicas: [ReplicaStatus], _ tiers: [Tier]) -> [Tier: TierSpill.Load] {
    var loads: [Tier: TierSpill.Load] = [:]
    for tier in Set(tiers) {
      let open = zip(replicas, tiers).filter { $0.1 == tier && $0.0.isOpen }.map(\.0)
      guard !open.isEmpty else { continue }
      let requests = open.reduce(0) { $0 + Double($1.view.inFlight) + $1.view.othersInFlight }
      let servers = open.reduce(0) { $0 + ($1.replica.concurrency ?? 1) }
      loads[tier] = TierSpill.Load(
        cost: open.reduce(0) { $0 + $1.view.cost } / Double(open.count),
        hasRoom: requests < Double(servers))
    }
    return loads
  }
}

// MARK: - The message

extension EndpointBoard {
  private struct Group: Hashable, Comparable {
    var priority: UInt32
    var region: String
    var zone: String
    var subZone: String

    static func < (a: Group, b: Group) -> Bool {
      (a.priority, a.region, a.zone, a.subZone) < (b.priority, b.region, b.zone, b.subZone)
    }
  }

  /// Always in the same order, so that what is the same is the same message.
  private mutating func tell(_ endpoints: [Endpoint: Double]) {
    told = endpoints
    let groups = Dictionary(grouping: endpoints) { endpoint, _ in
      Group(priority: endpoint.priority, region: endpoint.cluster, zone: endpoint.zone, subZone: endpoint.node)
    }
    var message = Envoy_Config_Endpoint_V3_ClusterLoadAssignment()
    message.clusterName = name
    for (group, endpoints) in groups.sorted(by: { $0.key < $1.key }) {
      var locality = Envoy_Config_Endpoint_V3_LocalityLbEndpoints()
      locality.priority = group.priority
      locality.locality = .with {
        $0.region = group.region
        $0.zone = group.zone
        $0.subZone = group.subZone
      }
      for (endpoint, weight) in endpoints.sorted(by: { $0.key.address.text < $1.key.address.text }) {
        locality.lbEndpoints.append(
          .with {
            $0.endpoint.address = endpoint.address.message
            $0.healthStatus = endpoint.health
            $0.loadBalancingWeight = .init(UInt32(saturating: min(1000, max(1, (Self.usualWeight * weight).rounded()))))
          })
      }
      locality.loadBalancingWeight = .init(locality.lbEndpoints.reduce(0) { $0 + $1.loadBalancingWeight.value })
      message.endpoints.append(locality)
    }
    assignment = message
  }
}

extension ReplicaStatus {
  /// Whether it takes requests.
  fileprivate var isOpen: Bool { replica.state == .ready && !view.isEjected }

  fileprivate var health: Envoy_Config_Endpoint_V3_HealthStatus {
    replica.state == .draining ? .draining : view.isEjected ? .unhealthy : .healthy
  }
}

extension Place {
  /// Where a replica is.
  init(of replica: ServiceReplica) {
    func name(_ text: String) -> String? { text.isEmpty ? nil : text }
    self.init(node: name(replica.node), zone: name(replica.zone), cluster: name(replica.cluster))
  }
}
