package import EnvoyProtocol
import Model
package import Selection

/// What a selector reads in a report of the Open Request Cost Aggregation (ORCA), whichever way it came.
struct OrcaFigures: Hashable {
  var cpuUtilization = 0.0
  var applicationUtilization = 0.0
  var requestsPerSecond = 0.0
  /// Whole requests, which the fraction took the place of.
  var wholeRequestsPerSecond = 0.0
  var errorsPerSecond = 0.0
  var inFlight: Double?
  var queued: Double?

  /// Notes a metric by its name, which may be one that no selector reads.
  mutating func set(_ value: Double, of name: some Collection<UInt8>) {
    if name.elementsEqual("cpu_utilization".utf8) {
      cpuUtilization = value
    } else if name.elementsEqual("application_utilization".utf8) {
      applicationUtilization = value
    } else if name.elementsEqual("rps_fractional".utf8) {
      requestsPerSecond = value
    } else if name.elementsEqual("rps".utf8) {
      wholeRequestsPerSecond = value
    } else if name.elementsEqual("eps".utf8) {
      errorsPerSecond = value
    } else if name.elementsEqual("named_metrics.in_flight".utf8) {
      inFlight = value
    } else if name.elementsEqual("named_metrics.queued".utf8) {
      queued = value
    }
  }

  /// The load that these figures tell of; nil where they tell nothing.
  var load: LoadReport? {
    let requests = Self.positive(requestsPerSecond) ?? Self.positive(wholeRequestsPerSecond)
    let load = LoadReport(
      inFlight: inFlight.flatMap(Self.count), queued: queued.flatMap(Self.count),
      cpuUtilization: Self.positive(applicationUtilization) ?? Self.positive(cpuUtilization),
      requestsPerSecond: requests,
      // Without requests, nobody knows which share of them the errors are.
      errorsPerSecond: requests.flatMap { _ in errorsPerSecond.isFinite && errorsPerSecond >= 0 ? errorsPerSecond : nil
      })
    return load == LoadReport() ? nil : load
  }

  private static func positive(_ value: Double) -> Double? { value > 0 && value.isFinite ? value : nil }
  private static func count(_ value: Double) -> Int? {
    (0...1e9).contains(value) ? Int(saturating: value.rounded()) : nil
  }
}

extension LoadReport {
  /// What an ORCA report says of a replica; nil where it says nothing that counts.
  ///
  /// `application_utilization`, else `cpu_utilization`, is the share of its processors in use; `rps_fractional`, else
  /// `rps`, and with them `eps`, are its rates; the named metrics `in_flight` and `queued` are its requests. A rate or a
  /// utilization that is zero, negative or no number counts as not there, as ORCA wants it.
  package init?(_ report: Xds_Data_Orca_V3_OrcaLoadReport) {
    let figures = OrcaFigures(
      cpuUtilization: report.cpuUtilization, applicationUtilization: report.applicationUtilization,
      requestsPerSecond: report.rpsFractional, wholeRequestsPerSecond: Double(report.rps),
      errorsPerSecond: report.eps, inFlight: report.namedMetrics["in_flight"], queued: report.namedMetrics["queued"])
    guard let load = figures.load else { return nil }
    self = load
  }
}
