import Connections
import ControlPlaneTestSupport
import Formats
import Foundation
import Testing
import TonariClient

#if canImport(Glibc)
  import Glibc
#endif

@Suite("tonari selector", .timeLimit(.minutes(3)))
struct SelectorTests {
  private static let replicas = """
    services:
    - name: shop/cart
      replicas: [{address: "10.0.0.1:80", node: n1, concurrency: 4}, {address: "10.0.0.2:80", node: n2, concurrency: 4}]
    """

  private func fetch(_ port: UInt16, _ path: String) async -> (status: Int, text: String)? {
    let request = OutgoingRequest(url: "http://127.0.0.1:\(port)\(path)")
    guard let response = try? await HTTPTransport().send(request),
      let body = try? await response.body.collect(upTo: 1 << 20)
    else { return nil }
    return (response.status, String(decoding: body, as: UTF8.self))
  }

  @Test("answers on a socket as its configuration says, shows itself, and ends gracefully")
  func serves() async throws {
    let (http, grpc) = (try LoopbackListener.freePort(), try LoopbackListener.freePort())
    try await Fixtures.withFolder { folder in
      try Data(Self.replicas.utf8).write(to: folder.appending(path: "replicas.yaml"))
      let configuration = """
        {framed: 'unix:selector.sock', grpc: '127.0.0.1:\(grpc)', http: '127.0.0.1:\(http)', replicas: replicas.yaml,
         allow: [watch=local]}
        """
      try Data(configuration.utf8).write(to: folder.appending(path: "selector.yaml"))
      let selector = try TonariProcess(["selector", "--config", "selector.yaml", "--node", "n2"], in: folder)
      defer { selector.send(SIGKILL) }
      try await eventually("it is ready") { await self.fetch(http, "/readyz")?.status == 200 }

      let address = SelectorAddress.unix(path: folder.appending(path: "selector.sock").path)
      let client = SelectorClient(SelectorClient.Configuration(addresses: [address]))
      let running = Task { try await client.run() }
      let near = try await client.withReplica(of: "shop/cart") { $0 }
      #expect(near.address == "10.0.0.2:80" && near.tier == .node, "requests come from its own node unless they say so")
      await #expect(throws: SelectorClientError.self) { try await client.pick("shop/none") }

      let metrics = try #require(await fetch(http, "/metrics")).text
      #expect(metrics.contains(#"tonari_selector_picks_total{service="shop/cart",policy="tonari",tier="node"} 1"#))
      let top = try await TonariProcess.run("top", "127.0.0.1:\(grpc)", "--once", "--interval", "100ms")
      #expect(top.status == 0, "\(top.messages)")
      #expect(top.text.contains("shop/cart (tonari): 1 picks, node 100 %"), "\(top.text)")
      #expect(top.text.contains("10.0.0.1:80"))

      let nobody = try await TonariProcess.run("top", "127.0.0.1:\(grpc)", "--once", "--service", "shop/none")
      #expect(nobody.status == 1)
      #expect(nobody.messages == "tonari: shop/none: the selector has no such service\n", "\(nobody.messages)")

      selector.send(SIGTERM)
      let result = await selector.result()
      #expect(result.status == 0 && !result.isKilled, "\(result.messages)")
      running.cancel()
      try await running.value
    }
  }

  @Test("three take over from each other one after another, and no client sees an error")
  func rollingRestart() async throws {
    try await Fixtures.withFolder { folder in
      let ports = try (0..<3).map { _ in try LoopbackListener.freePort() }
      let https = try (0..<3).map { _ in try LoopbackListener.freePort() }
      try Data(Self.replicas.utf8).write(to: folder.appending(path: "replicas.yaml"))
      func start(_ number: Int) async throws -> TonariProcess {
        let peers = ports.indices.filter { $0 != number }.flatMap { ["--peer", "127.0.0.1:\(ports[$0])"] }
        let process = try TonariProcess(
          [
            "selector", "--framed", "unix:\(number).sock", "--grpc", "127.0.0.1:\(ports[number])", "--http",
            "127.0.0.1:\(https[number])", "--replicas", "replicas.yaml", "--name", "s\(number)", "--log-level",
            "warning", "--allow", "exchange=local", "--allow", "watch=local",
          ] + peers, in: folder)
        try await eventually("it is ready") { await self.fetch(https[number], "/readyz")?.status == 200 }
        return process
      }
      var selectors: [TonariProcess] = []
      for number in 0..<3 { selectors.append(try await start(number)) }
      defer { for selector in selectors { selector.send(SIGKILL) } }

      let addresses = (0..<3).map { SelectorAddress.unix(path: folder.appending(path: "\($0).sock").path) }
      let client = SelectorClient(SelectorClient.Configuration(addresses: addresses))
      let running = Task { try await client.run() }
      let asking = Task {
        var picks = 0
        do {
          while !Task.isCancelled {
            try await client.withReplica(of: "shop/cart") { _ in try? await Task.sleep(for: .milliseconds(1)) }
            picks += 1
          }
        } catch is CancellationError {
          // That is how it ends.
        }
        return picks
      }
      for number in 0..<3 {
        try await Task.sleep(for: .milliseconds(300))
        selectors[number].send(SIGTERM)
        let ended = await selectors[number].result()
        #expect(ended.status == 0, "\(ended.messages)")
        selectors[number] = try await start(number)
      }
      asking.cancel()
      let picks = try await asking.value
      #expect(picks > 100)
      running.cancel()
      try await running.value
    }
  }

  @Test(
    "says what is wrong with its options and files",
    arguments: [
      (["--framed", "pipe:x"], 2, "expected unix:/path, tcp:host:port"),
      ([], 2, "expected --framed, --grpc, --picker or --pod-sockets"),
      (["--grpc", "127.0.0.1:0", "--replicas", "/nonexistent.yaml"], 4, "/nonexistent.yaml"),
      (["--config", "/nonexistent.yaml"], 4, "/nonexistent.yaml"),
      (["--grpc", "127.0.0.1:0", "--policy", "best"], 2, "expected one of random"),
      (["--grpc", "127.0.0.1:0", "--peer-ca", "x"], 2, "expected --peer with it"),
    ] as [([String], Int32, String)])
  func refusals(_ arguments: [String], _ status: Int32, _ message: String) async throws {
    let run = try await TonariProcess(["selector"] + arguments).result()
    #expect(run.status == status)
    #expect(run.messages.contains(message), "\(run.messages)")
  }
}
