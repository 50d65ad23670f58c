import SelectorProtocol

/// What the selector said last of services, to pick by oneself while it is away, and the client's own requests in flight.
struct FallbackTables: Sendable {
  private struct Replica: Sendable {
    var address: String
    var labels: [String]
    var weight: Double
    /// Whether it took requests and did not rest.
    var isFit: Bool
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
    guard !replicas.isEmpty else {
      if tables[status.service]?.isConfirmed == true { tables[status.service] = nil }
      return
    }
    tables[status.service] = Table(
      replicas: replicas.map { status in
        Replica(
          address: status.replica.address, labels: status.replica.labels,
          weight: status.replica.weight > 0 ? status.replica.weight : 1,
          isFit: status.replica.state == .ready && !status.ejected)
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

  /// The less busy of two replicas, by the client's own requests; of those that are fit where there are any. Nil where
  /// none is known. The request is not counted.
  func pick(
    _ service: String, excluded: [String], labels: [String], using generator: inout some RandomNumberGenerator
  ) -> String? {
    guard let table = tables[service] else { return nil }
    let allowed = table.replicas.filter { replica in
      !excluded.contains(replica.address) && labels.allSatisfy { replica.labels.contains($0) }
    }
    let fit = allowed.filter(\.isFit)
    let candidates = fit.isEmpty ? allowed : fit
    guard let first = candidates.randomElement(using: &generator) else { return nil }
    let others = candidates.filter { $0.address != first.address }
    guard let second = others.randomElement(using: &generator) else { return first.address }
    return cost(first) <= cost(second) ? first.address : second.address
  }

  private func cost(_ replica: Replica) -> Double { Double((inFlight[replica.address] ?? 0) + 1) / replica.weight }
}
