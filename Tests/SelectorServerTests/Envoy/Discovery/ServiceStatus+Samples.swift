@testable import Model
@testable import Selection

extension ServiceStatus {
  /// A service of replicas of which nothing is known but what is known beforehand.
  static func sample(_ replicas: [ServiceReplica]) throws -> ServiceStatus {
    let dispatcher = Dispatcher()
    dispatcher.set(replicas, of: "s", from: .file, at: .start)
    guard var status = dispatcher.service("s")?.status(at: .start) else { throw CancellationError() }
    status.replicas.sort { $0.replica.address < $1.replica.address }
    return status
  }

  static func sample(_ count: Int, concurrency: Int? = nil) throws -> ServiceStatus {
    try sample((0..<count).map { ServiceReplica(address: "10.0.0.\(1 + $0):80", concurrency: concurrency) })
  }
}

extension ReplicaStatus {
  /// The selector saw it take so long for requests, so many at a time.
  mutating func set(pace seconds: Double, concurrency: Double = 1) {
    view.pace = ServicePace(seconds: seconds, concurrency: concurrency, completions: 100)
  }

  /// It, or somebody else, reported of it.
  mutating func set(_ report: LoadReport, at now: Moment) {
    view.lastReport = report
    view.heard = now
    var times = ReportTimes()
    if report.inFlight != nil { times.inFlight = now }
    if report.cpuUtilization != nil { times.cpuUtilization = now }
    if report.requestsPerSecond != nil { times.requestsPerSecond = now }
    if report.errorsPerSecond != nil { times.errorsPerSecond = now }
    view.reportTimes = times
  }
}
