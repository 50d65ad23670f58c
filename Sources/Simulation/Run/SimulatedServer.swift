import Model
import Selection

/// A server: its cores, the queue in front of them, and its neighbours.
struct SimulatedServer: Sendable {
  let group: ServerGroup
  private let isNoisy: Bool
  private var factor = 1.0
  private var waiting: [Int] = []
  private var head = 0
  private(set) var busyCores = 0
  /// What requests took that found so many others here, fading by a quarter with each; 0 where there was none.
  private var latencies = [Double](repeating: 0, count: 128)
  private var generator: SeededGenerator

  init(_ group: ServerGroup, seed: UInt64) {
    self.group = group
    generator = SeededGenerator(seed: seed)
    isNoisy = generator.unit() < group.noise?.noisyShare ?? 0
    draw()
  }

  /// Work divided by this is the time it takes now.
  var speed: Double { group.speed * factor }
  /// Requests that are worked on or wait.
  var inFlight: Int { busyCores + waiting.count - head }

  /// Draws the noise anew. Answers after how many seconds to draw again; nil where there is no noise.
  @discardableResult
  mutating func draw() -> Double? {
    guard let noise = group.noise else { return nil }
    let ranges = isNoisy ? noise.noisy : noise.quiet
    let range = ranges[ranges.count == 1 ? 0 : generator.below(ranges.count)]
    factor = range.lowerBound + (range.upperBound - range.lowerBound) * generator.unit()
    let redraw = noise.redrawSeconds
    return redraw.lowerBound + (redraw.upperBound - redraw.lowerBound) * generator.unit()
  }

  /// Whether a request is answered with an error at once.
  mutating func fails() -> Bool {
    group.failureShare > 0 && generator.unit() < group.failureShare
  }

  /// Takes a request. Answers whether a core starts on it; otherwise it waits.
  mutating func take(_ request: Int) -> Bool {
    guard busyCores == group.cores else {
      busyCores += 1
      return true
    }
    waiting.append(request)
    return false
  }

  /// A core is done. Answers the request that it starts on next, if any waits.
  mutating func next() -> Int? {
    guard head < waiting.count else {
      busyCores -= 1
      return nil
    }
    let request = waiting[head]
    head += 1
    if head > 1024 {
      waiting.removeFirst(head)
      head = 0
    }
    return request
  }

  /// Notes what a request took that found some others here.
  mutating func note(seconds: Double, others: Int) {
    let at = min(others, latencies.count - 1)
    latencies[at] = latencies[at] == 0 ? seconds : latencies[at] * 0.75 + seconds * 0.25
  }

  /// What it answers to a probe: requests in flight, and what one took that found about as many others.
  var report: LoadReport {
    if group.failureShare >= 1 { return LoadReport(inFlight: 0, latencySeconds: 0) }
    let at = min(inFlight, latencies.count - 1)
    for distance in latencies.indices {
      for near in [at - distance, at + distance] where latencies.indices.contains(near) && latencies[near] > 0 {
        return LoadReport(inFlight: inFlight, latencySeconds: latencies[near])
      }
    }
    return LoadReport(inFlight: inFlight, latencySeconds: 0)
  }
}
