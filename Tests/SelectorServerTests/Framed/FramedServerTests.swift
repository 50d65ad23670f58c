import Connections
import Daemon
import Foundation
import Glibc
import Logging
import Selection
import SelectorProtocol
import ServiceLifecycle
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("The framed server")
struct FramedServerTests {
  /// Runs a server for a test, and expects that it ends by itself.
  static func serving(
    _ addresses: [FramedAddress], _ options: FramedOptions = FramedOptions(access: .open),
    dispatcher: Dispatcher = FrameBench.dispatcher(),
    _ test: (FramedServer, [FramedAddress]) async throws -> Void
  ) async throws {
    let (bound, continuation) = AsyncStream<[FramedAddress]>.makeStream()
    let server = try FramedServer(dispatcher, addresses: addresses, options: options) { continuation.yield($0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { continuation.finish() }
        try await server.run()
      }
      for await addresses in bound {
        defer { group.cancelAll() }
        try await test(server, addresses)
        break
      }
      try await group.waitForAll()
    }
  }

  /// A path for a socket that is short enough.
  static func path() -> String { "/tmp/tonari-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock" }

  /// Waits until something is so, for ten seconds.
  static func wait(until condition: () throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while try !condition() {
      guard ContinuousClock.now < deadline else { throw Frames.Broken(what: "it is not so after ten seconds") }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  @Test("Picks are answered on a port and on a file", arguments: [1, 3])
  func serving(threads: Int) async throws {
    let file = FramedAddress.unix(Self.path())
    try await Self.serving([file, .tcp("127.0.0.1", 0)], FramedOptions(threads: threads)) { server, addresses in
      #expect(addresses[0] == file)
      #expect(addresses[1] != .tcp("127.0.0.1", 0))
      for address in addresses {
        let peers = try (0..<5).map { _ in try FramedPeer(address) }
        for (number, peer) in peers.enumerated() {
          try peer.send(Frames.pick(UInt64(number + 1), node: "node-1"), Frames.pick(100))
          let answers = try peer.next(2)
          #expect(answers.map(\.id) == [UInt64(number + 1), 100])
          #expect(answers[0].picked.address == "10.0.0.1:8080")
          try peer.send(Frames.complete(9, answers[0].picked.pickID))
          #expect(try peer.next()?.completed != nil)
        }
      }
      try await Self.wait { server.statistics.frames == 30 }
      #expect(server.statistics.picks == 20)
      #expect(server.statistics.connections == 10)
    }
  }

  @Test("Picks of a connection that ends are taken as cancelled")
  func abandoning() async throws {
    let dispatcher = FrameBench.dispatcher()
    try await Self.serving([.unix(Self.path())], dispatcher: dispatcher) { server, addresses in
      var peer: FramedPeer? = try FramedPeer(addresses[0])
      try peer?.send(Frames.pick(1), Frames.pick(2), Frames.pick(3))
      _ = try peer?.next(3)
      #expect(dispatcher.status(at: .now)[0].openPicks == 3)
      peer = nil
      try await Self.wait { dispatcher.status(at: .now)[0].openPicks == 0 }
      #expect(dispatcher.status(at: .now)[0].counts.cancelled == 3)
      try await Self.wait { server.statistics.openConnections == 0 }
    }
  }

  @Test("A connection that sends what is not the protocol is closed alone, after what came before is answered")
  func malformed() async throws {
    try await Self.serving([.unix(Self.path())], FramedOptions(threads: 1)) { server, addresses in
      let (good, bad) = (try FramedPeer(addresses[0]), try FramedPeer(addresses[0]))
      try bad.send(Frames.bytes(Frames.pick(1)) + [7, 7, 7, 7, 7])
      #expect(try bad.next()?.id == 1)
      #expect(try bad.next() == nil)
      try good.send(Frames.pick(2))
      #expect(try good.next()?.id == 2)
      try await Self.wait { server.statistics.malformed == 1 }
    }
  }

  @Test("Nothing more is read from a peer that does not read its answers, until it does")
  func flowControl() async throws {
    let options = FramedOptions(threads: 1, mostOpenPicks: 10_000_000, mostUnreadOutput: 64 << 10)
    try await Self.serving([.unix(Self.path())], options) { server, addresses in
      let peer = try FramedPeer(addresses[0])
      let batch = try (1...1000).flatMap { try Frames.bytes(Frames.pick(UInt64($0), "no/such")) }
      // Until nothing goes any more for a while.
      var sent = 0
      var idle = 0
      while idle < 50 {
        let count = peer.sendWithoutWaiting(Array(batch[(sent % batch.count)...]))
        sent += count
        idle = count == 0 ? idle + 1 : 0
        if count == 0 { try await Task.sleep(for: .milliseconds(2)) }
        guard sent < 50 << 20 else { break }
      }
      #expect(sent < 50 << 20)
      let other = try FramedPeer(addresses[0])
      try other.send(Frames.pick(1))
      #expect(try other.next()?.id == 1)
      // What was sent is answered once it is read.
      let whole = sent / batch.count * 1000
      for number in 0..<whole { #expect(try peer.next()?.id == UInt64(number % 1000 + 1)) }
      let rest = sent % batch.count
      if rest > 0 { try peer.send(Array(batch[rest...])) }
      for number in 0..<(rest > 0 ? 1000 : 0) { #expect(try peer.next()?.id == UInt64(number + 1)) }
    }
  }

  @Test("Beyond the connections that there may be, one that is idle makes room, and one that is at work stays")
  func connections() async throws {
    var options = FramedOptions(threads: 2, mostConnections: 3)
    options.mostConnectionsOfPeer = 3
    try await Self.serving([.unix(Self.path())], options) { server, addresses in
      let peers = try (0..<3).map { _ in try FramedPeer(addresses[0]) }
      for peer in peers.reversed() {
        try peer.send(Frames.pick(1))
        #expect(try peer.next()?.id == 1)
      }
      try await Self.wait { server.statistics.openConnections == 3 }
      // The clock has to tell one from the other.
      try await Task.sleep(for: .milliseconds(5))
      let welcome = try FramedPeer(addresses[0])
      try welcome.send(Frames.pick(2))
      #expect(try welcome.next()?.id == 2)
      #expect(try peers[2].next() == nil, "the one that was idle for longest is closed")
      try peers[0].send(Frames.pick(3))
      #expect(try peers[0].next()?.id == 3)
      try await Self.wait { server.statistics.evicted == 1 }
    }
  }

  @Test("Half a message, and answers that are not read, cost a peer its connection; one that waits for nothing stays")
  func timeouts() async throws {
    var options = FramedOptions(threads: 1, mostUnreadOutput: 1 << 16)
    options.messageTimeout = .milliseconds(300)
    options.writeTimeout = .milliseconds(300)
    try await Self.serving([.unix(Self.path())], options) { server, addresses in
      let (half, deaf, idle) = (
        try FramedPeer(addresses[0]), try FramedPeer(addresses[0]), try FramedPeer(addresses[0])
      )
      try half.send(Array(try Frames.bytes(Frames.pick(1)).dropLast(3)))
      let batch = try (1...1000).flatMap { try Frames.bytes(Frames.pick(UInt64($0), "no/such")) }
      for _ in 0..<20 { _ = deaf.sendWithoutWaiting(batch) }
      #expect(try half.next() == nil)
      try await Self.wait { server.statistics.timedOut == 2 }
      try idle.send(Frames.pick(2))
      #expect(try idle.next()?.id == 2)
    }
  }

  @Test("A watch is answered at once and after changes, all with its id")
  func watching() async throws {
    let dispatcher = FrameBench.dispatcher()
    try await Self.serving([.unix(Self.path())], dispatcher: dispatcher) { _, addresses in
      let peer = try FramedPeer(addresses[0])
      try peer.send(
        .with {
          $0.id = 5
          $0.watch.intervalMs = 10
        })
      let first = try #require(try peer.next())
      #expect(first.id == 5)
      #expect(first.watched.service == "default/checkout")
      #expect(first.watched.replicas.count == 3)
      dispatcher.set([ServiceReplica(address: "b:1")], of: "other", from: .file, at: .now)
      let second = try #require(try peer.next())
      #expect(second.watched.service == "other")
      dispatcher.set([], of: "other", from: .file, at: .now)
      #expect(try peer.next()?.watched.gone == true)
      // Picks go on meanwhile.
      try peer.send(Frames.pick(6, node: "node-0"))
      var answers: [Tonari_Selector_V1_Envelope] = []
      while answers.last?.id != 6 { answers += try peer.next(1) }
      #expect(answers.last?.picked.address == "10.0.0.0:8080")
    }
  }

  @Test("A replica registers itself, reports its load and goes")
  func registering() async throws {
    try await Self.serving([.unix(Self.path())]) { _, addresses in
      let peer = try FramedPeer(addresses[0])
      try peer.send(
        .with {
          $0.id = 1
          $0.register.service = "new"
          $0.register.replicas = [.with { $0.address = "10.1.1.1:80" }]
        },
        .with {
          $0.id = 2
          $0.report.service = "new"
          $0.report.address = "10.1.1.1:80"
          $0.report.load.inFlight = 3
        },
        Frames.pick(3, "new"),
        .with {
          $0.id = 4
          $0.deregister.service = "new"
          $0.deregister.addresses = ["10.1.1.1:80"]
        },
        Frames.pick(5, "new"))
      let answers = try peer.next(5)
      #expect(answers[0].registered.lifetimeMs == 30_000)
      #expect(answers[1].reported == .init())
      #expect(answers[2].picked.address == "10.1.1.1:80")
      #expect(answers[3].deregistered == .init())
      #expect(answers[4].error.code == 5)
    }
  }

  @Test("A shutdown answers what has arrived, and ends connections cleanly")
  func shutdown() async throws {
    let file = Self.path()
    let peers = try await withThrowingTaskGroup(of: Void.self) { group in
      let (bound, continuation) = AsyncStream<Void>.makeStream()
      let server = try FramedServer(FrameBench.dispatcher(), addresses: [.unix(file)]) { _ in continuation.yield() }
      let services = ServiceGroup(
        services: [server], gracefulShutdownSignals: [], logger: Logger(label: "test"))
      group.addTask { try await services.run() }
      for await _ in bound { break }
      let peers = try (0..<4).map { _ in try FramedPeer(.unix(file)) }
      for peer in peers {
        try peer.send(Frames.pick(1))
        _ = try peer.next(1)
        try peer.send(Frames.pick(2))
      }
      await services.triggerGracefulShutdown()
      for peer in peers {
        #expect(try peer.next()?.id == 2)
        #expect(try peer.next() == nil)
        close(peer)
      }
      try await group.waitForAll()
      return peers
    }
    _ = peers
    #expect(access(file, F_OK) != 0)
  }

  private func close(_ peer: FramedPeer) { Glibc.shutdown(peer.descriptor, Int32(SHUT_RDWR)) }

  @Test("A peer that does not go holds a shutdown up no longer than its limit")
  func shutdownLimit() async throws {
    let options = FramedOptions(shutdownLimit: .milliseconds(50))
    var peer: FramedPeer?
    try await Self.serving([.unix(Self.path())], options) { _, addresses in
      peer = try FramedPeer(addresses[0])
      try peer?.send(Frames.pick(1))
      _ = try peer?.next(1)
    }
    #expect(try peer?.next() == nil)
  }

  @Test("A socket that nobody listens on any more is replaced, any other file is not")
  func staleFiles() async throws {
    let path = Self.path()
    defer { unlink(path) }
    // A socket whose owner is gone without taking it away.
    let abandoned = try FramedListener(.unix(path), mode: nil)
    Glibc.close(abandoned.descriptor)
    try await Self.serving([.unix(path)], FramedOptions(socketMode: 0o600)) { _, addresses in
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o600)
      #expect { try FramedListener(.unix(path), mode: nil) } throws: { ($0 as? FramedError)?.code == .cannotListen }
      let peer = try FramedPeer(addresses[0])
      try peer.send(Frames.pick(1))
      #expect(try peer.next()?.id == 1)
    }
    #expect(access(path, F_OK) != 0)

    try Data("precious".utf8).write(to: URL(filePath: path))
    await #expect { try await Self.serving([.unix(path)]) { _, _ in } } throws: {
      ($0 as? FramedError)?.code == .cannotListen
    }
    #expect(try String(contentsOf: URL(filePath: path), encoding: .utf8) == "precious")
  }

  @Test("Where a second server put its socket, the first does not take it away")
  func othersFile() throws {
    let path = Self.path()
    let first = try FramedListener(.unix(path), mode: nil)
    unlink(path)
    let second = try FramedListener(.unix(path), mode: nil)
    first.close()
    #expect(access(path, F_OK) == 0)
    second.close()
    #expect(access(path, F_OK) != 0)
  }

  @Test(
    "An address that cannot be listened on is an error",
    arguments: ["unix:/no/such/folder/socket", "tcp:192.0.2.1:80", "tcp:no.such.host.invalid:80"])
  func cannotListen(text: String) throws {
    let address = try FramedAddress(text)
    #expect { try FramedListener(address, mode: nil) } throws: { ($0 as? FramedError)?.code == .cannotListen }
  }
}
