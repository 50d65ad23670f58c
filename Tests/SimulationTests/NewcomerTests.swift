import Model
import Selection
import Testing

@Suite("A replica that comes to loaded ones")
struct NewcomerTests {
  /// Five replicas with two cores, loaded, are joined by a sixth, which works at a pace of its own. Answers how many
  /// requests the sixth had in flight at most and the others on average at that time, and its share, second by second.
  private func join(load: Double, pace: Double) throws -> (most: Int, others: Double, shares: [Double]) {
    var selector = ReplicaSelector(TonariPolicy(seed: 1), seed: 1)
    let replicas = (0..<6).map { Replica(name: "r\($0)", concurrency: 2) }
    selector.replace(with: Array(replicas.dropLast()), at: .start)
    var random = SeededGenerator(seed: 9)
    var cores = replicas.map { _ in [0.0, 0.0] }
    var outstanding: [(end: Double, pick: Pick)] = []
    var shares = Array(repeating: 0.0, count: 15)
    var most = 0
    var others: [Double] = []
    let interval = 0.02 / (10 * load)
    let joined = 3.0
    for k in 0..<Int(18 / interval) {
      let now = Double(k) * interval
      if now >= joined, selector.table.count == 5 { selector.replace(with: replicas, at: .seconds(now)) }
      for done in outstanding.filter({ $0.end <= now }).sorted(by: { $0.end < $1.end }) {
        selector.complete(done.pick, .success, at: .seconds(done.end))
      }
      outstanding.removeAll { $0.end <= now }
      let answer = selector.pick(at: .seconds(now))
      let pick = try #require(answer)
      let slot = pick.replica.slot
      let core = cores[slot][0] <= cores[slot][1] ? 0 : 1
      let end = max(now, cores[slot][core]) + 0.04 * random.unit() / (slot == 5 ? pace : 1)
      cores[slot][core] = end
      outstanding.append((end, pick))
      guard now >= joined else { continue }
      if slot == 5 { shares[min(14, Int(now - joined))] += interval }
      most = max(most, selector.table.inFlight(5))
      others.append(Double((0..<5).reduce(0) { $0 + selector.table.inFlight($1) }) / 5)
    }
    return (most, others.reduce(0, +) / Double(others.count), shares)
  }

  @Test("gets no crowd and is not starved, be it as fast as the others or not", arguments: [0.6, 0.85], [0.3, 1, 3])
  func noCrowd(load: Double, pace: Double) throws {
    let found = try join(load: load, pace: pace)
    #expect(Double(found.most) <= 3 * max(2, found.others), "\(found)")
    // One that is slower than a queue elsewhere is tried now and then, no more.
    #expect(found.shares.reduce(0, +) > 0.01, "\(found)")
    if pace >= 1 {
      #expect(found.shares[0] > 0.005, "\(found)")
      #expect(found.shares[14] > 0.12, "\(found)")
    }
  }
}
