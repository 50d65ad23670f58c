import ControlPlaneTestSupport
import Foundation
import Synchronization
import Testing

@testable import Connections
@testable import Formats
@testable import Kubernetes
@testable import Model

/// Reflectors with a real API server that things happen to. The control plane is these tests' own, and they take turns.
@Suite(.serialized, .enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
struct ReflectorTests {
  private static let plane = Task { try await ControlPlane() }

  /// A reflector of the ConfigMaps of a namespace, behind a proxy that can break.
  struct Setting {
    var plane: ControlPlane
    var client: APIClient
    var namespace: String
    var proxy: TCPProxy
    var reflector: Reflector<String>
    var task: Task<Void, Never>

    init(idleTimeout: Duration = .seconds(150)) async throws {
      plane = try await ReflectorTests.plane.value
      client = ControlPlaneTests.client(plane)
      namespace = try await ControlPlaneTests.namespace(client)
      proxy = try TCPProxy(to: plane.port)
      let backoff = Backoff(shortest: .milliseconds(20), longest: .milliseconds(100))
      let reflector = Reflector(
        .configMaps, ObjectSelection(namespace: namespace),
        client: APIClient(
          plane.configuration(through: proxy.port), retries: RetryPolicy(attempts: 2, backoff: backoff),
          logger: .silent),
        pageSize: 3, idleTimeout: idleTimeout, backoff: backoff, logger: .silent
      ) { try $0.decode(JSONValue.self)["data"]?["k"]?.string }
      self.reflector = reflector
      task = Task { await reflector.run() }
    }

    func create(_ name: String, _ value: String = "v") async throws {
      _ = try await client.create(.configMaps, ControlPlaneTests.configMap(name, ["k": .string(value)]), in: namespace)
    }

    func change(_ name: String, _ value: String) async throws {
      let fields: JSONValue = ["data": ["k": .string(value)]]
      _ = try await client.patch(.configMaps, name, .merge(fields), in: namespace)
    }

    func delete(_ name: String) async throws { try await client.delete(.configMaps, name, in: namespace) }

    /// Waits until the copy is what the API server has.
    func converges(within deadline: Duration = .seconds(60)) async throws {
      let list = try await client.list(.configMaps, ObjectSelection(namespace: namespace)) { object in
        try object.decode(JSONValue.self)["data"]?["k"]?.string.map { (object.key, $0) }
      }
      let truth = Dictionary(uniqueKeysWithValues: list.items)
      try await eventually("the copy is \(truth)", within: deadline) {
        let snapshot = reflector.snapshot
        return snapshot.count == truth.count && truth.allSatisfy { snapshot[$0.key] == $0.value }
      }
    }

    func end() async {
      task.cancel()
      await task.value
    }
  }

  @Test("The copy starts with all objects and follows each change; who is told the changes knows the same")
  func follows() async throws {
    let setting = try await Setting()
    for number in 0..<10 { try await setting.create("a\(number)") }
    try await setting.reflector.waitUntilSynced()
    let changes = setting.reflector.changes()
    let told = Mutex<[ObjectKey: String]>([:])
    let follower = Task {
      for await batch in changes {
        for change in batch { told.withLock { $0[change.key] = change.after } }
      }
    }
    try await setting.converges()
    try await setting.change("a1", "w")
    try await setting.delete("a2")
    try await setting.create("b")
    // What the transform leaves out is not there.
    _ = try await setting.client.create(.configMaps, ControlPlaneTests.configMap("c"), in: setting.namespace)
    try await setting.converges()
    #expect(setting.reflector.snapshot.count == 10)
    #expect(setting.reflector[ObjectKey(namespace: setting.namespace, name: "a1")] == "w")
    #expect(setting.reflector[ObjectKey(namespace: setting.namespace, name: "a2")] == nil)
    try await eventually("the follower knows all") {
      let snapshot = setting.reflector.snapshot
      return told.withLock { told in
        told.count == snapshot.count && snapshot.allSatisfy { told[$0.key] == $0.value }
      }
    }
    #expect(setting.reflector.health.isWatching)
    #expect(setting.reflector.staleness() ?? .seconds(100) < .seconds(60))
    await setting.end()
    await follower.value
  }

  @Test("A connection that is cut in the middle of a watch loses nothing")
  func cutConnection() async throws {
    let setting = try await Setting()
    try await setting.create("a")
    try await setting.converges()
    for number in 0..<5 {
      setting.proxy.cut()
      try await setting.create("b\(number)")
      try await setting.change("a", "\(number)")
    }
    try await setting.converges()
    await setting.end()
  }

  @Test("While there is no way to the API server the copy stays and grows stale, and catches up afterwards")
  func outage() async throws {
    let setting = try await Setting()
    try await setting.create("a")
    try await setting.converges()
    let count = setting.reflector.snapshot.count
    setting.proxy.takeDown()
    try await eventually("the outage is seen") { !setting.reflector.health.isWatching }
    try await setting.create("b")
    try await setting.delete("a")
    try await eventually("it grows stale") { setting.reflector.staleness() ?? .zero > .milliseconds(300) }
    #expect(setting.reflector.snapshot.count == count)
    #expect(setting.reflector.health.fault?.code == .unreachable)
    setting.proxy.restore()
    try await setting.converges()
    #expect(setting.reflector.health.fault == nil)
    await setting.end()
  }

  @Test("A watch on a connection that has gone silent is opened anew")
  func silence() async throws {
    let setting = try await Setting(idleTimeout: .seconds(1))
    try await setting.create("a")
    try await setting.converges()
    setting.proxy.stall()
    try await setting.create("b")
    try await eventually("the silence is seen") { !setting.reflector.health.isWatching }
    setting.proxy.restore()
    try await setting.converges()
    await setting.end()
  }

  @Test("An API server that restarts is followed again")
  func restart() async throws {
    let setting = try await Setting()
    try await setting.create("a")
    try await setting.converges()
    await setting.plane.stopAPIServer()
    try await eventually("the outage is seen") { !setting.reflector.health.isWatching }
    try await setting.plane.startAPIServer()
    try await setting.create("b")
    try await setting.change("a", "w")
    try await setting.converges()
    await setting.end()
  }

  @Test("After etcd was compacted under a watch, a fresh list takes its place, and tells what has changed")
  func compaction() async throws {
    let setting = try await Setting()
    for number in 0..<5 { try await setting.create("a\(number)") }
    try await setting.converges()
    var changes = setting.reflector.changes().makeAsyncIterator()
    #expect(await changes.next()?.count == 5)
    let version = try await setting.client.list(.configMaps).resourceVersion
    setting.proxy.takeDown()
    try await setting.delete("a0")
    try await setting.change("a1", "w")
    try await setting.create("b")
    try await setting.plane.compactEtcd()
    // The API server's own memory of what has changed ends with it.
    await setting.plane.stopAPIServer()
    try await setting.plane.startAPIServer()
    let expired = await #expect(throws: APIError.self) {
      for try await _ in try await setting.client.watch(.configMaps, from: version) {}
    }
    #expect(expired?.isExpired == true)
    setting.proxy.restore()
    try await setting.converges()
    let batch = try #require(await changes.next())
    #expect(Set(batch.map(\.key.name)) == ["a0", "a1", "b"])
    #expect(batch.first { $0.key.name == "a0" }?.after == nil)
    #expect(batch.first { $0.key.name == "a1" }?.before == "v")
    await setting.end()
  }

  @Test("A list whose continue token was compacted away is read anew")
  func compactedList() async throws {
    let setting = try await Setting()
    for number in 0..<10 { try await setting.create("a\(number)") }
    let seen = Counter()
    let plane = setting.plane
    let list = try await setting.client.list(
      .configMaps, ObjectSelection(namespace: setting.namespace), pageSize: 4
    ) { object in
      seen.increment()
      return object.key.name
    }
    #expect(list.items.count == 10 && seen.value == 10)

    // The same with a compaction between the first page and the second.
    var page = APICall(method: "GET", path: "/api/v1/namespaces/\(setting.namespace)/configmaps")
    page.query = [("limit", "4")]
    let first = try await setting.client.object(page).decode(JSONValue.self)
    let token = try #require(first["metadata"]?["continue"]?.string)
    try await setting.create("b")
    try await plane.compactEtcd()
    page.query.append(("continue", token))
    let expired = await #expect(throws: APIError.self) { try await setting.client.object(page) }
    #expect(expired?.isExpired == true)
    await setting.end()
  }
}
