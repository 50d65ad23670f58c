package import Model

/// Where measurements come from.
package protocol MeasurementSource: Sendable {
  /// Counts for some policies, once a round. A policy of which nothing can be said is missing in the answer.
  ///
  /// - Parameters:
  ///   - policies: those that want to be measured so.
  ///   - now: what time it is.
  func measure(_ policies: [MeasuredPolicy], at now: Moment) async -> Measurements
}

/// What a source could say in one round.
package struct Measurements: Sendable {
  /// By the policies' services, `namespace/name`.
  package var byService: [String: DemandMeasurement]
  /// Why nothing can be said of a policy's service; others may be known.
  package var missing: [String: String] = [:]
  /// Why something could not be said; nil where all is well.
  package var fault: String?

  /// Makes an answer.
  package init(_ byService: [String: DemandMeasurement] = [:], fault: String? = nil) {
    self.byService = byService
    self.fault = fault
  }

  /// Notes what was found of a service; nil for nothing.
  mutating func note(_ finding: Finding?, of service: String) {
    switch finding {
    case .counted(let measurement): byService[service] = measurement
    case .missing(let reason): missing[service] = reason
    case nil: break
    }
  }
}
