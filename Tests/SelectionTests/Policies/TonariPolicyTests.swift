import Testing

@testable import Model
@testable import Selection

@Suite("The policy tonari")
struct TonariPolicyTests {
  /// Serves a thousand requests with replicas that take some seconds for a request, one at a time; nil fails at once.
  /// Answers how many requests each got.
  private func serve(_ seconds: [Double?], failuresInARow: Int = 3, every interval: Double = 0.012) throws -> [Int] {
    var options = SelectorOptions()
    options.ejection.failuresInARow = failuresInARow
    var selector = ReplicaSelector(TonariPolicy(), options: options, seed: 1)
    selector.replace(with: seconds.indices.map { Replica(name: "r\($0)", concurrency: 1) }, at: .start)
    var served = ServedSelector(selector, seconds: seconds)
    var counts = Array(repeating: 0, count: seconds.count)
    for pick in try served.send(1000, every: interval) { counts[pick.replica.slot] += 1 }
    return counts
  }

  @Test("sends less to a replica that is slower")
  func slow() throws {
    let counts = try serve([0.02, 0.02, 0.08], every: 0.01)
    #expect(counts[2] * 3 < counts[0], "\(counts)")
    #expect(counts[2] > 0, "\(counts)")
  }

  @Test("sends next to nothing to a replica that fails at once, even where none is ever ejected")
  func failing() throws {
    let counts = try serve([0.02, 0.02, nil], failuresInARow: 0)
    #expect(counts[2] < 60, "\(counts)")
    #expect(try serve([0.02, 0.02, nil])[2] < 20)
  }

  @Test("turns away from a replica that hangs before it answers")
  func hanging() throws {
    let counts = try serve([0.02, 0.02, 1000])
    #expect(counts[2] < 30, "\(counts)")
  }

  @Test("fades at the pace that it is told", arguments: [0.0001, 0.01, 0.1, 1.0])
  func fading(step: Double) {
    let decay = Decay(tau: 0.5)
    var record = ServiceRecord(at: .start)
    var now = Moment.start
    record.advance(to: now, decay, busy: 3)
    while now.seconds < 4 {
      now = .seconds(now.seconds + step)
      record.advance(to: now, decay, busy: 3)
    }
    // In the long run a fading sum of 3 each second is 3 τ.
    #expect(abs(record.busySeconds - 1.5) < 0.05, "\(record.busySeconds)")
  }

  @Test("forgets steadily, close to the exponential")
  func decay() {
    let decay = Decay(tau: 1)
    #expect(decay.left(after: 0) == 1)
    #expect(decay.left(after: -1) == 1)
    #expect(abs(decay.left(after: 0.25) - 0.778801) < 0.0002)
    let left = (0...100).map { decay.left(after: Double($0) * 0.2) }
    #expect(zip(left, left.dropFirst()).allSatisfy { $0 > $1 && $1 > 0 })
    #expect(left[100] < 0.001)
  }
}
