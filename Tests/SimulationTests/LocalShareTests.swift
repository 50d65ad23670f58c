import Model
import Selection
import Testing

/// With even load, requests stay on their nodes as far as a plan says they do.
@Suite("The share kept local")
struct LocalShareTests {
  /// Replicas of a caller and of the service that it calls, by node.
  private struct Placement {
    var callers: [Int]
    var called: [Int]

    /// `Σ_n min(x[u,n]/R_u, x[v,n]/R_v)`: the localized share of the edge.
    var localizedShare: Double {
      let (callersInAll, calledInAll) = (callers.reduce(0, +), called.reduce(0, +))
      return zip(callers, called).reduce(0) {
        $0 + min(Double($1.0) / Double(callersInAll), Double($1.1) / Double(calledInAll))
      }
    }
  }

  /// Sends requests from the callers' nodes, evenly and at a load, to replicas with two cores each whose work takes 10 ms
  /// on average, and answers the share that stayed.
  private func shareKept(_ placement: Placement, load: Double, seed: UInt64) throws -> Double {
    var selector = ReplicaSelector(TonariPolicy(seed: seed), seed: seed)
    var replicas: [Replica] = []
    for (node, count) in placement.called.enumerated() {
      for _ in 0..<count { replicas.append(Replica(name: "r\(replicas.count)", node: "n\(node)", concurrency: 2)) }
    }
    selector.replace(with: replicas, at: .start)
    let callers = placement.callers.enumerated().flatMap { node, count in
      Array(repeating: Place(node: "n\(node)"), count: count)
    }
    var cores = replicas.map { _ in [0.0, 0.0] }
    var outstanding: [(end: Double, pick: Pick)] = []
    var random = SeededGenerator(seed: seed)
    let interval = 0.01 / (2 * Double(replicas.count) * load)
    var stayed = 0
    let requests = 20_000
    for k in 0..<requests {
      let now = Double(k) * interval
      for done in outstanding.filter({ $0.end <= now }).sorted(by: { $0.end < $1.end }) {
        selector.complete(done.pick, .success, at: .seconds(done.end))
      }
      outstanding.removeAll { $0.end <= now }
      let request = PickRequest(from: callers[k % callers.count])
      let answer = selector.pick(request, at: .seconds(now))
      let pick = try #require(answer)
      if pick.tier == .node { stayed += 1 }
      let slot = pick.replica.slot
      let core = cores[slot][0] <= cores[slot][1] ? 0 : 1
      let end = max(now, cores[slot][core]) + 0.005 + 0.01 * random.unit()
      cores[slot][core] = end
      outstanding.append((end, pick))
    }
    return Double(stayed) / Double(requests)
  }

  private static func placement(seed: Int) -> Placement {
    var random = SeededGenerator(seed: UInt64(seed))
    func spread(_ count: Int) -> [Int] {
      var nodes = [0, 0, 0, 0]
      for _ in 0..<count { nodes[random.below(4)] += 1 }
      return nodes
    }
    return Placement(callers: spread(6), called: spread(8))
  }

  @Test("is the plan's localized share where all replicas have as much to do as they can", arguments: 1...8)
  func planned(seed: Int) throws {
    let placement = Self.placement(seed: seed)
    let found = try shareKept(placement, load: 1, seed: UInt64(seed))
    #expect(abs(found - placement.localizedShare) < 0.025, "\(found) \(placement.localizedShare)")
  }

  @Test("is no less than that with less to do", arguments: [0.3, 0.6, 0.8, 0.9])
  func room(load: Double) throws {
    for seed in 1...4 {
      let placement = Self.placement(seed: seed)
      let found = try shareKept(placement, load: load, seed: UInt64(seed))
      #expect(found > placement.localizedShare - 0.02, "\(found) \(placement.localizedShare)")
    }
  }
}
