import OverflowPolicies
import Selection
import Synchronization

/// Reads the counters of several processes, and counts in them.
final class CounterSource<Reading: CounterReading>: Sendable {
  private let targets: MetricsTargets
  private let fetch: MetricsFetch
  private let looks = Mutex(CounterLooks<Reading>())

  init(_ targets: MetricsTargets, timeout: Duration) {
    self.targets = targets
    fetch = MetricsFetch(timeout: timeout)
  }

  /// Asks all at once, and counts for the policies what has come since they were asked last.
  func measure(_ policies: [OverflowPolicy], at now: Moment) async -> Measurements {
    let start = ContinuousClock.now
    // Answers may take their time: a rate is over the time between them, not between the questions.
    @Sendable func time() -> Moment {
      now + start.duration(to: .now)
    }
    let (urls, fault) = await targets.addresses(at: now)
    let faults = await withTaskGroup(of: String?.self) { group in
      for url in urls {
        group.addTask {
          do {
            let reading = try Reading(try await self.fetch(url))
            self.looks.withLock { $0.note(reading, of: url, at: time()) }
            return nil
          } catch let fault as PrometheusText.Fault {
            return "\(url): \(fault)"
          } catch {
            return "\(error)"
          }
        }
      }
      return await group.reduce(into: [fault].compactMap { $0 }) { faults, fault in
        if let fault { faults.append(fault) }
      }
    }
    let looks = looks.withLock { looks in
      looks.keep(only: Set(urls))
      return looks
    }
    let end = time()
    var measurements = Measurements(fault: faults.min())
    for policy in policies { measurements.byService[policy.service] = looks.measurement(of: policy, at: end) }
    return measurements
  }
}
