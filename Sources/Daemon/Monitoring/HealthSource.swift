/// Something that a daemon depends on.
package protocol HealthSource: Sendable {
  /// How it stands.
  func report() -> HealthReport
}

/// How something stands that a daemon depends on.
package struct HealthReport: Hashable, Sendable {
  /// What it is, such as `pods`.
  package var name: String
  /// Whether there is something to answer from.
  package var isReady: Bool
  /// For how long nothing has been heard of it; nil where that has no meaning.
  package var staleness: Duration?
  /// Why it is not up to date; nil where it is.
  package var fault: String?

  /// Makes a report.
  package init(name: String, isReady: Bool, staleness: Duration? = nil, fault: String? = nil) {
    self.name = name
    self.isReady = isReady
    self.staleness = staleness
    self.fault = fault
  }
}
