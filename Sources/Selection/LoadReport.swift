/// What a replica, its agent or a probe says about a replica's load. Each figure may be missing; one that cannot be, such
/// as a negative or infinite one, or more than a billion requests, counts as missing.
public struct LoadReport: Hashable, Sendable {
  /// Requests that are there, worked on or waiting, whoever dispatched them.
  public var inFlight: Int?
  /// Requests that wait there.
  public var queued: Int?
  /// The share of its processors that is in use, whoever uses them: 1 is all of them. Zero counts as missing: who
  /// answers uses some.
  public var cpuUtilization: Double?
  /// What a request takes there at this load, in seconds.
  public var latencySeconds: Double?
  /// Requests that it answered each second lately.
  public var requestsPerSecond: Double?
  /// Requests that it answered each second lately with an error of its own, those in ``requestsPerSecond`` among them.
  public var errorsPerSecond: Double?

  /// Makes a report.
  public init(
    inFlight: Int? = nil, queued: Int? = nil, cpuUtilization: Double? = nil, latencySeconds: Double? = nil,
    requestsPerSecond: Double? = nil, errorsPerSecond: Double? = nil
  ) {
    self.inFlight = inFlight
    self.queued = queued
    self.cpuUtilization = cpuUtilization
    self.latencySeconds = latencySeconds
    self.requestsPerSecond = requestsPerSecond
    self.errorsPerSecond = errorsPerSecond
  }

  /// The report without the figures that cannot be.
  var plausible: LoadReport {
    func count(_ value: Int?) -> Int? { value.flatMap { (0...1_000_000_000).contains($0) ? $0 : nil } }
    func number(_ value: Double?) -> Double? { value.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil } }
    return LoadReport(
      inFlight: count(inFlight), queued: count(queued),
      cpuUtilization: number(cpuUtilization).flatMap { $0 > 0 ? $0 : nil }, latencySeconds: number(latencySeconds),
      requestsPerSecond: number(requestsPerSecond), errorsPerSecond: number(errorsPerSecond))
  }

  /// The report with what a later one says.
  func updated(with later: LoadReport) -> LoadReport {
    LoadReport(
      inFlight: later.inFlight ?? inFlight, queued: later.queued ?? queued,
      cpuUtilization: later.cpuUtilization ?? cpuUtilization, latencySeconds: later.latencySeconds ?? latencySeconds,
      requestsPerSecond: later.requestsPerSecond ?? requestsPerSecond,
      errorsPerSecond: later.errorsPerSecond ?? errorsPerSecond)
  }

  /// All requests there, from a replica that works on so many at a time, nil where nobody knows: while some wait, it works
  /// on as many as it can, whether they were reported or not. Nil where the report does not say.
  func requests(concurrency: Int?) -> Double? {
    guard inFlight != nil || queued != nil else { return nil }
    let waiting = Double(queued ?? 0)
    return max(Double(inFlight ?? 0), waiting > 0 ? waiting + Double(concurrency ?? 1) : 0)
  }

  /// The share of requests that end with an error, 0…1; nil where the report does not say.
  var errorShare: Double? {
    guard let errorsPerSecond, let requestsPerSecond, requestsPerSecond > 0 else { return nil }
    return min(1, errorsPerSecond / requestsPerSecond)
  }
}
