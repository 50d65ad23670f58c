package import Connections
import CoreMetrics
package import Daemon
import Formats
package import Logging
import Synchronization
package import Traffic

/// Keeps up to date who talks to whom: asks Prometheus at an interval, and reads files again when they change.
///
/// What cannot be read does not replace what could.
package final class TrafficFeed: HealthSource {
  private struct Part {
    var reading: TrafficReading?
    var readAt: ContinuousClock.Instant?
    var fault: String?
  }

  private struct State {
    var prometheus = Part()
    var files = Part()
  }

  /// How often files are looked at.
  private static let glance = Duration.seconds(1)

  private let prometheus: PrometheusSource?
  private let files: TrafficFiles?
  private let interval: Duration
  private let backoff: Backoff
  private let isOptional: Bool
  private let registry: MetricsRegistry
  private let logger: Logger
  private let state = Mutex(State())

  /// Makes a feed; it starts with ``run(onChange:)``.
  ///
  /// - Parameters:
  ///   - prometheus: is asked; nil for nobody.
  ///   - files: are read; nil for none.
  ///   - interval: the time between two questions to Prometheus.
  ///   - backoff: the waits between tries while there is no answer; none is longer than the interval.
  ///   - isOptional: whether the daemon does its work without traffic too.
  ///   - registry: counts the readings.
  ///   - logger: is told what goes wrong.
  package init(
    prometheus: PrometheusSource?, files: TrafficFiles?, interval: Duration = .seconds(60),
    backoff: Backoff = Backoff(), isOptional: Bool = false, registry: MetricsRegistry, logger: Logger
  ) {
    self.prometheus = prometheus
    self.files = files
    self.interval = interval
    self.backoff = backoff
    self.isOptional = isOptional
    self.registry = registry
    self.logger = logger
    registry.describe("tonari_traffic_readings_total", "Readings of traffic by source and outcome.")
  }

  /// The traffic as it was last read; nil while one of the sources has never been read.
  package var reading: TrafficReading? {
    state.withLock { state in
      var reading = TrafficReading()
      for (isWanted, part) in [(prometheus != nil, state.prometheus), (files != nil, state.files)] where isWanted {
        guard let read = part.reading else { return nil }
        reading.add(read)
      }
      return reading
    }
  }

  /// How the traffic stands.
  package func report() -> HealthReport {
    let isRead = reading != nil
    return state.withLock { state in
      let faults = [state.prometheus.fault, state.files.fault].compactMap { $0 }
      return HealthReport(
        name: "traffic", isReady: isOptional || isRead,
        staleness: state.prometheus.readAt.map { $0.duration(to: .now) },
        fault: faults.isEmpty ? nil : faults.joined(separator: "; "))
    }
  }

  /// Reads until the task is cancelled.
  ///
  /// - Parameter onChange: is called after each reading.
  package func run(onChange: @escaping @Sendable () -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      if let prometheus { group.addTask { await self.follow(prometheus, onChange) } }
      if let files { group.addTask { await self.follow(files, onChange) } }
      await group.waitForAll()
    }
  }

  private func follow(_ prometheus: PrometheusSource, _ onChange: @Sendable () -> Void) async {
    var backoff = backoff
    var generator = SystemRandomNumberGenerator()
    while !Task.isCancelled {
      var delay = interval
      if await take("prometheus", \.prometheus, { try await prometheus.read() }) {
        backoff.reset()
        onChange()
      } else {
        delay = min(interval, backoff.next(using: &generator))
      }
      try? await Task.sleep(for: delay)
    }
  }

  private func follow(_ files: TrafficFiles, _ onChange: @Sendable () -> Void) async {
    var backoff = backoff
    var generator = SystemRandomNumberGenerator()
    /// The files that were read or tried last, and when they are to be tried again that could not be read.
    var known: [FileStamp?]?
    var again: ContinuousClock.Instant?
    while !Task.isCancelled {
      let stamps = files.stamps
      if stamps != known || again.map({ $0 <= .now }) ?? false {
        known = stamps
        if await take("files", \.files, { try await onWorkerThread { try files.read() } }) {
          backoff.reset()
          again = nil
          onChange()
        } else {
          again = .now + backoff.next(using: &generator)
        }
      }
      try? await Task.sleep(for: Self.glance)
    }
  }

  /// Reads one source; false where that fails.
  private func take(
    _ name: String, _ part: WritableKeyPath<State, Part>, _ read: () async throws -> TrafficReading
  ) async -> Bool {
    func count(_ outcome: String) {
      Counter(
        label: "tonari_traffic_readings_total", dimensions: [("outcome", outcome), ("source", name)],
        factory: registry
      ).increment()
    }
    do {
      let reading = try await read()
      state.withLock { $0[keyPath: part] = Part(reading: reading, readAt: .now) }
      count("success")
      logger.debug("The traffic is read", metadata: ["source": "\(name)", "edges": "\(reading.graph.edges.count)"])
      return true
    } catch {
      if Task.isCancelled { return false }
      state.withLock { $0[keyPath: part].fault = "\(error)" }
      count("failure")
      logger.warning(
        "The traffic cannot be read; what is known stays", metadata: ["source": "\(name)", "error": "\(error)"])
      return false
    }
  }
}
