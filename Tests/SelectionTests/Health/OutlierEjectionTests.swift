import Testing

@testable import Model
@testable import Selection

@Suite("Ejection")
struct OutlierEjectionTests {
  private static func selector(_ count: Int, _ ejection: EjectionOptions = EjectionOptions())
    -> ReplicaSelector<RoundRobinPolicy>
  {
    var selector = ReplicaSelector(RoundRobinPolicy(), options: SelectorOptions(ejection: ejection))
    selector.replace(with: (0..<count).map { Replica(name: "r\($0)") }, at: .start)
    return selector
  }

  /// Sends a request to a replica and ends it.
  private func send(
    _ outcome: Outcome, to slot: Int, _ selector: inout ReplicaSelector<RoundRobinPolicy>, at now: Moment
  ) {
    for _ in 0..<selector.table.count {
      guard let pick = selector.pick(at: now) else { return }
      selector.complete(pick, pick.replica.slot == slot ? outcome : .cancelled, at: now)
      if pick.replica.slot == slot { return }
    }
  }

  @Test("comes with three failures in a row, not with cancelled ones or a success in between")
  func inARow() {
    var selector = Self.selector(10)
    for outcome in [Outcome.failure, .failure, .cancelled, .success, .failure, .failure] {
      send(outcome, to: 4, &selector, at: .start)
    }
    #expect(!selector.table.isEjected(4))
    send(.failure, to: 4, &selector, at: .start)
    #expect(selector.table.isEjected(4))
  }

  @Test("comes with half of the requests failing")
  func share() {
    var selector = Self.selector(10)
    for k in 0..<100 { send(k % 3 == 0 ? .success : .failure, to: 4, &selector, at: .start) }
    #expect(selector.table.isEjected(4))
    var sound = Self.selector(10)
    for k in 0..<100 { send(k % 3 == 0 ? .failure : .success, to: 4, &sound, at: .start) }
    #expect(!sound.table.isEjected(4))
  }

  @Test("comes with what others report of their requests, as if they had been ours")
  func reported() throws {
    var selector = Self.selector(10)
    let id = try #require(selector.table.ids.first { $0.slot == 4 })
    for _ in 0..<20 { selector.note(successes: 98, failures: 2, at: id, at: .start) }
    #expect(!selector.table.isEjected(4))
    selector.note(successes: 1_000_000, failures: 2_000_000, at: id, at: .start)
    #expect(selector.table.isEjected(4))
    // Without any pick it comes back, and one failure sends it back.
    selector.returnRested(at: .seconds(1.1))
    #expect(!selector.table.isEjected(4))
    selector.note(successes: 5, failures: 1, at: id, at: .seconds(1.2))
    #expect(selector.table.isEjected(4))
    selector.returnRested(at: .seconds(4))
    for (successes, failures) in [(0, 2), (0, 0), (-3, -5), (.max, .max / 8)] {
      selector.note(successes: successes, failures: failures, at: id, at: .seconds(60))
      selector.returnRested(at: .seconds(200))
    }
  }

  @Test("lasts twice as long each time, and starts over after a replica served well")
  func backOff() {
    var selector = Self.selector(10)
    var now = Moment.start
    var rests: [Double] = []
    for _ in 0..<8 {
      for _ in 0..<3 where !selector.table.isEjected(4) { send(.failure, to: 4, &selector, at: now) }
      #expect(selector.table.isEjected(4))
      let start = now
      while selector.table.isEjected(4) {
        now.nanoseconds += 50_000_000
        _ = selector.pick(at: now).map { selector.complete($0, .success, at: now) }
      }
      rests.append(now.seconds(since: start).rounded())
    }
    #expect(rests == [1, 2, 4, 8, 16, 32, 60, 60])
    now.nanoseconds += 61_000_000_000
    send(.success, to: 4, &selector, at: now)
    send(.failure, to: 4, &selector, at: now)
    #expect(!selector.table.isEjected(4))
  }

  @Test("never takes more than its share", arguments: [1, 2, 3, 10, 20], [0.1, 0.3, 1])
  func cap(count: Int, share: Double) {
    let options = EjectionOptions(mostEjected: share)
    var selector = Self.selector(count, options)
    for k in 0..<(20 * count) {
      let now = Moment.seconds(Double(k) * 0.01)
      _ = selector.pick(at: now).map { selector.complete($0, .failure, at: now) }
      #expect(selector.table.ejectedCount <= min(count - 1, Int((share * Double(count)).rounded(.up))))
      #expect(selector.table.openCount + selector.table.ejectedCount == count)
    }
    #expect(count == 1 || selector.table.ejectedCount > 0)
  }
}
