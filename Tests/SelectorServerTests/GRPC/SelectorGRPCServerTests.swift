import Connections
import Daemon
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Overflow
import Selection
import SelectorProtocol
import ServiceLifecycle
import SwiftProtobuf
import Synchronization
import Testing

@testable import SelectorServer

private typealias Selector = Tonari_Selector_V1_ReplicaSelector.Client<HTTP2ClientTransport.Posix>
private typealias Envelope = Tonari_Selector_V1_Envelope

@Suite(.timeLimit(.minutes(2)))
struct SelectorGRPCServerTests {
  @Test("A replica is registered, picked, completed, reported on and deregistered")
  func unary() async throws {
    try await RunningServer.run { server in
      try await server.ask { client in
        let selector = Selector(wrapping: client)
        let registered = try await selector.register(
          .with {
            $0.service = "a"
            $0.replicas = [.with { $0.address = "10.0.0.9:1" }]
          })
        #expect(registered.lifetimeMs == 30_000)
        let picked = try await selector.pick(.with { $0.service = "a" })
        #expect(picked.address == "10.0.0.9:1")
        #expect(server.dispatcher.service("a")?.status(at: .now).openPicks == 1)
        _ = try await selector.complete(.with { ($0.pickID, $0.pickKey) = (picked.pickID, picked.pickKey) })
        #expect(server.dispatcher.service("a")?.status(at: .now).openPicks == 0)
        _ = try await selector.report(
          .with {
            $0.service = "a"
            $0.address = "10.0.0.9:1"
            $0.load.inFlight = 3
          })
        #expect(server.dispatcher.service("a")?.status(at: .now).replicas.first?.view.lastReport?.inFlight == 3)
        _ = try await selector.deregister(
          .with {
            $0.service = "a"
            $0.addresses = ["10.0.0.9:1"]
          })
        #expect(server.dispatcher.service("a") == nil)
      }
    }
  }

  @Test("Faults have their codes")
  func faults() async throws {
    try await RunningServer.run { server in
      try await server.ask { client in
        let selector = Selector(wrapping: client)
        await #expect { try await selector.pick(.with { $0.service = "none" }) } throws: {
          ($0 as? RPCError)?.code == .notFound && "\($0)".contains("none")
        }
        await #expect { try await selector.pick(.with { $0.service = "" }) } throws: {
          ($0 as? RPCError)?.code == .invalidArgument
        }
        await #expect {
          try await selector.pick(
            .with {
              $0.service = "shop/cart"
              $0.excluded = []
              $0.labels = ["a=b"]
            })
        } throws: {
          ($0 as? RPCError)?.code == .unavailable
        }
      }
    }
  }

  @Test("A message beyond the largest is refused, and the connection goes on")
  func largestMessage() async throws {
    try await RunningServer.run({ $0.largestMessage = 1000 }) { server in
      try await server.ask { client in
        let selector = Selector(wrapping: client)
        await #expect(throws: RPCError.self) {
          try await selector.pick(
            .with {
              $0.service = "shop/cart"
              $0.key = Data(repeating: 7, count: 2000)
            })
        }
        let picked = try await selector.pick(.with { $0.service = "shop/cart" })
        #expect(picked.address == "10.0.0.1:80")
      }
    }
  }

  @Test("A session answers in order of arrival, not at all where no answer is wanted, and ends its open picks")
  func session() async throws {
    try await RunningServer.run { server in
      try await server.ask { client in
        let selector = Selector(wrapping: client)
        let ids = try await selector.session { writer in
          for id in 1...100 as ClosedRange<UInt64> {
            try await writer.write(.with { ($0.id, $0.pick.service) = (id, "shop/cart") })
            try await writer.write(.with { $0.complete.pickID = 1 })
          }
          try await writer.write(.with { ($0.id, $0.pick.service) = (101, "none") })
          _ = await eventually { server.inFlight == 100 }
          #expect(server.inFlight == 100)
        } onResponse: { response in
          var ids: [UInt64] = []
          for try await answer in response.messages {
            ids.append(answer.id)
            let isRight = answer.id == 101 ? answer.error.code == 5 : answer.picked.address == "10.0.0.1:80"
            #expect(isRight)
          }
          return ids
        }
        #expect(ids == Array(1...101))
        let isSo = await eventually { server.inFlight == 0 }
        #expect(isSo)
      }
    }
  }

  @Test("A session that is broken off leaves no pick open")
  func brokenSession() async throws {
    try await RunningServer.run { server in
      let session = Task {
        try await server.ask { client in
          try await Selector(wrapping: client).session { writer in
            try await writer.write(.with { ($0.id, $0.pick.service) = (1, "shop/cart") })
            try await Task.sleep(for: .seconds(60))
          } onResponse: { response in
            for try await _ in response.messages {}
          }
        }
      }
      let isPicked = await eventually { server.inFlight == 1 }
      #expect(isPicked)
      session.cancel()
      let isSo = await eventually { server.inFlight == 0 }
      #expect(isSo)
    }
  }

  @Test("Watches of a session are told with their id, and there may be only so many")
  func sessionWatches() async throws {
    try await RunningServer.run { server in
      try await server.ask { client in
        let answers = Mutex<[Envelope]>([])
        let most = UInt64(ReplicaSelectorService.mostWatches)
        try await Selector(wrapping: client).session { writer in
          for id in 1...(most + 1) {
            try await writer.write(.with { ($0.id, $0.watch.services) = (id, ["shop/cart"]) })
          }
          _ = await eventually { answers.withLock { $0.count } == Int(most) + 1 }
        } onResponse: { response in
          for try await answer in response.messages { answers.withLock { $0.append(answer) } }
        }
        let all = answers.withLock { $0 }
        #expect(all.filter { $0.watched.service == "shop/cart" }.map(\.id).sorted() == Array(1...most))
        #expect(all.filter { $0.error.code == 8 }.map(\.id) == [most + 1])
      }
    }
  }

  @Test("A watch tells all at once, and what changes")
  func watch() async throws {
    try await RunningServer.run { server in
      try await server.ask { client in
        let request = Tonari_Selector_V1_WatchRequest.with {
          $0.services = ["shop/cart"]
          $0.intervalMs = 10
        }
        let counts = try await Selector(wrapping: client).watch(request) { response in
          var counts: [Int] = []
          for try await status in response.messages {
            counts.append(status.replicas.count)
            if counts.count == 2 { break }
            server.dispatcher.set(
              [ServiceReplica(address: "10.0.0.1:80"), ServiceReplica(address: "10.0.0.2:80")], of: "shop/cart",
              from: .file, at: .now)
          }
          return counts
        }
        #expect(counts == [1, 2])
      }
    }
  }

  @Test("The server ends a watch whose deadline is over by itself, and says why")
  func deadline() async throws {
    let error = try await RunningServer.run { server in
      try await server.ask { client in
        // Told as a header, as the client would end the request itself if it knew.
        await #expect(throws: RPCError.self) {
          try await Selector(wrapping: client).watch(.init(), metadata: ["grpc-timeout": "50m"]) {
            for try await _ in $0.messages {}
          }
        }
      }
    }
    #expect(error?.code == .deadlineExceeded)
  }

  @Test("A watch ends when the server ends")
  func ends() async throws {
    let code = try await RunningServer.run { server in
      try await server.ask { client in
        let selector = Selector(wrapping: client)
        do {
          try await selector.watch(.init()) { response in
            for try await _ in response.messages { await server.group.triggerGracefulShutdown() }
          }
          return nil as RPCError.Code?
        } catch {
          return (error as? RPCError)?.code
        }
      }
    }
    #expect(code == .unavailable)
  }

  @Test("A selector hears what another one has in flight, and what is registered there")
  func exchange() async throws {
    try await RunningServer.run(name: "one") { server in
      _ = try await server.ask { client in
        try await Selector(wrapping: client).exchange { writer in
          for name in ["two", "one"] {
            try await writer.write(
              .with { digest in
                digest.selector = name
                digest.services = [
                  .with {
                    $0.service = "shop/cart"
                    $0.replicas = [.with { ($0.address, $0.inFlight) = ("10.0.0.1:80", 7) }]
                  }
                ]
              })
          }
          let others = { server.dispatcher.service("shop/cart")?.status(at: .now).replicas.first?.view.othersInFlight }
          let isSo = await eventually { others() ?? 0 > 5 }
          #expect(isSo)
        } onResponse: { response in
          for try await digest in response.messages {
            #expect(digest.selector == "one")
            #expect(digest.services.map(\.service) == ["shop/cart"])
            break
          }
        }
      }
    }
  }

  @Test("Requests come over a Unix socket too")
  func unixSocket() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "g-\(UUID().uuidString.prefix(8)).sock").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await RunningServer.run({ $0.address = .unix(path: path) }) { server in
      #expect(server.port == 0)
      let picked = try await withGRPCClient(
        transport: .http2NIOPosix(target: .unixDomainSocket(path: path), transportSecurity: .plaintext)
      ) { try await Selector(wrapping: $0).pick(.with { $0.service = "shop/cart" }) }
      #expect(picked.address == "10.0.0.1:80")
    }
  }

  @Test("A second server on a Unix socket is refused, and the first keeps its clients and its file")
  func twoOnOneSocket() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "g-\(UUID().uuidString.prefix(8)).sock").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await RunningServer.run({ $0.address = .unix(path: path) }) { _ in
      await #expect(throws: SocketError.self) {
        try await RunningServer.run({ $0.address = .unix(path: path) }) { _ in }
      }
      let picked = try await withGRPCClient(
        transport: .http2NIOPosix(target: .unixDomainSocket(path: path), transportSecurity: .plaintext)
      ) { try await Selector(wrapping: $0).pick(.with { $0.service = "shop/cart" }) }
      #expect(picked.address == "10.0.0.1:80")
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("At its end a server leaves a socket alone that another one has put in its place")
  func othersSocket() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "g-\(UUID().uuidString.prefix(8)).sock").path
    let other = try await RunningServer.run({ $0.address = .unix(path: path) }) { _ in
      try FileManager.default.removeItem(atPath: path)
      return try ListeningSocket(path: path)
    }
    #expect(FileManager.default.fileExists(atPath: path))
    other.close()
  }

  @Test("A port that is taken is an error")
  func taken() async throws {
    _ = try await RunningServer.run { server in
      await #expect(throws: (any Error).self) {
        try await RunningServer.run({ $0.address = .host("127.0.0.1", port: server.port) }) { _ in }
      }
    }
  }

  /// Is ready or not, as it is turned.
  private final class Switch: HealthSource {
    private let isReady = Mutex(false)
    func turn(_ isReady: Bool) { self.isReady.withLock { $0 = isReady } }
    func report() -> HealthReport { HealthReport(name: "test", isReady: isReady.withLock { $0 }) }
  }

  @Test("Health says whether all is ready that the selector depends on, and liveness always")
  func health() async throws {
    let source = Switch()
    try await RunningServer.run(health: [source]) { server in
      try await server.ask { client in
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        for isReady in [false, true] {
          source.turn(isReady)
          for service in ["", "readiness", "tonari.selector.v1.ReplicaSelector", "liveness"] {
            let status = try await health.check(.with { $0.service = service }).status
            #expect(status == (isReady || service == "liveness" ? .serving : .notServing))
          }
        }
        await #expect { try await health.check(.with { $0.service = "none" }) } throws: {
          ($0 as? RPCError)?.code == .notFound
        }
        let unknown = try await health.watch(.with { $0.service = "none" }) { response in
          for try await answer in response.messages { return answer.status }
          return .unknown
        }
        #expect(unknown == .serviceUnknown)
        let told = try await health.watch(.with { $0.service = "readiness" }) { response in
          var told: [Grpc_Health_V1_HealthCheckResponse.ServingStatus] = []
          for try await answer in response.messages {
            told.append(answer.status)
            if told.count == 2 { break }
            source.turn(false)
          }
          return told
        }
        #expect(told == [.serving, .notServing])
      }
    }
  }
}
