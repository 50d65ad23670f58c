import ControlPlaneTestSupport
import Foundation
import Synchronization
import Testing

@testable import Formats
@testable import Kubernetes
@testable import Model

@Suite(.enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
struct LeaderElectorTests {
  /// A candidate with short times, and who leads right now.
  static func candidate(_ name: String, _ namespace: String, _ client: APIClient) -> LeaderElector {
    var configuration = LeaderElector.Configuration(
      lease: ObjectKey(namespace: namespace, name: "lease"), identity: name)
    configuration.leaseDuration = .seconds(3)
    configuration.renewDeadline = .seconds(2)
    configuration.retryPeriod = .milliseconds(100)
    return LeaderElector(configuration, client: client, logger: .silent)
  }

  /// Counts who works at the same time.
  final class Work: Sendable {
    private struct State {
      var workers: [String] = []
      var log: [String] = []
      var most = 0
    }
    private let state = Mutex(State())

    var workers: [String] { state.withLock { $0.workers } }
    var log: [String] { state.withLock { $0.log } }
    var most: Int { state.withLock { $0.most } }

    func doIt(_ name: String) async throws {
      state.withLock { state in
        state.workers.append(name)
        state.log.append(name)
        state.most = max(state.most, state.workers.count)
      }
      defer { state.withLock { state in state.workers.removeAll { $0 == name } } }
      try await Task.sleep(for: .seconds(600))
    }
  }

  @Test("Of two candidates one leads; when it goes in good order, the other follows at once")
  func handover() async throws {
    let client = ControlPlaneTests.client(try await ControlPlane.shared)
    let namespace = try await ControlPlaneTests.namespace(client)
    let work = Work()
    let candidates = ["one", "two"].map { Self.candidate($0, namespace, client) }
    let tasks = candidates.map { candidate in
      Task { try await candidate.run { try await work.doIt(candidate.configuration.identity) } }
    }
    try await eventually("one leads") { work.workers.count == 1 }
    let first = try #require(work.workers.first)
    let index = first == "one" ? 0 : 1
    #expect(candidates[index].isLeading)
    try await eventually("the other knows") { candidates[1 - index].leader == first }
    #expect(!candidates[1 - index].isLeading)

    tasks[index].cancel()
    try await tasks[index].value
    let released = ContinuousClock.now
    #expect(!candidates[index].isLeading)
    try await eventually("the other leads") { work.workers == [first == "one" ? "two" : "one"] }
    // Without the release it would take the lease's duration.
    #expect(released.duration(to: .now) < .seconds(3))
    #expect(work.most == 1)

    let lease = try await client.get(.leases, "lease", in: namespace).decode(JSONValue.self)
    #expect(lease["spec"]?["leaseTransitions"]?.integer == 1)
    #expect(lease["spec"]?["leaseDurationSeconds"]?.integer == 3)
    tasks[1 - index].cancel()
    try await tasks[1 - index].value
    let free = try await client.get(.leases, "lease", in: namespace).decode(JSONValue.self)
    #expect(free["spec"]?["holderIdentity"]?.string == "")
  }

  @Test("A leader that loses the way to the API server stops before the other starts, and stands again later")
  func lostLeader() async throws {
    let plane = try await ControlPlane.shared
    let proxy = try TCPProxy(to: plane.port)
    let client = ControlPlaneTests.client(plane)
    let namespace = try await ControlPlaneTests.namespace(client)
    let work = Work()
    let one = Self.candidate(
      "one", namespace, APIClient(plane.configuration(through: proxy.port), logger: .silent))
    let first = Task { try await one.run { try await work.doIt("one") } }
    try await eventually("one leads") { work.workers == ["one"] }
    let two = Self.candidate("two", namespace, client)
    let second = Task { try await two.run { try await work.doIt("two") } }
    proxy.stall()
    try await eventually("two leads") { work.workers == ["two"] }
    #expect(!one.isLeading)
    proxy.takeDown()
    proxy.restore()
    second.cancel()
    try await second.value
    try await eventually("one leads again") { work.workers == ["one"] }
    #expect(work.log == ["one", "two", "one"])
    #expect(work.most == 1)
    first.cancel()
    try await first.value
  }

  @Test("Times that would let two lead at once are refused")
  func times() async throws {
    var configuration = LeaderElector.Configuration(lease: ObjectKey(namespace: "n", name: "l"), identity: "me")
    configuration.renewDeadline = .seconds(15)
    let client = APIClient(ClientConfiguration(server: "http://127.0.0.1:1"))
    let elector = LeaderElector(configuration, client: client, logger: .silent)
    let error = await #expect(throws: APIError.self) { try await elector.run {} }
    #expect(error?.code == .invalidRequest)
  }

  @Test("Work that ends by itself ends the candidacy and frees the lease; what it throws comes out")
  func finishedWork() async throws {
    struct Oops: Error {}
    let client = ControlPlaneTests.client(try await ControlPlane.shared)
    let namespace = try await ControlPlaneTests.namespace(client)
    let elector = Self.candidate("one", namespace, client)
    try await elector.run {}
    #expect(!elector.isLeading)
    await #expect(throws: Oops.self) { try await elector.run { throw Oops() } }
    let lease = try await client.get(.leases, "lease", in: namespace).decode(JSONValue.self)
    #expect(lease["spec"]?["holderIdentity"]?.string == "")
  }
}
