import Model
import Testing

@testable import Selection

@Suite("A load report")
struct LoadReportTests {
  @Test("counts what cannot be as missing")
  func plausible() {
    for bad in [-1, -0.5, .nan, .infinity, -.infinity] {
      let report = LoadReport(
        inFlight: -1, queued: .min, cpuUtilization: bad, latencySeconds: bad, requestsPerSecond: bad,
        errorsPerSecond: bad)
      #expect(report.plausible == LoadReport())
    }
    #expect(LoadReport(inFlight: .max, queued: .max).plausible == LoadReport())
    #expect(LoadReport(cpuUtilization: 0).plausible == LoadReport())
    let sound = LoadReport(
      inFlight: 0, queued: 0, cpuUtilization: 1.5, latencySeconds: 0, requestsPerSecond: 0, errorsPerSecond: 0)
    #expect(sound.plausible == sound)
  }

  @Test(
    "says how many requests there are, whether or not those that wait are among those in flight",
    arguments: [
      (LoadReport(), 4, nil), (LoadReport(inFlight: 7), 4, 7), (LoadReport(inFlight: 7, queued: 3), 4, 7),
      (LoadReport(inFlight: 4, queued: 3), 4, 7), (LoadReport(queued: 3), 4, 7), (LoadReport(queued: 0), 4, 0),
      (LoadReport(queued: 3), nil, 4), (LoadReport(inFlight: 5, queued: 3), nil, 5),
    ] as [(LoadReport, Int?, Double?)])
  func requests(report: LoadReport, concurrency: Int?, expected: Double?) {
    #expect(report.requests(concurrency: concurrency) == expected)
  }

  @Test("is kept figure by figure, with when the last came, as long as the replica is there")
  func last() throws {
    var selector = ReplicaSelector(TonariPolicy())
    selector.replace(with: [Replica(name: "a"), Replica(name: "b")], at: .start)
    let id = try #require(selector.table.id(of: "b"))
    #expect(selector.table.lastReport(id.slot) == nil)
    selector.report(LoadReport(inFlight: 3, cpuUtilization: 0.5), of: id, at: .seconds(1))
    selector.report(LoadReport(inFlight: 4, latencySeconds: .nan), of: id, at: .seconds(2))
    let last = try #require(selector.table.lastReport(id.slot))
    #expect(last.report == LoadReport(inFlight: 4, cpuUtilization: 0.5))
    #expect(last.heard == .seconds(2))
    #expect(last.times.inFlight == .seconds(2) && last.times.cpuUtilization == .seconds(1))
    #expect(last.times.latency == nil, "what cannot be was not said")
    // A report that says nothing of requests leaves what was heard of them.
    selector.report(LoadReport(cpuUtilization: 0.6), of: id, at: .seconds(2))
    #expect(selector.table.requests(id.slot, at: .seconds(2)) == 4)
    selector.replace(with: [Replica(name: "a")], at: .seconds(3))
    selector.replace(with: [Replica(name: "a"), Replica(name: "c")], at: .seconds(3))
    #expect(selector.table.id(of: "c")?.slot == id.slot)
    #expect(selector.table.lastReport(id.slot) == nil)
  }
}
