import Model
import Testing

@testable import Selection

@Suite("Slow start")
struct SlowStartTests {
  /// The share of a replica that came to five others, second by second.
  private func shares<Policy: SelectionPolicy>(_ policy: Policy) throws -> [Double] {
    var selector = ReplicaSelector(policy, seed: 2)
    let replicas = (0..<6).map { Replica(name: "r\($0)", concurrency: 2) }
    selector.replace(with: Array(replicas.dropLast()), at: .start)
    selector.replace(with: replicas, at: .start)
    let new = try #require(selector.table.id(of: "r5"))
    var served = ServedSelector(selector, seconds: Array(repeating: 0.02, count: 6), cores: 2)
    var counts = Array(repeating: 0.0, count: 12)
    for (k, pick) in try served.send(6000, every: 0.002).enumerated() where pick.replica == new {
      counts[k / 500] += 0.002
    }
    return counts
  }

  @Test(
    "gives a new replica more from second to second, up to its share", arguments: [PolicyCase.leastRequest, .tonari])
  func monotone(policy: PolicyCase) throws {
    let found = try policy.with { try shares($0) }
    #expect(found[0] < 0.11, "\(found)")
    #expect(found[0] < found[11] - 0.04, "\(found)")
    #expect(zip(found, found.dropFirst()).allSatisfy { $1 > $0 - 0.03 }, "\(found)")
    #expect(found[11] > 0.14, "\(found)")
  }

  @Test("does not touch those that are new together")
  func together() throws {
    var selector = ReplicaSelector(TonariPolicy())
    selector.replace(with: (0..<4).map { Replica(name: "r\($0)") }, at: .start)
    #expect(selector.table.ids.allSatisfy { selector.table.warmth($0.slot, at: .start) == 1 })
    selector.replace(with: (0..<5).map { Replica(name: "r\($0)") }, at: .seconds(1))
    let new = try #require(selector.table.id(of: "r4")).slot
    #expect([1, 6, 11, 20].map { selector.table.warmth(new, at: .seconds($0)) } == [0.1, 0.5, 1, 1])
  }
}
