import Connections
import ControlPlaneTestSupport
import Foundation
import PythonTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite(
  "An unmodified Envoy and the picker", .enabled(if: EnvoyProcess.isAvailable), .timeLimit(.minutes(5)), .serialized)
struct EnvoyPickerTests {
  private static func settles(_ bed: SidecarBed) async throws {
    try await eventually("nothing is in flight") {
      let inFlight = await bed.metric("tonari_selector_in_flight", #"by="this selector""#)
      let open = await bed.metric("tonari_selector_open_picks")
      return inFlight == 0 && open == 0
    }
  }

  @Test("Each request goes where the selector says, and what becomes of it is known")
  func follows() async throws {
    // The others are so slow that whoever took turns would use them a lot.
    let slow = "mean=100ms,service=constant,concurrency=2"
    try await SidecarBed.run(replicas: ["mean=1ms,concurrency=8", slow, slow]) { _, bed in
      #expect(await bed.ask(times: 300) == [200: 300])
      try await Self.settles(bed)
      #expect(await bed.metric("tonari_selector_picks_total") == 300)
      #expect(await bed.metric("tonari_selector_completions_total", #"outcome="success""#) == 300)
      #expect(try await bed.envoy.total("ext_proc.failure_mode_allowed") == 0)
      let fast = try await bed.replicas.change(0)
      #expect(fast.requests > 150, "\(fast)")
    }
  }

  @Test("A try that fails goes on to the second endpoint, and counts as failed at the first")
  func retries() async throws {
    try await SidecarBed.run(replicas: ["mean=1ms", "mean=1ms", "mean=1ms"]) { _, bed in
      // One more that nobody listens on, which Envoy knows too.
      let dead = try LoopbackListener.freePort()
      let addresses = bed.replicas.addresses + ["127.0.0.1:\(dead)"]
      let lines = addresses.map { "  - {address: \"\($0)\"}\n" }.joined()
      try Data("services:\n- name: shop/cart\n  replicas:\n\(lines)".utf8)
        .write(to: bed.folder.appending(path: "replicas.yaml"))
      try await eventually("Envoy knows it") {
        await bed.envoy.admin("/clusters")?.contains("shop/cart::127.0.0.1:\(dead)::") == true
      }
      #expect(await bed.ask(times: 200) == [200: 200])
      try await Self.settles(bed)
      let failed = await bed.metric("tonari_selector_completions_total", #"outcome="failure""#)
      #expect(failed == 0, "a request that was served at last is a success")
      #expect(try await bed.envoy.total("cluster.shop/cart.upstream_rq_retry") > 0)
    }
  }

  @Test("A client that goes away and a replica that takes too long leave nothing in flight")
  func resets() async throws {
    try await SidecarBed.run(replicas: ["mean=300ms,service=constant"]) {
      $0.replacing("timeout: 15s", with: "timeout: 0.5s")
    } _: { _, bed in
      #expect(await bed.ask() == 200)
      // The client goes before the answer is there.
      #expect(await bed.ask(timeout: .milliseconds(100)) == nil)
      try await eventually("its pick is cancelled") {
        await bed.metric("tonari_selector_completions_total", #"outcome="cancelled""#) == 1
      }
      try await bed.replicas.change(0, "mean=2s")
      #expect(await bed.ask() == 504)
      try await eventually("its pick has failed") {
        await bed.metric("tonari_selector_completions_total", #"outcome="failure""#) == 1
      }
      try await Self.settles(bed)
    }
  }

  @Test("Without the selector Envoy goes on by itself, and follows again once it is back; no request is lost")
  func failsOpen() async throws {
    try await SidecarBed.run(replicas: ["mean=1ms", "mean=1ms", "mean=1ms"]) { selector, bed in
      #expect(await bed.ask(times: 50) == [200: 50])
      // It hangs: Envoy waits no longer than its message timeout.
      selector.process.send(SIGSTOP)
      #expect(await bed.ask(times: 20) == [200: 20])
      selector.process.send(SIGCONT)
      selector.process.send(SIGKILL)
      #expect(await bed.ask(times: 50) == [200: 50])
      #expect(try await bed.envoy.total("ext_proc.failure_mode_allowed") >= 50)
      selector = try await SelectorProcess.start(in: bed.folder, httpPort: bed.httpPort)
      try await eventually("it is asked again") {
        _ = await bed.ask()
        return await bed.metric("tonari_selector_picks_total") ?? 0 > 5
      }
      // A restart in good order, under load.
      async let asked = bed.ask(times: 400, width: 8)
      selector.process.send(SIGTERM)
      #expect(await selector.process.result().status == 0)
      selector = try await SelectorProcess.start(in: bed.folder, httpPort: bed.httpPort)
      #expect(await asked == [200: 400])
      try await Self.settles(bed)
    }
  }

  @Test(
    "Bodies pass in every mode of processing",
    arguments: ["STREAMED", "BUFFERED", "BUFFERED_PARTIAL", "FULL_DUPLEX_STREAMED"])
  func bodies(_ mode: String) async throws {
    try await EchoServer.run { echo in try await Self.echoes(through: mode, port: echo) }
  }

  private static func echoes(through mode: String, port: Int) async throws {
    try await SidecarBed.run(replicas: ["mean=1ms"]) {
      let trailers = mode == "FULL_DUPLEX_STREAMED" ? "SEND" : "SKIP"
      return $0.replacing("body_mode: NONE", with: "body_mode: \(mode)")
        .replacing("trailer_mode: SKIP", with: "trailer_mode: \(trailers)")
    } _: { _, bed in
      let lines = "services:\n- name: shop/cart\n  replicas: [{address: \"127.0.0.1:\(port)\"}]\n"
      try Data(lines.utf8).write(to: bed.folder.appending(path: "replicas.yaml"))
      try await eventually("Envoy knows the echo alone") {
        let clusters = await bed.envoy.admin("/clusters") ?? ""
        return clusters.contains("shop/cart::127.0.0.1:\(port)::")
          && !clusters.contains("shop/cart::\(bed.replicas.addresses[0])::")
      }
      for size in [0, 1, 100_000] {
        let sent = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var request = OutgoingRequest(method: "POST", url: "http://127.0.0.1:\(bed.envoy.port)/", body: sent)
        request.timeout = .seconds(20)
        let response = try await HTTPTransport.shared.send(request)
        #expect(response.status == 200)
        #expect(try await response.body.collect(upTo: 1 << 20) == sent, "\(size) bytes")
      }
      try await Self.settles(bed)
    }
  }

  /// Runs `body` with an Envoy whose only endpoint has a port.
  private static func run(
    endpoint port: UInt16, _ change: (String) -> String, _ body: (SidecarBed) async throws -> Void
  ) async throws {
    try await SidecarBed.run(replicas: ["mean=1ms"], change) { _, bed in
      let lines = "services:\n- name: shop/cart\n  replicas: [{address: \"127.0.0.1:\(port)\"}]\n"
      try Data(lines.utf8).write(to: bed.folder.appending(path: "replicas.yaml"))
      try await eventually("Envoy knows the endpoint alone") {
        let clusters = await bed.envoy.admin("/clusters") ?? ""
        return clusters.contains("shop/cart::127.0.0.1:\(port)::")
          && !clusters.contains("shop/cart::\(bed.replicas.addresses[0])::")
      }
      try await body(bed)
    }
  }

  @Test("A streamed answer and an upgraded connection are in flight to their end")
  func streams() async throws {
    let server = try StreamServer()
    try await Self.run(endpoint: server.port) {
      $0.replacing(
        "stat_prefix: cart", with: "stat_prefix: cart\n                upgrade_configs: [{upgrade_type: websocket}]")
    } _: { bed in
      for (head, begin, end) in [
        ("", "HTTP/1.1 200 OK", "0\r\n\r\n"),
        ("Connection: Upgrade\r\nUpgrade: websocket\r\n", "HTTP/1.1 101 Switching Protocols", "tea"),
      ] {
        let client = try LoopbackConnection(to: bed.envoy.port)
        defer { client.close() }
        try client.send("GET / HTTP/1.1\r\nHost: cart\r\n\(head)\r\n")
        #expect(try client.receive(until: "\r\n\r\n").hasPrefix(begin))
        if !head.isEmpty {
          try client.send("tea")
          #expect(try client.receive(until: end) == end, "both ways are open")
        }
        // The picker heard of the head before Envoy passed it on.
        #expect(await bed.metric("tonari_selector_in_flight", #"by="this selector""#) == 1)
        server.finish()
        if head.isEmpty { _ = try client.receive(until: end) }
        client.close()
        try await Self.settles(bed)
      }
      #expect(await bed.metric("tonari_selector_completions_total", #"outcome="success""#) == 2)
      #expect(try await bed.envoy.total("ext_proc.failure_mode_allowed") == 0)
    }
  }

  @Test("Failures that a real gRPC server says in trailers count", .enabled(if: Python.isAvailable))
  func grpcFailures() async throws {
    let port = try LoopbackListener.freePort()
    let type = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    try await Self.run(endpoint: port) {
      $0.replacing(
        "      type: EDS\n",
        with: """
                type: EDS
                typed_extension_protocol_options:
                  \(type):
                    "@type": type.googleapis.com/\(type)
                    explicit_http_config: {http2_protocol_options: {}}

          """)
    } _: { bed in
      let result = try await Python.run(
        "Tests/EndToEndTests/Envoy/failing_grpc.py", ["\(port)", "\(bed.envoy.port)", "20"])
      #expect(result.output == "UNAVAILABLE after 1: 20\nOK after 2: 1\n", "\(result.errors)")
      try await Self.settles(bed)
      #expect(await bed.metric("tonari_selector_completions_total", #"outcome="failure""#) == 20)
      #expect(await bed.metric("tonari_selector_completions_total", #"outcome="success""#) == 1)
    }
  }
}
