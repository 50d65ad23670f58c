import CertificateTestSupport
import Connections
import Daemon
import Foundation
import Overflow
import PythonTestSupport
import Selection
import Testing

@testable import SelectorServer

/// Against grpcio, which shares no code with the server.
@Suite(.enabled(if: Python.isAvailable, "needs python3"), .serialized, .timeLimit(.minutes(5)))
struct PythonClientTests {
  private struct Findings: Codable, Equatable {
    var addresses: [String]
    var health: [String: String]
    var unknownHealth, unknownService, unknownMethod, notAMessage, deadline: String
    var watched: [String]
    var session: Int

    enum CodingKeys: String, CodingKey {
      case addresses, health, deadline, watched, session
      case unknownHealth = "unknown health"
      case unknownService = "unknown service"
      case unknownMethod = "unknown method"
      case notAMessage = "not a message"
    }
  }

  @Test("An independent client picks, watches and asks for health, and gets the statuses of gRPC")
  func peer() async throws {
    try await RunningServer.run { server in
      let result = try await Python.run("Tests/SelectorServerTests/GRPC/peer.py", ["127.0.0.1:\(server.port)"])
      try #require(result.status == 0, "\(result.errors)")
      let found = try JSONDecoder().decode(Findings.self, from: Data(result.output.utf8))
      #expect(
        found
          == Findings(
            addresses: ["10.0.0.1:80"], health: ["": "SERVING", "liveness": "SERVING", "readiness": "SERVING"],
            unknownHealth: "NOT_FOUND", unknownService: "NOT_FOUND", unknownMethod: "UNIMPLEMENTED",
            notAMessage: found.notAMessage, deadline: "DEADLINE_EXCEEDED", watched: ["10.0.0.1:80"], session: 200))
      #expect(found.notAMessage != "OK")
      let isComplete = await eventually { server.inFlight == 0 }
      #expect(isComplete)
    }
  }

  @Test("The example picks and completes")
  func example() async throws {
    try await RunningServer.run { server in
      let result = try await Python.run(
        "Sources/SelectorProtocol/examples/client.py",
        ["127.0.0.1:\(server.port)", "shop/cart", "--requests", "3", "--dry-run", "--node", "n1"])
      #expect(result.output == String(repeating: "10.0.0.1:80\n", count: 3), "\(result.errors)")
      let counts = server.dispatcher.service("shop/cart")?.status(at: .now).counts
      #expect(counts?.succeeded == 3 && server.inFlight == 0)
      let none = try await Python.run(
        "Sources/SelectorProtocol/examples/client.py", ["127.0.0.1:\(server.port)", "none"])
      #expect(none.status != 0 && none.errors.hasPrefix("NOT_FOUND: "))
    }
  }

  @Test("With TLS, a client needs a certificate of the right authority, and a changed certificate is used")
  func tls() async throws {
    let made = try TestCertificates()
    for name in ["server", "client", "stranger"] { try made.make(name) }
    let files = TLSFiles(
      certificate: made.path("server.crt"), key: made.path("server.key"), clientAuthority: made.path("client.crt"))
    try await RunningServer.run({ $0.tls = files }) { server in
      func ask(_ name: String?) async throws -> Python.Result {
        let identity = name.map { ["--cert", made.path("\($0).crt"), "--key", made.path("\($0).key")] } ?? []
        return try await Python.run(
          "Sources/SelectorProtocol/examples/client.py",
          ["127.0.0.1:\(server.port)", "shop/cart", "--dry-run", "--ca", made.path("server.crt")] + identity)
      }
      let known = try await ask("client")
      #expect(known.output == "10.0.0.1:80\n", "\(known.errors)")
      #expect(try await ask("stranger").status != 0)
      #expect(try await ask(nil).status != 0)
      try made.make("server", subject: "another")
      let isRenewed = try await eventually { try await ask("client").status == 0 }
      #expect(isRenewed)
    }
  }
}
