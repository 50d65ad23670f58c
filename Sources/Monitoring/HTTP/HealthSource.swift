/// Something that a daemon depends on.
public protocol HealthSource: Sendable {
  /// How it stands.
  func report() -> HealthReport
}

/// How something stands that a daemon depends on.
public struct HealthReport: Hashable, Sendable {
  /// What it is, such as `pods`.
  public var name: String
  /// Whether there is something to answer from.
  public var isReady: Bool
  /// For how long nothing has been heard of it; nil where that has no meaning.
  public var staleness: Duration?
  /// Why it is not up to date; nil where it is.
  public var fault: String?

  /// Makes a report.
  public init(name: String, isReady: Bool, staleness: Duration? = nil, fault: String? = nil) {
    self.name = name
    self.isReady = isReady
    self.staleness = staleness
    self.fault = fault
  }
}
