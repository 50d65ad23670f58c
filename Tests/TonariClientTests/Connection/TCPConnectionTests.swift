import Daemon
import Logging
import NIOPosix
import Selection
import SelectorServer
import Testing

@testable import TonariClient

@Suite("Framed connections by TCP", .timeLimit(.minutes(2)))
struct TCPConnectionTests {
  private let dispatcher = Dispatcher(DispatcherOptions(policy: .leastRequest))

  init() {
    dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: "shop/cart", from: .file, at: .now)
  }

  /// Serves on a free port for as long as some work takes.
  private func serving(_ work: @escaping @Sendable (Int) async throws -> Void) async throws {
    let (listening, listens) = AsyncStream<FramedAddress>.makeStream()
    let server = try FramedServer(
      dispatcher, addresses: [.tcp("127.0.0.1", 0)], options: FramedOptions(threads: 1, access: .open),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) { addresses in for address in addresses { listens.yield(address) } }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await server.run() }
      var found = listening.makeAsyncIterator()
      let address = try #require(await found.next().flatMap { SelectorAddress($0.description) })
      guard case .tcp(_, let port) = address.place else { throw CancellationError() }
      try await work(port)
      tasks.cancelAll()
      while let _ = try? await tasks.next() {}
    }
  }

  @Test("pick and complete")
  func picks() async throws {
    try await serving { port in
      var configuration = SelectorClient.Configuration(addresses: [.tcp(host: "127.0.0.1", port: port)])
      configuration.timeout = .seconds(20)
      let client = SelectorClient(configuration)
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await client.run() }
        for _ in 0..<20 { try await client.withReplica(of: "shop/cart") { #expect($0.address == "10.0.0.1:80") } }
        tasks.cancelAll()
      }
    }
    #expect(dispatcher.status(at: .now).first?.counts.total == 20)
  }

  @Test("are not made to a port that is none, whose last 16 bits are one")
  func ports() async throws {
    try await serving { port in
      func open(_ address: SelectorAddress) async throws -> SelectorConnection {
        try await .open(
          address, number: 1, timeout: .seconds(10), longestMessage: 1 << 16, mostInFlight: 10,
          tls: SelectorClient.Configuration(addresses: []).tls, group: MultiThreadedEventLoopGroup.singleton)
      }
      try await open(.tcp(host: "127.0.0.1", port: port)).close()
      for wrong in [port + 65_536, 0, -1] {
        for address in [SelectorAddress.tcp(host: "127.0.0.1", port: wrong), .tls(host: "127.0.0.1", port: wrong)] {
          let error = await #expect(throws: SelectorClientError.self) { try await open(address).close() }
          #expect(error?.code == .invalidRequest, "\(address): \(String(describing: error))")
        }
      }
    }
  }
}
