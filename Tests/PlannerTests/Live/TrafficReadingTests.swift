import Foundation
import Testing
import Traffic

@testable import Planner

@Suite struct TrafficReadingTests {
  private func read(_ files: [String: String]) throws -> TrafficReading {
    let folder = FileManager.default.temporaryDirectory.appending(path: "reading-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    return try TrafficFiles(files.keys.sorted().map { folder.appending(path: $0).path }).read()
  }

  private func lines(_ reading: TrafficReading) -> [String] {
    let graph = reading.graph
    return graph.edges.map { edge in
      "\(graph.endpoints[edge.source]) > \(graph.endpoints[edge.destination]): "
        + "\(edge.bytesPerSecond ?? -1) B, \(edge.requestsPerSecond ?? -1) r"
    }
  }

  private let flow =
    #"{"verdict": "FORWARDED", "is_reply": false, "source": {"namespace": "shop", "pod_name": "cart"}, "#
    + #""destination": {"namespace": "shop", "pod_name": "db"}}"#

  @Test("Traffic that two kinds of tools measured counts once, at the higher rate, and a table is added")
  func kinds() throws {
    let bytes = PrometheusSourceTests.istio(100)
    let requests = bytes.replacing(#""metric": {"#, with: #""metric": {"__name__": "istio_requests_total", "#)
    let reading = try read(["a.json": bytes, "b.json": requests, "c.jsonl": flow])
    #expect(lines(reading) == ["shop/cart > shop/db: 100.0 B, 100.0 r"])
    #expect(reading.traffic.measured.map(\.graph.edges.count) == [1, 1])
    #expect(reading.traffic.measured.last?.source.hasSuffix("c.jsonl") == true)
    let table = "source,destination,requests_per_second\nshop/cart,shop/db,5\n"
    #expect(
      lines(try read(["a.jsonl": flow, "b.csv": table, "c.csv": table])) == ["shop/cart > shop/db: -1.0 B, 11.0 r"])
  }

  @Test("What Prometheus and files say is put together as files of both are")
  func sources() throws {
    var reading = try read(["a.jsonl": flow])
    reading.add(try read(["a.jsonl": flow, "b.csv": "source,destination,requests_per_second\nshop/cart,shop/db,5\n"]))
    #expect(lines(reading) == ["shop/cart > shop/db: -1.0 B, 6.0 r"])
  }
}
