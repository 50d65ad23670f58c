import ControlPlaneTestSupport
import Daemon
import Foundation
import Synchronization
import Testing
import Traffic

@testable import Connections
@testable import Planner

@Suite struct TrafficFeedTests {
  private func bytes(_ feed: TrafficFeed) -> [Double] { feed.reading?.graph.edges.map { $0.bytesPerSecond ?? 0 } ?? [] }

  @Test("What cannot be read leaves what is known, and is told and counted")
  func faults() async throws {
    let answer = Mutex(("", 500))
    let server = try ScriptedServer { _, reply in
      let (body, status) = answer.withLock { $0 }
      reply.respond(body, status: status)
      return .keep
    }
    let registry = MetricsRegistry()
    var source = try PrometheusSource(server.url)
    source.metrics = .queries([PrometheusQuery("istio_request_bytes_sum")])
    let backoff = Backoff(shortest: .milliseconds(1), longest: .milliseconds(5))
    let feed = TrafficFeed(
      prometheus: source, files: nil, interval: .milliseconds(10), backoff: backoff, registry: registry, logger: .silent
    )
    let running = Task { await feed.run {} }
    defer { running.cancel() }

    try await eventually("the fault is told") { feed.report().fault?.contains("HTTP 500") == true }
    #expect(!feed.report().isReady)
    #expect(feed.reading == nil)
    answer.withLock { $0 = (PrometheusSourceTests.istio(100), 200) }
    try await eventually("it is read") { bytes(feed) == [100] }
    #expect(feed.report().isReady)
    #expect(feed.report().fault == nil)
    for garbage in [("<html>", 200), (PrometheusSourceTests.empty, 200), ("", 503)] {
      answer.withLock { $0 = garbage }
      try await eventually("the fault is told") { feed.report().fault != nil }
      #expect(bytes(feed) == [100])
      #expect(feed.report().isReady)
      answer.withLock { $0 = (PrometheusSourceTests.istio(100), 200) }
      try await eventually("it is over") { feed.report().fault == nil }
    }
    #expect(registry.text.contains(#"tonari_traffic_readings_total{outcome="failure",source="prometheus"}"#))
  }

  @Test("Files are read again when they change, and what is no traffic changes nothing")
  func files() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "traffic-\(UUID().uuidString).csv")
    defer { try? FileManager.default.removeItem(at: file) }
    func write(_ text: String) throws { try text.write(to: file, atomically: true, encoding: .utf8) }
    let head = "source,destination,bytes_per_second\n"
    try write(head + "shop/a,shop/b,5\n")
    let feed = TrafficFeed(
      prometheus: nil, files: TrafficFiles([file.path]), registry: MetricsRegistry(), logger: .silent)
    let running = Task { await feed.run {} }
    defer { running.cancel() }
    try await eventually("it is read") { bytes(feed) == [5] }
    try write("nonsense")
    try await eventually("the fault is told") { feed.report().fault != nil }
    #expect(bytes(feed) == [5])
    try write(head + "shop/a,shop/b,6\n")
    try await eventually("it is read again") { bytes(feed) == [6] }
    #expect(feed.report().fault == nil)
  }

  @Test("A file that could not be read is tried again, though it looks the same")
  func again() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "traffic-\(UUID().uuidString).csv")
    defer { try? FileManager.default.removeItem(at: file) }
    let date = Date(timeIntervalSince1970: 1_700_000_000)
    /// Writes as a disk would that failed for a while: nothing that tells of a change is another.
    func write(_ text: String) throws {
      if FileManager.default.fileExists(atPath: file.path) {
        let handle = try FileHandle(forWritingTo: file)
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
      } else {
        try Data(text.utf8).write(to: file)
      }
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: file.path)
    }
    let good = "source,destination,bytes_per_second\nshop/a,shop/b,5\n"
    try write(String(repeating: "x", count: good.utf8.count - 1) + "\n")
    let backoff = Backoff(shortest: .milliseconds(1), longest: .milliseconds(5))
    let feed = TrafficFeed(
      prometheus: nil, files: TrafficFiles([file.path]), backoff: backoff, registry: MetricsRegistry(), logger: .silent)
    let running = Task { await feed.run {} }
    defer { running.cancel() }
    try await eventually("the fault is told") { feed.report().fault != nil }
    let stamps = TrafficFiles([file.path]).stamps
    try write(good)
    #expect(TrafficFiles([file.path]).stamps == stamps)
    try await eventually("it is read") { bytes(feed) == [5] }
    #expect(feed.report().fault == nil)
  }
}
