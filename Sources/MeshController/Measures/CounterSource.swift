import Fleet
import Formats
import Model
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
  ///
  /// A process that serves and cannot be heard makes what the others say half a count, which is none. One that nobody
  /// connects to serves nothing.
  func measure(_ policies: [MeasuredPolicy], at now: Moment) async -> Measurements {
    let start = ContinuousClock.now
    // Answers may take their time: a rate is over the time between them, not between the questions.
    @Sendable func time() -> Moment {
      now + start.duration(to: .now)
    }
    let (asked, listFault) = await targets.addresses(at: now)
    let faults: [(address: MetricsTargets.Address, fault: Fault)] = await withTaskGroup(
      of: (MetricsTargets.Address, Fault?).self
    ) { group in
      for address in asked {
        group.addTask { (address, await self.look(at: address.url, time)) }
      }
      return await group.reduce(into: []) { faults, answer in
        if let fault = answer.1 { faults.append((answer.0, fault)) }
      }
    }
    let looks = looks.withLock { looks in
      looks.keep(only: Set(asked.map(\.url)))
      return looks
    }
    let end = time()
    var measurements = Measurements(fault: (faults.map(\.fault.description) + [listFault].compactMap { $0 }).min())
    let silent = faults.filter { $0.address.serves && !$0.fault.isGone && !looks.isHeard($0.address.url, at: end) }
    let reason = silent.map { "without it demand is not known: \($0.fault.description)" }.min()
    for measured in policies {
      let finding = reason.map(Finding.missing) ?? looks.finding(measured, at: end)
      measurements.note(finding, of: measured.policy.service)
    }
    return measurements
  }

  private struct Fault: Sendable {
    var description: String
    /// Whether there is nobody any more.
    var isGone = false
  }

  private func look(at url: String, _ time: @Sendable () -> Moment) async -> Fault? {
    do {
      let reading = try Reading(try await fetch(url))
      looks.withLock { $0.note(reading, of: url, at: time()) }
      return nil
    } catch let fault as PrometheusText.Fault {
      return Fault(description: "\(url): \(fault)")
    } catch let fault as MetricsFetch.Fault {
      return Fault(description: "\(fault)", isGone: fault.isGone)
    } catch {
      return Fault(description: "\(error)")
    }
  }
}
