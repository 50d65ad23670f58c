import Model
import Testing

@testable import Selection

@Suite("The policy c3")
struct C3PolicyTests {
  private static func selector(_ count: Int, _ options: C3Options = C3Options()) -> ReplicaSelector<C3Policy> {
    var selector = ReplicaSelector(C3Policy(options), seed: 1)
    selector.replace(with: (0..<count).map { Replica(name: "r\($0)", concurrency: 1) }, at: .start)
    return selector
  }

  @Test("scores by the formula", arguments: [1, 5])
  func formula(askers: Int) throws {
    var selector = Self.selector(1, C3Options(askers: askers))
    let first = selector.pick(at: .start)
    selector.complete(try #require(first), .success, at: .seconds(0.1))
    // Alone there, it was worked on all the time.
    #expect(abs(selector.policy.score(0, selector.table, .seconds(0.1)) - 0.1) < 1e-9)
    _ = selector.pick(at: .seconds(0.1))
    _ = selector.pick(at: .seconds(0.1))
    selector.report(LoadReport(queued: 10), of: try #require(selector.table.id(of: "r0")), at: .seconds(0.1))
    let queue = 1 + 2 * Double(askers) + 1
    let expected = 0.1 * queue * queue * queue
    #expect(abs(selector.policy.score(0, selector.table, .seconds(0.1)) - expected) < 1e-9)
  }

  @Test("prefers the faster, and gives it no more queue than the cube allows")
  func cube() throws {
    var served = ServedSelector(Self.selector(2), seconds: [0.01, 0.08])
    var counts = [0, 0]
    for pick in try served.send(500, every: 0.006) { counts[pick.replica.slot] += 1 }
    #expect(counts[0] > 2 * counts[1], "\(counts)")
    #expect(counts[1] > 50, "\(counts)")
    // Eight times as slow, it is as good with an empty queue as the other with one that is twice as long.
    let lengths = served.selector.table.ids.map { served.selector.table.inFlight($0.slot) }
    #expect(lengths[0] <= 2 * (lengths[1] + 1) + 1, "\(lengths)")
  }

  @Test("turns away from a replica that reports a queue")
  func reported() throws {
    var selector = Self.selector(2)
    let busy = try #require(selector.table.id(of: "r0"))
    for _ in 0..<20 { selector.report(LoadReport(inFlight: 6), of: busy, at: .start) }
    let picks = (0..<4).compactMap { _ in selector.pick(at: .start)?.replica }
    #expect(picks.count == 4 && !picks.contains(busy))
  }
}
