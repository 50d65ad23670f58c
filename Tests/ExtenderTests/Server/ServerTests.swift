import Connections
import ControlPlaneTestSupport
import Daemon
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Kubernetes
import Logging
import NIOCore
import Planner
import Testing

@testable import Extender

@Suite struct ServerTests {
  private func webhook() -> SchedulerWebhook {
    var state = ExtenderState(nodes: ["a": "z", "b": "z"])
    state.set(plan: plan(["cart": ["a": 2, "b": 1]]))
    return SchedulerWebhook(state, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func application(
    _ webhook: SchedulerWebhook? = nil, health: [any HealthSource] = [],
    _ change: (inout ExtenderServer.Configuration) -> Void = { _ in }
  ) throws -> some ApplicationProtocol {
    var configuration = ExtenderServer.Configuration(port: 0)
    change(&configuration)
    return try ExtenderServer(configuration, webhook ?? self.webhook(), health: health).application()
  }

  @Test("The calls are answered under the prefix, and counted", arguments: ["/scheduler", "", "/a/b"])
  func calls(prefix: String) async throws {
    try await application { $0.prefix = prefix }.test(.live) { client in
      let body = request(pod("p", of: "cart"), names: ["a", "b"])
      let scores = try await client.executeRequest(uri: "\(prefix)/prioritize", method: .post, headers: [:], body: body)
      #expect(String(buffer: scores.body) == #"[{"Host":"a","Score":10},{"Host":"b","Score":6}]"#)
      #expect(scores.headers[.contentType] == "application/json")
      let filtered = try await client.executeRequest(uri: "\(prefix)/filter", method: .post, headers: [:], body: body)
      #expect(String(buffer: filtered.body) == #"{"NodeNames":["a","b"],"FailedNodes":{},"Error":""}"#)
      let malformed = try await client.executeRequest(
        uri: "\(prefix)/filter", method: .post, headers: [:], body: ByteBuffer(string: "{"))
      #expect(malformed.status == .badRequest)
      #expect(String(buffer: malformed.body).contains(#""Error":"byte 1"#))
      let metrics = String(
        buffer: try await client.executeRequest(uri: "/metrics", method: .get, headers: [:], body: nil).body)
      #expect(metrics.contains(#"tonari_extender_requests_total{status="200",verb="filter"} 1"#))
      #expect(metrics.contains(#"tonari_extender_requests_total{status="400",verb="filter"} 1"#))
      #expect(metrics.contains(#"tonari_extender_duration_seconds_count{verb="prioritize"} 1"#))
    }
  }

  @Test("Who waits for leave to send a body is given it at once, unless the body is too large")
  func expectation() async throws {
    let body = String(buffer: request(pod("p", of: "cart"), names: ["a", "b"]))
    try await application { $0.largestRequest = 1 << 20 }.test(.live) { client in
      let port = try #require(client.port)
      @Sendable func first(length: Int, of answers: Int, body: String) throws -> [String] {
        let socket = try LoopbackConnection(to: UInt16(port))
        defer { socket.close() }
        try socket.send(
          "POST /scheduler/filter HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\nExpect: 100-continue\r\n\r\n")
        let first = try socket.receive(until: "\r\n\r\n")
        guard answers > 1 else { return [first] }
        try socket.send(body)
        return [first, try socket.receive(until: "}")]
      }
      let answers = try await offPool { try first(length: body.utf8.count, of: 2, body: body) }
      #expect(answers[0] == "HTTP/1.1 100 Continue\r\n\r\n")
      #expect(answers[1].hasPrefix("HTTP/1.1 200 OK\r\n"))
      let refused = try await offPool { try first(length: 1 << 21, of: 1, body: "") }
      #expect(refused[0].hasPrefix("HTTP/1.1 413 "))
    }
  }

  @Test("Whole nodes of some megabytes are echoed as they came")
  func large() async throws {
    let body = Self.wholeNodes(300, bytes: 8000)
    try await application().test(.live) { client in
      let answer = try await client.executeRequest(uri: "/scheduler/filter", method: .post, headers: [:], body: body)
      #expect(answer.status == .ok)
      #expect(answer.body.readableBytes > 2_000_000)
      let items = try JSONSerialization.jsonObject(with: Data(answer.body.readableBytesView)) as? [String: Any]
      #expect(((items?["Nodes"] as? [String: Any])?["items"] as? [Any])?.count == 300)
    }
  }

  /// A request with whole nodes that have so many bytes each.
  private static func wholeNodes(_ count: Int, bytes: Int) -> ByteBuffer {
    let text = String(repeating: "x", count: bytes)
    let items = (0..<count).map { #"{"metadata":{"name":"node-\#($0)","annotations":{"a":"\#(text)"}}}"# }
    return ByteBuffer(
      string: #"{"Pod":\#(pod("p", of: "cart")),"Nodes":{"items":[\#(items.joined(separator: ","))]}}"#)
  }

  @Test("An answer counts as held until whoever asked has taken it")
  func slowReader() async throws {
    let body = String(buffer: Self.wholeNodes(4, bytes: 8 << 20))
    let webhook = webhook()
    try await application(webhook).test(.live) { client in
      let port = try #require(client.port)
      /// The bytes that requests hold, once they are as many as expected, or after some seconds.
      func held(until isExpected: (Double) -> Bool) async throws -> Double {
        let end = ContinuousClock.now + .seconds(10)
        while true {
          let line = webhook.metrics.registry.text.split(separator: "\n")
            .first { $0.hasPrefix("tonari_extender_request_bytes ") }
          let held = line.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) } ?? -1
          if isExpected(held) || ContinuousClock.now > end { return held }
          try await Task.sleep(for: .milliseconds(20))
        }
      }
      let socket = try await offPool {
        let socket = try LoopbackConnection(to: UInt16(port))
        try socket.send("POST /scheduler/filter HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
        try socket.send(body)
        _ = try socket.receive(until: "\r\n\r\n")
        return socket
      }
      // The head of the answer is here, and most of its body is not taken.
      try await Task.sleep(for: .milliseconds(200))
      #expect(try await held { $0 > 1e6 } >= Double(body.utf8.count))
      socket.close()
      #expect(try await held { $0 == 0 } == 0)
    }
  }

  @Test("An enforced plan's answer that finds no memory is refused")
  func answerWithoutMemory() async throws {
    var state = ExtenderState(nodes: ["a": "z"], isEnforcing: true)
    state.set(plan: plan(["cart": [String(repeating: "n", count: 200): 2]]))
    let webhook = SchedulerWebhook(state, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let body = request(pod("p", of: "cart"), names: (0..<2000).map { "\($0)" })
    for (memory, status): (Int, HTTPResponse.Status) in [(100_000, .serviceUnavailable), (10 << 20, .ok)] {
      try await application(webhook, { $0.memoryForRequests = memory }).test(.live) { client in
        let answer = try await client.executeRequest(uri: "/scheduler/filter", method: .post, headers: [:], body: body)
        #expect(answer.status == status)
      }
    }
  }

  @Test("A request that is too large, or finds no memory, is refused, and the next one is answered")
  func limits() async throws {
    let large = request(pod("p", of: "cart"), nodes: [String(repeating: "x", count: 20_000)])
    let small = request(pod("p", of: "cart"), names: ["a"])
    for (change, status): (@Sendable (inout ExtenderServer.Configuration) -> Void, HTTPResponse.Status) in [
      ({ $0.largestRequest = 10_000 }, .contentTooLarge), ({ $0.memoryForRequests = 10_000 }, .serviceUnavailable),
    ] {
      try await application(nil, change).test(.live) { client in
        for _ in 0..<3 {
          let answer = try await client.executeRequest(
            uri: "/scheduler/filter", method: .post, headers: [:], body: large)
          #expect(answer.status == status)
          let next = try await client.executeRequest(uri: "/scheduler/filter", method: .post, headers: [:], body: small)
          #expect(next.status == .ok)
        }
      }
    }
  }

  @Test("Readiness says what is stale, and fails only where there is nothing to answer from")
  func readiness() async throws {
    struct Source: HealthSource {
      var value: HealthReport
      func report() -> HealthReport { value }
    }
    let stale = HealthReport(name: "pods", isReady: true, staleness: .seconds(90), fault: "no route to host")
    try await application(nil, health: [Source(value: stale)]).test(.live) { client in
      let answer = try await client.executeRequest(uri: "/readyz", method: .get, headers: [:], body: nil)
      #expect(answer.status == .ok)
      #expect(String(buffer: answer.body) == "[+] pods ok, last heard of 90 s ago, stale: no route to host\nready\n")
      let metrics = try await client.executeRequest(uri: "/metrics", method: .get, headers: [:], body: nil)
      #expect(String(buffer: metrics.body).contains(#"tonari_extender_staleness_seconds{source="pods"} 90.0"#))
    }
    let missing = HealthReport(name: "pods", isReady: false)
    try await application(nil, health: [Source(value: missing)]).test(.live) { client in
      let answer = try await client.executeRequest(uri: "/readyz", method: .get, headers: [:], body: nil)
      #expect(answer.status == .serviceUnavailable)
      for path in ["/livez", "/healthz"] {
        let answer = try await client.executeRequest(uri: path, method: .get, headers: [:], body: nil)
        #expect(answer.status == .ok)
      }
    }
  }

  @Test("A plan's file is read again when it changes; a broken one does not replace the plan")
  func planFile() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "plan-\(UUID().uuidString).yaml").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    func write(_ plan: String) throws { try plan.write(toFile: file, atomically: true, encoding: .utf8) }
    try write(plan(["cart": ["a": 1]]).yaml())
    let webhook = webhook()
    let source = try PlanFile(file, webhook)
    #expect(webhook.update { $0.summary.replicas } == 1)
    try write(plan(["cart": ["a": 4]]).yaml())
    source.reloadChanged()
    #expect(webhook.update { $0.summary.replicas } == 4)
    try write("kind: PlacementPlan\n")
    source.reloadChanged()
    #expect(webhook.update { $0.summary.replicas } == 4)
    #expect(source.report().isReady)
    #expect(source.report().fault?.contains(file) == true)
    try FileManager.default.removeItem(atPath: file)
    source.reloadChanged()
    #expect(source.report().fault?.contains("No such file") == true)
    try write(plan(["cart": ["a": 2]]).json())
    source.reloadChanged()
    #expect(webhook.update { $0.summary.replicas } == 2)
    #expect(source.report().fault == nil)
  }
}
