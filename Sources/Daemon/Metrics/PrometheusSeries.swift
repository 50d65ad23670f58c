import CoreMetrics
import Synchronization

/// One line of a metric, or the lines of one histogram.
protocol PrometheusSeries: AnyObject, Sendable {
  /// Prometheus' word for what it is.
  var type: String { get }
  /// The lines, each with its end.
  func text(_ name: String, _ labels: String) -> String
}

/// A sum that only grows.
final class PrometheusCounter: PrometheusSeries, CounterHandler {
  let type = "counter"
  private let value = Atomic<Int64>(0)

  func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
  func reset() { value.store(0, ordering: .relaxed) }

  func text(_ name: String, _ labels: String) -> String {
    "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value.load(ordering: .relaxed))\n"
  }
}

/// A value that goes up and down.
final class PrometheusGauge: PrometheusSeries, MeterHandler, RecorderHandler {
  let type = "gauge"
  private let value = Mutex(0.0)

  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { self.value.withLock { $0 = value } }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func decrement(by amount: Double) { value.withLock { $0 -= amount } }
  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }

  func text(_ name: String, _ labels: String) -> String {
    "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value.withLock { $0 })\n"
  }
}

/// How many values were at or below each of some bounds.
final class PrometheusHistogram: PrometheusSeries, TimerHandler, RecorderHandler {
  /// Bounds for durations, in seconds.
  static let seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
  /// Bounds for sizes and counts.
  static let sizes = (0...8).map { Double(sign: .plus, exponent: $0 * 3, significand: 1) }

  private struct State {
    var counts: [Int]
    var sum = 0.0
  }

  let type = "histogram"
  private let bounds: [Double]
  private let state: Mutex<State>

  init(bounds: [Double]) {
    self.bounds = bounds
    state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock { state in
      state.counts[bucket] += 1
      state.sum += value
    }
  }

  func text(_ name: String, _ labels: String) -> String {
    let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
    let prefix = labels.isEmpty ? "" : labels + ","
    var text = ""
    var total = 0
    for (bucket, count) in counts.enumerated() {
      total += count
      text += "\(name)_bucket{\(prefix)le=\"\(bucket < bounds.count ? "\(bounds[bucket])" : "+Inf")\"} \(total)\n"
    }
    let braced = labels.isEmpty ? "" : "{\(labels)}"
    return text + "\(name)_sum\(braced) \(sum)\n\(name)_count\(braced) \(total)\n"
  }
}
