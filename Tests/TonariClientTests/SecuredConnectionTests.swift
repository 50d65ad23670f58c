import CertificateTestSupport
import Connections
import Daemon
import Logging
import NIOCore
import NIOPosix
import Selection
import SelectorServer
import Testing

@testable import TonariClient

@Suite("Framed connections with TLS", .enabled(if: TestCertificates.areAvailable), .timeLimit(.minutes(2)))
struct SecuredConnectionTests {
  private let dispatcher = Dispatcher(DispatcherOptions(policy: .leastRequest))
  private let certificates: TestCertificates

  init() throws {
    certificates = try TestCertificates()
    try certificates.make("server")
    try certificates.make("cart", names: ["URI:spiffe://cluster.local/ns/shop/sa/cart"])
    try certificates.make("other")
    dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: "shop/cart", from: .file, at: .now)
  }

  /// Serves while a client that has a certificate runs, for as long as some work takes.
  private func running(
    as name: String?, _ rules: [String], options: FramedOptions = FramedOptions(),
    _ work: @escaping @Sendable (SelectorClient, FramedTLSServer, Int) async throws -> Void
  ) async throws {
    var options = options
    options.access = AccessPolicy(rules: try rules.map { try AccessRule($0) })
    let (listening, listens) = AsyncStream<FramedAddress>.makeStream()
    let server = FramedTLSServer(
      dispatcher, addresses: [.tls("127.0.0.1", 0)],
      tls: TLSFiles(
        certificate: certificates.path("server.crt"), key: certificates.path("server.key"),
        clientAuthority: certificates.path("cart.crt")),
      options: options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) { addresses in for address in addresses { listens.yield(address) } }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await server.run() }
      var found = listening.makeAsyncIterator()
      let address = try #require(await found.next().flatMap { SelectorAddress($0.description) })
      var configuration = SelectorClient.Configuration(addresses: [address])
      configuration.timeout = .seconds(20)
      configuration.tls.authority = certificates.path("server.crt")
      configuration.tls.certificate = name.map { certificates.path("\($0).crt") }
      configuration.tls.key = name.map { certificates.path("\($0).key") }
      let client = SelectorClient(configuration)
      tasks.addTask { try await client.run() }
      guard case .tls(_, let port) = address.place else { throw CancellationError() }
      try await work(client, server, port)
      tasks.cancelAll()
      while let _ = try? await tasks.next() {}
    }
  }

  @Test("pick and complete, by the names in the client's certificate")
  func picks() async throws {
    try await running(as: "cart", ["pick=spiffe://cluster.local/ns/shop/sa/cart"]) { client, server, _ in
      for _ in 0..<100 { try await client.withReplica(of: "shop/cart") { #expect($0.address == "10.0.0.1:80") } }
      let isComplete = await eventually { self.dispatcher.status(at: .now).first?.counts.succeeded == 100 }
      #expect(isComplete)
      #expect(server.statistics.picks == 100 && server.statistics.openConnections == 1)
      // It hears of replicas as they change.
      let isKnown = await eventually { client.knows("shop/cart") }
      #expect(isKnown)
    }
    #expect(dispatcher.status(at: .now).first?.openPicks == 0)
  }

  @Test("refuse to pick for a name that no rule allows")
  func refused() async throws {
    try await running(as: "cart", ["pick=spiffe://cluster.local/ns/shop/sa/other"]) { client, _, _ in
      await #expect(throws: SelectorClientError.self) { try await client.pick("shop/cart") }
    }
    #expect(dispatcher.status(at: .now).first?.counts.total == 0)
  }

  @Test("make room for others when their handshake does not go on")
  func halfOpen() async throws {
    var options = FramedOptions()
    options.mostConnections = 8
    options.messageTimeout = .milliseconds(500)
    try await running(as: "cart", ["pick=spiffe://cluster.local/ns/shop/sa/cart"], options: options) {
      client, server, port in
      var silent: [any Channel] = []
      for _ in 0..<20 {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
          .connect(host: "127.0.0.1", port: port).get()
        // The beginning of a handshake.
        channel.writeAndFlush(ByteBuffer(bytes: [0x16, 3, 1]), promise: nil)
        silent.append(channel)
      }
      #expect(server.statistics.openConnections <= 8)
      try await client.withReplica(of: "shop/cart") { #expect($0.address == "10.0.0.1:80") }
      let areGone = await eventually { silent.allSatisfy { !$0.isActive } }
      #expect(areGone && server.statistics.timedOut > 0, "\(server.statistics)")
    }
  }

  @Test("are not made without a certificate of the authority", arguments: [nil, "other"])
  func unknown(name: String?) async throws {
    try await running(as: name, ["pick=anyone"]) { client, _, _ in
      await #expect(throws: SelectorClientError.self) {
        try await client.pick("shop/cart", PickOptions(timeout: .milliseconds(500)))
      }
    }
    #expect(dispatcher.status(at: .now).first?.counts.total == 0)
  }

  private func eventually(_ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(20)
    while !condition(), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
    return condition()
  }
}
