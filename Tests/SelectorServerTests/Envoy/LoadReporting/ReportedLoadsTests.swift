import EnvoyProtocol
import Model
import Selection
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("What Envoys report of endpoints")
struct ReportedLoadsTests {
  private typealias Cluster = Envoy_Config_Endpoint_V3_ClusterStats
  private var loads = ReportedLoads()

  private static func cluster(
    _ endpoints: [(String, active: UInt64, issued: UInt64, errors: UInt64)], seconds: Int64 = 1
  )
    -> Cluster
  {
    .with {
      $0.clusterName = "any"
      $0.loadReportInterval = .init(seconds: seconds)
      $0.upstreamLocalityStats = [
        .with {
          $0.upstreamEndpointStats = endpoints.map { text, active, issued, errors in
            .with {
              $0.address = EndpointAddress(text)?.message ?? .init()
              $0.totalRequestsInProgress = active
              $0.totalIssuedRequests = issued
              $0.totalErrorRequests = errors
            }
          }
        }
      ]
    }
  }

  private mutating func hear(
    _ envoy: UInt64, _ clusters: [Cluster], at second: Double = 0, picks: UInt64 = 0
  ) -> [String: LoadReport] {
    loads.hear(clusters, from: envoy, at: .seconds(second)) { _ in picks }.mapValues(\.load)
  }

  @Test("is summed over Envoys and clusters, and taken away when an Envoy or an endpoint is not mentioned any more")
  mutating func sums() {
    let one = Self.cluster([("10.0.0.1:80", 3, 40, 2), ("[fd00::1]:80", 1, 10, 0)], seconds: 2)
    let two = Self.cluster([("10.0.0.1:80", 1, 20, 0)], seconds: 2)
    #expect(
      hear(1, [one, two]) == [
        "10.0.0.1:80": LoadReport(inFlight: 4, requestsPerSecond: 30, errorsPerSecond: 1),
        "[fd00::1]:80": LoadReport(inFlight: 1, requestsPerSecond: 5, errorsPerSecond: 0),
      ])
    #expect(
      hear(2, [two]) == ["10.0.0.1:80": LoadReport(inFlight: 5, requestsPerSecond: 40, errorsPerSecond: 1)])
    #expect(
      hear(1, [two], at: 1) == [
        "10.0.0.1:80": LoadReport(inFlight: 2, requestsPerSecond: 20, errorsPerSecond: 0),
        "[fd00::1]:80": LoadReport(inFlight: 0, requestsPerSecond: 0, errorsPerSecond: 0),
      ])
    let left = loads.forget(2, at: .seconds(1)) { _ in 0 }.mapValues(\.load)
    #expect(left == ["10.0.0.1:80": LoadReport(inFlight: 1, requestsPerSecond: 10, errorsPerSecond: 0)])
    #expect(hear(1, [], at: 2).values.allSatisfy { $0.inFlight == 0 })
    _ = loads.forget(1, at: .seconds(2)) { _ in 0 }
    let isEmpty = loads.isEmpty
    #expect(isEmpty)
  }

  @Test(
    "is of the time that it says, or since the last report where that cannot be",
    arguments: [-5, 0, 100_000] as [Int64])
  mutating func intervals(said: Int64) throws {
    let cluster = Self.cluster([("10.0.0.1:80", 0, 100, 0)], seconds: said)
    #expect(hear(1, [cluster])["10.0.0.1:80"]?.requestsPerSecond == 100)
    #expect(hear(1, [cluster], at: 4)["10.0.0.1:80"]?.requestsPerSecond == 25)
    let rate = try #require(hear(1, [cluster], at: 4)["10.0.0.1:80"]?.requestsPerSecond)
    #expect(rate.isFinite)
  }

  @Test("says nothing of requests in flight where nearly all were picked here, whose count is better")
  mutating func picked() {
    let cluster = Self.cluster([("10.0.0.1:80", 5, 100, 0)])
    var told: [Int?] = []
    // All requests are picked, then a third.
    var picks: UInt64 = 7
    for second in 0..<20 {
      told.append(hear(1, [cluster], at: Double(second), picks: picks)["10.0.0.1:80"]?.inFlight)
      picks += second < 10 ? 100 : 33
    }
    #expect(told.prefix(10) == Array(repeating: nil, count: 10)[...])
    #expect(told.suffix(5) == Array(repeating: 5, count: 5)[...])
  }

  @Test("says how requests ended that were not picked here; the selector knows about its own")
  mutating func ends() {
    var cluster = Self.cluster([("10.0.0.1:80", 0, 100, 7)])
    cluster.upstreamLocalityStats[0].upstreamEndpointStats[0].totalSuccessfulRequests = 93
    let foreign = loads.hear([cluster, cluster], from: 1, at: .start) { _ in 0 }["10.0.0.1:80"]
    #expect(foreign?.successes == 186 && foreign?.failures == 14)
    let own = loads.hear([cluster], from: 2, at: .seconds(1)) { _ in 300 }["10.0.0.1:80"]
    #expect(own?.successes == 0 && own?.failures == 0)
  }

  @Test("can be anything without harm")
  mutating func anything() {
    var generator = SeededGenerator(seed: 11)
    func any() -> UInt64 { [0, 1, 5, .max, .max / 2].randomElement(using: &generator) ?? 0 }
    for round in 0..<2000 {
      let envoy = UInt64.random(in: 0..<4, using: &generator)
      guard round % 9 > 0 else {
        _ = loads.forget(envoy, at: .seconds(Double(round) / 10)) { _ in any() }
        continue
      }
      let clusters = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        var cluster = Self.cluster([
          ("10.0.0.1:80", any(), any(), any()), ("x", 1, 1, 1), ("10.0.0.\(any() % 6):1", any(), any(), any()),
        ])
        cluster.loadReportInterval.seconds = [0, 1, .min, .max].randomElement(using: &generator) ?? 0
        cluster.loadReportInterval.nanos = [0, 1, .min, .max].randomElement(using: &generator) ?? 0
        return cluster
      }
      for (_, news) in loads.hear(clusters, from: envoy, at: .seconds(Double(round) / 10), picks: { _ in any() }) {
        let load = news.load
        #expect(news.successes >= 0 && news.failures >= 0)
        #expect(load.inFlight ?? 0 >= 0)
        for rate in [load.requestsPerSecond, load.errorsPerSecond].compactMap(\.self) {
          #expect(rate >= 0 && rate.isFinite)
        }
      }
    }
    for envoy in 0..<4 { _ = loads.forget(UInt64(envoy), at: .seconds(300)) { _ in 0 } }
    let isEmpty = loads.isEmpty
    #expect(isEmpty)
  }
}
