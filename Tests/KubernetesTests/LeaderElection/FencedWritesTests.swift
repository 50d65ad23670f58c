import ControlPlaneTestSupport
import Foundation
import Synchronization
import Testing

@testable import Connections
@testable import Formats
@testable import Kubernetes
@testable import Model

@Suite("Writes of a leader", .timeLimit(.minutes(1)))
struct FencedWritesTests {
  /// An API server with a lease, which somebody else may take or which cannot be renewed, and one other object.
  private final class Lease: Sendable {
    struct State {
      var lease: String?
      var isStolen = false
      var isBroken = false
      var writes = 0
    }

    private final class Shared: Sendable {
      let state = Mutex(State())
    }

    private let shared: Shared
    let server: ScriptedServer

    /// - Parameter write: answers a write to the other object.
    init(_ write: @escaping @Sendable (ScriptedServer.Answer) -> Void) throws {
      let shared = Shared()
      self.shared = shared
      server = try ScriptedServer { request, answer in
        guard request.path.contains("/leases") else {
          if request.method == "GET" {
            answer.respond(#"{"metadata": {"name": "o", "resourceVersion": "1"}}"#)
          } else {
            shared.state.withLock { $0.writes += 1 }
            write(answer)
          }
          return .keep
        }
        let (body, status): (String, Int) = shared.state.withLock { state in
          if state.isBroken { return ("", 500) }
          if state.isStolen, request.method != "GET" { return ("", 409) }
          if request.method != "GET" { state.lease = String(decoding: request.body, as: UTF8.self) }
          guard let lease = state.lease else { return ("", 404) }
          return (
            state.isStolen ? lease.replacing(#""holderIdentity":"me""#, with: #""holderIdentity":"other""#) : lease, 200
          )
        }
        answer.respond(body, status: status)
        return .keep
      }
    }

    func steal() { shared.state.withLock { $0.isStolen = true } }
    func breakDown() { shared.state.withLock { $0.isBroken = true } }
    var writes: Int { shared.state.withLock { $0.writes } }
  }

  /// Runs an elector and calls with it and with its client for writes.
  private func leading(
    _ lease: Lease, wait: Duration = .milliseconds(500), _ work: (LeaderElector, APIClient) async throws -> Void
  ) async throws {
    let client = APIClient(
      ClientConfiguration(server: lease.server.url),
      retries: RetryPolicy(attempts: 5, backoff: Backoff(shortest: wait, longest: wait)), timeout: .seconds(600),
      logger: .silent)
    var configuration = LeaderElector.Configuration(lease: ObjectKey(namespace: "n", name: "l"), identity: "me")
    configuration.leaseDuration = .seconds(3)
    configuration.renewDeadline = .seconds(2)
    configuration.retryPeriod = .milliseconds(20)
    let elector = LeaderElector(configuration, client: client, logger: .silent)
    let fenced = client.fenced(by: elector)
    await #expect(throws: CancellationError.self) { try await Self.write(fenced) }
    #expect(lease.writes == 0)
    let running = Task { try await elector.run { try await Task.sleep(for: .seconds(600)) } }
    defer { running.cancel() }
    try await eventually("it leads") { elector.isLeading }
    try await work(elector, fenced)
  }

  private static func write(_ client: APIClient) async throws {
    _ = try await client.patch(.configMaps, "o", .apply(["data": ["a": "b"]] as JSONValue), in: "n")
  }

  @Test("A write that is to be sent again is not, once somebody else leads")
  func retries() async throws {
    let holder = Mutex<Lease?>(nil)
    let lease = try Lease { answer in
      // The first try fails in passing; before the second the lease is lost.
      holder.withLock { $0 }?.steal()
      answer.respond("", status: 503)
    }
    holder.withLock { $0 = lease }
    try await leading(lease) { elector, client in
      await #expect(throws: CancellationError.self) { try await Self.write(client) }
      #expect(lease.writes == 1)
      #expect(!elector.isLeading)
      // Whoever does not lead may look.
      let found = try await client.get(.configMaps, "o", in: "n")
      #expect(found.key.name == "o")
    }
    holder.withLock { $0 = nil }
  }

  @Test("A write that gets no answer is given up when the lease has run out")
  func slowCall() async throws {
    let holder = Mutex<Lease?>(nil)
    let lease = try Lease { answer in
      holder.withLock { $0 }?.breakDown()
      answer.waitForClose()
    }
    holder.withLock { $0 = lease }
    try await leading(lease, wait: .milliseconds(1)) { elector, client in
      await #expect(throws: (any Error).self) { try await Self.write(client) }
      #expect(!elector.isLeading)
      #expect(lease.writes == 1)
    }
    holder.withLock { $0 = nil }
  }

  @Test("A leader writes")
  func leader() async throws {
    let lease = try Lease { $0.respond(#"{"metadata": {"name": "o", "resourceVersion": "2"}}"#) }
    try await leading(lease) { _, client in
      try await Self.write(client)
      #expect(lease.writes == 1)
    }
  }
}
