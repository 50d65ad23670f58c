import Model
import Selection
import Testing

/// A selector in front of servers that take a fixed time for a request, on some cores each.
struct ServedSelector<Policy: SelectionPolicy> {
  var selector: ReplicaSelector<Policy>
  /// The seconds that the server in a slot takes; nil fails at once.
  var seconds: [Double?]
  private var cores: [[Double]]
  private var outstanding: [(end: Double, pick: Pick)] = []
  private var now = 0.0

  init(_ selector: ReplicaSelector<Policy>, seconds: [Double?], cores: Int = 1) {
    self.selector = selector
    self.seconds = seconds
    self.cores = seconds.map { _ in Array(repeating: 0, count: cores) }
  }

  /// Sends a number of requests at an even pace and answers their picks.
  mutating func send(_ count: Int, every interval: Double, _ request: PickRequest = PickRequest()) throws -> [Pick] {
    try (0..<count).map { _ in
      now += interval
      for (end, pick) in outstanding.filter({ $0.end <= now }).sorted(by: { $0.end < $1.end }) {
        selector.complete(pick, .success, at: .seconds(end))
      }
      outstanding.removeAll { $0.end <= now }
      let answer = selector.pick(request, at: .seconds(now))
      let pick = try #require(answer)
      guard let seconds = seconds[pick.replica.slot] else {
        selector.complete(pick, .failure, at: .seconds(now))
        return pick
      }
      let core = try #require(
        cores[pick.replica.slot].indices.min { a, b in
          cores[pick.replica.slot][a] < cores[pick.replica.slot][b]
        })
      let end = max(now, cores[pick.replica.slot][core]) + seconds
      cores[pick.replica.slot][core] = end
      outstanding.append((end, pick))
      return pick
    }
  }
}
