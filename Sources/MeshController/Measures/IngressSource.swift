package import Model

/// Reads the statistics of the Envoys of an ingress, Istio's or any other.
package struct IngressSource: MeasurementSource {
  private let counters: CounterSource<IngressReading>

  /// Makes a source.
  ///
  /// - Parameters:
  ///   - targets: the Envoys' statistics, in Prometheus' format.
  ///   - timeout: how long an answer may take.
  package init(_ targets: MetricsTargets, timeout: Duration = .milliseconds(900)) {
    counters = CounterSource(targets, timeout: timeout)
  }

  /// Asks all Envoys at once, and counts for the policies what has come since they were asked last.
  package func measure(_ policies: [MeasuredPolicy], at now: Moment) async -> Measurements {
    await counters.measure(policies, at: now)
  }
}
