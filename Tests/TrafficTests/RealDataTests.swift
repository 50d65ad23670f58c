import Foundation
import Testing

@testable import Traffic

/// Files that others published, read in place; `TONARI_REAL_DATA` names their folder.
private let realData = ProcessInfo.processInfo.environment["TONARI_REAL_DATA"]
private let isCI = ProcessInfo.processInfo.environment["CI"] != nil

@Suite(.enabled(if: realData != nil || isCI, "TONARI_REAL_DATA is not set"))
struct RealDataTests {
  private func file(_ name: String) throws -> [UInt8] {
    let folder = try #require(realData, "TONARI_REAL_DATA is not set")
    return [UInt8](try Data(contentsOf: URL(filePath: folder).appending(path: name)))
  }

  @Test("Kiali's graph of bookinfo: ids join, rates are strings, outside is only what is unknown")
  func kiali() throws {
    let dump = try read(file("kiali/workload-graph.json"))
    #expect(dump.format == .kiali)
    #expect(dump.warnings.isEmpty)
    let edges = lines(dump.graph)
    #expect(edges.count == 18)
    #expect(edges.contains("bookinfo/reviews-v3 → bankapp/deposit-v1: 50/s"))
    #expect(edges.contains("istio-system/ingressgateway-unknown → bookinfo/tcp-v1: 300 B/s"))
    #expect(edges.contains("bookinfo/reviews-v3 → [unknown]: 4/s"))
    #expect(edges.contains("[unknown] → bookinfo/tcp-v1: 800 B/s"))
    #expect(edges.contains("bookinfo/productpage-v1 → bookinfo/productpage-v1: 20/s"))
  }

  @Test("Jaeger's dependencies of a large system")
  func dependencies() throws {
    let dump = try read(file("jaeger/dependencies-large.json"), chunk: 4096)
    #expect(dump.format == .jaegerDependencies)
    #expect(dump.records == 4271)
    #expect(dump.graph.edges.count == 4271)
    #expect(dump.graph.endpoints.count == 1238)
    #expect(dump.graph.edges.reduce(0) { $0 + ($1.requestsPerSecond ?? 0) } == 2_985_281)
  }

  @Test("A trace of Tempo's: Istio's services, ids in base64, sizes as strings")
  func tempo() throws {
    let dump = try read(file("jaeger/tempo-trace-response.json"))
    #expect(dump.format == .otlp)
    #expect(dump.dropped.isEmpty)
    #expect(
      lines(dump.graph) == [
        "istio-system/istio-ingressgateway → bookinfo/productpage: 5294 B/s, 1/s",
        "bookinfo/productpage → bookinfo/details: 178 B/s, 1/s",
        "bookinfo/productpage → bookinfo/reviews: 442 B/s, 1/s",
        "bookinfo/reviews → bookinfo/ratings: 48 B/s, 1/s",
      ]
    )
  }
}
