public import Model

/// When each figure of a ``LoadReport`` was last said; nil for those that never were. A figure's age counts from then.
public struct ReportTimes: Hashable, Sendable {
  /// When ``LoadReport/inFlight`` was said.
  public var inFlight: Moment?
  /// When ``LoadReport/queued`` was said.
  public var queued: Moment?
  /// When ``LoadReport/cpuUtilization`` was said.
  public var cpuUtilization: Moment?
  /// When ``LoadReport/latencySeconds`` was said.
  public var latency: Moment?
  /// When ``LoadReport/requestsPerSecond`` was said.
  public var requestsPerSecond: Moment?
  /// When ``LoadReport/errorsPerSecond`` was said.
  public var errorsPerSecond: Moment?

  /// Notes which figures a report says.
  mutating func note(_ report: LoadReport, at now: Moment) {
    if report.inFlight != nil { inFlight = now }
    if report.queued != nil { queued = now }
    if report.cpuUtilization != nil { cpuUtilization = now }
    if report.latencySeconds != nil { latency = now }
    if report.requestsPerSecond != nil { requestsPerSecond = now }
    if report.errorsPerSecond != nil { errorsPerSecond = now }
  }
}
