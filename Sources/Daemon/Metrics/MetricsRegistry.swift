package import CoreMetrics
import Synchronization

/// Keeps what is counted and measured, and writes it in Prometheus' text format.
///
/// It is a factory of swift-metrics: labels become names as Prometheus wants them, durations are histograms in seconds.
package final class MetricsRegistry: MetricsFactory, Sendable {
  private struct Series {
    var dimensions: [(String, String)]
    var handler: any PrometheusSeries
  }

  private struct Family {
    var type: String
    var series: [Series] = []
  }

  private struct State {
    var families: [String: Family] = [:]
    var help: [String: String] = [:]
    var collectors: [@Sendable () -> [CollectedMetric]] = []
  }

  private let state = Mutex(State())

  /// Makes a registry without metrics.
  package init() {}

  /// Says what a metric means.
  package func describe(_ label: String, _ help: String) {
    state.withLock { $0.help[Self.name(label)] = help }
  }

  /// Adds metrics that are read off something whenever they are shown: what is counted anyway need not be counted twice.
  /// Their names are not those of others.
  package func collect(_ read: @escaping @Sendable () -> [CollectedMetric]) {
    state.withLock { $0.collectors.append(read) }
  }

  /// All metrics in Prometheus' text format, by name.
  package var text: String {
    let (families, help, collectors) = state.withLock { ($0.families, $0.help, $0.collectors) }
    var texts: [(name: String, text: String)] = families.map { name, family in
      let lines = family.series.map { (labels: Self.labels($0.dimensions), handler: $0.handler) }
      let sorted = lines.sorted { $0.labels < $1.labels }
      return (name, Self.head(name, help[name], family.type) + sorted.map { $0.handler.text(name, $0.labels) }.joined())
    }
    for metric in collectors.flatMap({ $0() }) {
      let name = Self.name(metric.label)
      let lines = metric.samples.map { sample in
        let labels = Self.labels(sample.dimensions)
        return "\(name)\(sample.suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(sample.text)\n"
      }
      texts.append((name, Self.head(name, metric.help, metric.kind.rawValue) + lines.joined()))
    }
    return texts.sorted { $0.name < $1.name }.map(\.text).joined()
  }

  private static func head(_ name: String, _ help: String?, _ type: String) -> String {
    (help.map { "# HELP \(name) \($0)\n" } ?? "") + "# TYPE \(name) \(type)\n"
  }

  private static func name(_ label: String) -> String {
    String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ":") ? $0 : "_" })
  }

  /// The labels as they stand between braces.
  private static func labels(_ dimensions: [(String, String)]) -> String {
    dimensions.map { name, value in
      "\(Self.name(name))=\"\(escaped(value))\""
    }.joined(separator: ",")
  }

  /// A value as it stands between quotation marks. Scalar by scalar: a quotation mark with an accent is one character, and
  /// no quotation mark among characters.
  private static func escaped(_ value: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\", "\"": escaped += ["\\", scalar]
      case "\n": escaped += ["\\", "n"]
      default: escaped.append(scalar)
      }
    }
    return String(escaped)
  }

  /// The series of a name and dimensions, which is made where it is new, or of another type.
  private func series<Handler: PrometheusSeries>(
    _ label: String, _ dimensions: [(String, String)], _ make: () -> Handler
  ) -> Handler {
    state.withLock { state in
      let name = Self.name(label)
      let known = state.families[name]?.series.first { series in
        series.dimensions.elementsEqual(dimensions, by: { $0 == $1 })
      }
      if let handler = known?.handler as? Handler { return handler }
      let handler = make()
      guard state.families[name]?.type ?? handler.type == handler.type else { return handler }
      state.families[name, default: Family(type: handler.type)].series.append(
        Series(dimensions: dimensions, handler: handler))
      return handler
    }
  }
}

// MARK: - The factory

extension MetricsRegistry {
  /// A counter.
  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(label, dimensions, PrometheusCounter.init)
  }

  /// A gauge.
  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(label, dimensions, PrometheusGauge.init)
  }

  /// A histogram of values, or a gauge of the last one.
  package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    aggregate
      ? series(label, dimensions) { PrometheusHistogram(bounds: PrometheusHistogram.sizes) }
      : series(label, dimensions, PrometheusGauge.init)
  }

  /// A histogram of seconds.
  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    series(label, dimensions) { PrometheusHistogram(bounds: PrometheusHistogram.seconds) }
  }

  /// Series stay until the process ends, as Prometheus wants them.
  package func destroyCounter(_ handler: any CounterHandler) {}
  /// Series stay until the process ends, as Prometheus wants them.
  package func destroyMeter(_ handler: any MeterHandler) {}
  /// Series stay until the process ends, as Prometheus wants them.
  package func destroyRecorder(_ handler: any RecorderHandler) {}
  /// Series stay until the process ends, as Prometheus wants them.
  package func destroyTimer(_ handler: any TimerHandler) {}
}
