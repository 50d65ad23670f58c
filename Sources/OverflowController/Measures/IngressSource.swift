public import OverflowPolicies
public import Selection
import Synchronization

/// Reads the statistics of the Envoys of an ingress, Istio's or any other, and counts in them.
public final class IngressSource: MeasurementSource {
  private let targets: MetricsTargets
  private let fetch: MetricsFetch
  private let rates = Mutex(IngressRates())

  /// Makes a source.
  ///
  /// - Parameters:
  ///   - targets: the Envoys' statistics, in Prometheus' format.
  ///   - timeout: how long an answer may take.
  public init(_ targets: MetricsTargets, timeout: Duration = .milliseconds(900)) {
    self.targets = targets
    fetch = MetricsFetch(timeout: timeout)
  }

  /// Asks all Envoys at once, and counts for the policies what has come since they were asked last.
  public func measure(_ policies: [OverflowPolicy], at now: Moment) async -> Measurements {
    let (urls, fault) = await targets.addresses(at: now)
    let faults = await withTaskGroup(of: String?.self) { group in
      for url in urls {
        group.addTask {
          do {
            let reading = try IngressReading(try await self.fetch(url))
            self.rates.withLock { $0.note(reading, of: url, at: now) }
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
    let rates = rates.withLock { rates in
      rates.keep(only: Set(urls))
      return rates
    }
    var measurements = Measurements(fault: faults.min())
    for policy in policies { measurements.byService[policy.service] = rates.measurement(of: policy, at: now) }
    return measurements
  }
}
