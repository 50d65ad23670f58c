package import Model

/// Reads the counters of selectors that follow the same policies.
package struct SelectorSource: MeasurementSource {
  private let counters: CounterSource<SelectorReading>

  /// Makes a source.
  ///
  /// - Parameters:
  ///   - targets: the metrics of all selectors of the cluster.
  ///   - timeout: how long an answer may take.
  package init(_ targets: MetricsTargets, timeout: Duration = .milliseconds(900)) {
    counters = CounterSource(targets, timeout: timeout)
  }

  /// Asks all selectors at once, and counts for the policies what has come since they were asked last.
  package func measure(_ policies: [MeasuredPolicy], at now: Moment) async -> Measurements {
    await counters.measure(policies, at: now)
  }
}
