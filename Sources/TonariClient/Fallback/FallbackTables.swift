import SelectorProtocol

/// What the selector said last of services, to pick by oneself while it is away, and the client's own requests in flight.
struct FallbackTables: Sendable {
  private struct Replica: Sendable {
    var address: String
    var labels: [String]
    var weight: Double
    /// Whether it took requests and did not rest.
    var isFit: Bool
    /// Whether it is another cluster's, to which a policy of overflow sends what is too much for this one.
    var isElsewhere: Bool
  }

  private struct Table: Sendable {
    var replicas: [Replica]
    /// Whether the selector that is connected now said it, and not one before.
    var isConfirmed: Bool
  }

  private var tables: [String: Table] = [:]
  private var inFlight: [String: Int] = [:]

  /// Another selector is connected, which may know less than the one before.
  mutating func selectorChanged() {
    for name in tables.keys { tables[name]?.isConfirmed = false }
  }

  /// Learns all there is to know of a service. A selector that never had replicas of it may have just begun: what another
  /// one said is kept.
  mutating func learn(_ status: Tonari_Selector_V1_WatchResponse) {
    let replicas = status.replicas.filter { $0.replica.state != .gone }
    let isSplit = status.hasOverflow && !status.overflow.dryRun
    func isElsewhere(_ replica: Tonari_Selector_V1_Replica) -> Bool {
      isSplit && !replica.locality.cluster.isEmpty && replica.locality.cluster != status.overflow.cluster
    }
    guard !replicas.isEmpty else {
      if tables[status.service]?.isConfirmed == true { tables[status.service] = nil }
      return
    }
    tables[status.service] = Table(
      replicas: replicas.map { status in
        Replica(
          address: status.replica.address, labels: status.replica.labels,
          weight: status.replica.weight > 0 ? status.replica.weight : 1,
          isFit: status.replica.state == .ready && !status.ejected,
          isElsewhere: isElsewhere(status.replica))
      }, isConfirmed: true)
  }

  /// Whether the selector may know less of a service than is known here.
  func isAhead(of service: String) -> Bool { tables[service]?.isConfirmed == false }

  /// Whether anything is known of a service.
  func knows(_ service: String) -> Bool { tables[service] != nil }

  /// Counts a request as in flight.
  mutating func begin(_ address: String) {
    inFlight[address, default: 0] += 1
  }

  /// Counts it no more.
  mutating func end(_ address: String) {
    guard let count = inFlight[address] else { return }
    inFlight[address] = count > 1 ? count - 1 : nil
  }

  /// Whether a replica is another cluster's, so that a request that goes there makes a hop.
  func isElsewhere(_ address: String, of service: String) -> Bool {
    tables[service]?.replicas.contains { $0.address == address && $0.isElsewhere } ?? false
  }

  /// The less busy of two replicas, by the client's own requests; of those that are fit where there are any. Nil where
  /// none is known. The request is not counted.
  ///
  /// Where a policy of overflow splits the service, nobody here knows what room other clusters have: a request goes there
  /// only where this cluster has no replica, and never on from one that it was sent on to.
  func pick(
    _ service: String, excluded: [String], labels: [String], hops: Int = 0,
    using generator: inout some RandomNumberGenerator
  ) -> String? {
    guard let table = tables[service] else { return nil }
    var allowed = table.replicas.filter { replica in
      !excluded.contains(replica.address) && labels.allSatisfy { replica.labels.contains($0) }
    }
    if hops > 0 || allowed.contains(where: { !$0.isElsewhere }) { allowed.removeAll(where: \.isElsewhere) }
    let fit = allowed.filter(\.isFit)
    let candidates = fit.isEmpty ? allowed : fit
    guard let first = candidates.randomElement(using: &generator) else { return nil }
    let others = candidates.filter { $0.address != first.address }
    guard let second = others.randomElement(using: &generator) else { return first.address }
    return cost(first) <= cost(second) ? first.address : second.address
  }

  private func cost(_ replica: Replica) -> Double { Double((inFlight[replica.address] ?? 0) + 1) / replica.weight }
}
