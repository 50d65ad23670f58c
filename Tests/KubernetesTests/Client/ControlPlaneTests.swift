import ControlPlaneTestSupport
import Foundation
import Testing

@testable import Connections
@testable import Formats
@testable import Kubernetes
@testable import Model

/// What needs a real API server.
@Suite(.enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
struct ControlPlaneTests {
  /// A namespace that no other test has.
  static func namespace(_ client: APIClient) async throws -> String {
    let name = "test-\(UUID().uuidString.lowercased())"
    let namespace: JSONValue = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
    _ = try await client.create(.namespaces, namespace)
    return name
  }

  static func client(_ plane: ControlPlane) -> APIClient { APIClient(plane.configuration(), logger: .silent) }

  static func configMap(_ name: String, _ data: [String: JSONValue] = [:]) -> JSONValue {
    ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)], "data": .object(data)]
  }

  static func pod(_ name: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "labels": ["app": .string(name)]],
      "spec": ["containers": [["name": "main", "image": "none"]]],
    ]
  }

  static func node(_ name: String) -> JSONValue {
    ["apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)]]
  }
}

// MARK: - Objects

extension ControlPlaneTests {
  @Test("An object is created, read, replaced, and deleted")
  func lifecycle() async throws {
    let client = Self.client(try await ControlPlane.shared)
    let namespace = try await Self.namespace(client)
    let created = try await client.create(.configMaps, Self.configMap("a", ["k": "v"]), in: namespace)
    #expect(created.key == ObjectKey(namespace: namespace, name: "a"))
    #expect(!created.uid.isEmpty && !created.resourceVersion.isEmpty)

    let again = await #expect(throws: APIError.self) {
      try await client.create(.configMaps, Self.configMap("a"), in: namespace)
    }
    #expect(again?.isAlreadyExists == true)

    var value = try await client.get(.configMaps, "a", in: namespace).decode(JSONValue.self)
    value["data"] = ["k": "w"]
    let updated = try await client.update(.configMaps, "a", value, in: namespace)
    #expect(updated.resourceVersion != created.resourceVersion)
    let stale = await #expect(throws: APIError.self) {
      try await client.update(.configMaps, "a", value, in: namespace)
    }
    #expect(stale?.isConflict == true)
    #expect(stale?.status?.details?.name == "a")

    let other = await #expect(throws: APIError.self) {
      try await client.delete(.configMaps, "a", in: namespace, uid: "another")
    }
    #expect(other?.isConflict == true)
    try await client.delete(.configMaps, "a", in: namespace, uid: created.uid, propagation: .background)
    let gone = await #expect(throws: APIError.self) { try await client.get(.configMaps, "a", in: namespace) }
    #expect(gone?.isNotFound == true)
    #expect(gone?.status?.reason == "NotFound")
  }

  @Test("Hundreds of requests with bodies are under way at a time")
  func manyAtATime() async throws {
    let client = Self.client(try await ControlPlane.shared)
    let namespace = try await Self.namespace(client)
    let list = try await client.list(.configMaps, ObjectSelection(namespace: namespace))
    // Beside watches, whose connections are of another kind.
    let watches = Task {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask { for try await _ in try await client.watch(.configMaps, from: list.resourceVersion) {} }
        }
        try await group.waitForAll()
      }
    }
    defer { watches.cancel() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for i in 0..<400 {
        try await Task.sleep(for: .milliseconds(2))
        group.addTask { _ = try await client.create(.configMaps, Self.configMap("c\(i)", ["k": "v"]), in: namespace) }
      }
      try await group.waitForAll()
    }
    #expect(try await client.list(.configMaps, ObjectSelection(namespace: namespace)).items.count >= 400)
  }

  @Test("Patches of all kinds change what they name")
  func patches() async throws {
    let client = Self.client(try await ControlPlane.shared)
    let namespace = try await Self.namespace(client)
    _ = try await client.create(.configMaps, Self.configMap("a", ["k": "v", "l": "w"]), in: namespace)
    func data(_ object: RawObject) throws -> JSONValue? { try object.decode(JSONValue.self)["data"] }

    let steps: [Patch.Operation] = [
      .test("/data/k", "v"), .replace("/data/k", "x"), .add("/data/y", "z"),
      .add("/metadata/labels", [:]), .add("/metadata/labels/a~1b", "c"),
    ]
    let patched = try await client.patch(.configMaps, "a", .json(steps), in: namespace)
    #expect(try data(patched) == ["k": "x", "l": "w", "y": "z"])
    #expect(try patched.decode(JSONValue.self)["metadata"]?["labels"] == ["a/b": "c"])
    let failed = await #expect(throws: APIError.self) {
      try await client.patch(.configMaps, "a", .json(steps), in: namespace)
    }
    #expect(failed?.code == .refused)

    let fields: JSONValue = ["data": ["y": nil, "m": "z"]]
    let merged = try await client.patch(.configMaps, "a", .merge(fields), in: namespace)
    #expect(try data(merged) == ["k": "x", "l": "w", "m": "z"])
  }

  @Test("Server-side apply owns its fields, and takes others' only by force")
  func apply() async throws {
    let plane = try await ControlPlane.shared
    let one = APIClient(plane.configuration(), fieldManager: "one", logger: .silent)
    let two = APIClient(plane.configuration(), fieldManager: "two", logger: .silent)
    let namespace = try await Self.namespace(one)
    _ = try await one.patch(.configMaps, "a", .apply(Self.configMap("a", ["k": "1", "l": "1"])), in: namespace)
    let conflict = await #expect(throws: APIError.self) {
      try await two.patch(.configMaps, "a", .apply(Self.configMap("a", ["k": "2"])), in: namespace)
    }
    #expect(conflict?.isConflict == true)
    #expect(conflict?.status?.details?.causes?.first?.reason == "FieldManagerConflict")
    _ = try await two.patch(.configMaps, "a", .apply(Self.configMap("a", ["k": "2"]), force: true), in: namespace)
    // A field that its manager does not name any more goes.
    let left = try await one.patch(.configMaps, "a", .apply(Self.configMap("a", [:])), in: namespace)
    #expect(try left.decode(JSONValue.self)["data"] == ["k": "2"])
  }

  @Test("A pod is bound to a node once, its status is written, and it is evicted as its budget allows")
  func subresources() async throws {
    let client = Self.client(try await ControlPlane.shared)
    let namespace = try await Self.namespace(client)
    let node = "node-\(UUID().uuidString.lowercased())"
    _ = try await client.create(.nodes, Self.node(node))
    let pod = try await client.create(.pods, Self.pod("web"), in: namespace)

    try await client.bind(pod.key, uid: pod.uid, to: node)
    #expect(try await client.get(.pods, "web", in: namespace).decode(Pod.self).spec.nodeName == node)
    let again = await #expect(throws: APIError.self) { try await client.bind(pod.key, to: node) }
    #expect(again?.isConflict == true)

    let running: JSONValue = [
      "status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]
    ]
    let status = try await client.patch(.pods, "web", .merge(running), in: namespace, subresource: "status")
    #expect(try status.decode(Pod.self).status?.phase == "Running")

    let budgets = APIResource(group: "policy", version: "v1beta1", plural: "poddisruptionbudgets")
    let budget: JSONValue = [
      "apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": ["name": "web"],
      "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "web"]]],
    ]
    _ = try await client.create(budgets, budget, in: namespace)
    let refused = await #expect(throws: APIError.self) { try await client.evict(pod.key) }
    #expect(refused?.status?.code == 429)
    try await client.delete(budgets, "web", in: namespace)
    try await client.evict(pod.key, gracePeriod: .zero)
    try await eventually("the pod is gone") {
      do {
        _ = try await client.get(.pods, "web", in: namespace)
        return false
      } catch let error as APIError where error.isNotFound {
        return true
      }
    }
  }

  @Test("More objects than fit a page are listed page by page, each once; selectors choose among them")
  func paging() async throws {
    let client = Self.client(try await ControlPlane.shared)
    let namespace = try await Self.namespace(client)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<10 {
        group.addTask {
          for number in 0..<110 {
            var object = Self.configMap("c-\(worker)-\(number)")
            object["metadata"]?["labels"] = ["worker": .string("\(worker)")]
            _ = try await client.create(.configMaps, object, in: namespace)
          }
        }
      }
      try await group.waitForAll()
    }
    let all = ObjectSelection(namespace: namespace)
    for pageSize in [100, 500, 5000] {
      let list = try await client.list(.configMaps, all, pageSize: pageSize)
      #expect(list.items.count == 1100)
      #expect(Set(list.items.map(\.key)).count == 1100)
      #expect(!list.resourceVersion.isEmpty)
    }
    let one = ObjectSelection(namespace: namespace, labels: "worker=3")
    #expect(try await client.list(.configMaps, one, pageSize: 7).items.count == 110)
    let named = ObjectSelection(namespace: namespace, fields: "metadata.name=c-3-4")
    #expect(try await client.list(.configMaps, named) { $0.key.name }.items == ["c-3-4"])
  }
}

// MARK: - Connections and credentials

extension ControlPlaneTests {
  @Test("Short requests share a connection (HTTP/2), watches and lists have their own")
  func connections() async throws {
    let plane = try await ControlPlane.shared
    let proxy = try TCPProxy(to: plane.port)
    let client = APIClient(plane.configuration(through: proxy.port), logger: .silent)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { _ = try await client.read(path: "/version") } }
      try await group.waitForAll()
    }
    #expect(proxy.connectionCount == 1)
    let version = try await client.list(.nodes).resourceVersion
    #expect(proxy.connectionCount == 2)
    let watch = try await client.watch(.nodes, from: version)
    #expect(proxy.connectionCount == 2)
    _ = try await client.list(.nodes)
    #expect(proxy.connectionCount == 3)
    _ = try await client.read(path: "/version")
    #expect(proxy.connectionCount == 3)
    withExtendedLifetime(watch) {}
  }

  @Test("A connection that has gone silent is given up for a new one, once for all requests")
  func silentConnection() async throws {
    let plane = try await ControlPlane.shared
    let proxy = try TCPProxy(to: plane.port)
    let client = APIClient(
      plane.configuration(through: proxy.port), retries: RetryPolicy(attempts: 2, backoff: .init(longest: .zero)),
      timeout: .seconds(3), logger: .silent)
    _ = try await client.read(path: "/version")
    proxy.freeze()
    for _ in 0..<3 { _ = try await client.read(path: "/version") }
    #expect(proxy.connectionCount == 2)
  }

  @Test("A kubeconfig with a client certificate works, and so does the same inline")
  func clientCertificate() async throws {
    let plane = try await ControlPlane.shared
    let files = try ClientConfiguration.load(kubeconfig: plane.kubeconfig)
    #expect(try await APIClient(files, logger: .silent).list(.nodes).resourceVersion.isEmpty == false)
    var inline = files
    func data(_ name: String) throws -> ClientConfiguration.Material {
      .data([UInt8](try Data(contentsOf: plane.folder.appending(path: name))))
    }
    inline.authorities = try data("ca.crt")
    inline.credentials.certificate = .init(certificate: try data("admin.crt"), key: try data("admin.key"))
    #expect(try await APIClient(inline, logger: .silent).list(.nodes).resourceVersion.isEmpty == false)
    inline.credentials.certificate = .init(certificate: try data("admin.crt"), key: try data("server.key"))
    let mismatch = await #expect(throws: APIError.self) { try await APIClient(inline, logger: .silent).list(.nodes) }
    #expect(mismatch?.code == .invalidRequest)
  }

  @Test("Who may not do something is told so, and so is who is not known")
  func authorization() async throws {
    let plane = try await ControlPlane.shared
    let nobody = APIClient(plane.configuration(token: ControlPlane.nobodyToken), logger: .silent)
    let forbidden = await #expect(throws: APIError.self) { try await nobody.list(.nodes) }
    #expect(forbidden?.isForbidden == true)
    #expect(forbidden?.message.contains(#"User "nobody" cannot list resource "nodes""#) == true)
    let unknown = await #expect(throws: APIError.self) {
      try await APIClient(plane.configuration(token: "wrong"), logger: .silent).list(.nodes)
    }
    #expect(unknown?.isUnauthorized == true)
    var configuration = plane.configuration()
    configuration.credentials.impersonation = .init(user: "jane", groups: ["system:masters"])
    _ = try await APIClient(configuration, logger: .silent).list(.nodes)
    configuration.credentials.impersonation?.groups = []
    let jane = await #expect(throws: APIError.self) { try await APIClient(configuration, logger: .silent).list(.nodes) }
    #expect(jane?.message.contains(#"User "jane""#) == true)
  }

  @Test("A server is trusted by the authority and the name in the configuration, and by nothing else")
  func trust() async throws {
    let plane = try await ControlPlane.shared
    func result(_ change: (inout ClientConfiguration) throws -> Void) async throws -> APIError.Code? {
      var configuration = plane.configuration()
      try change(&configuration)
      do {
        _ = try await APIClient(configuration, retries: .never, logger: .silent).read(path: "/version")
        return nil
      } catch let error as APIError {
        #expect(!error.mayHaveTakenEffect)
        return error.code
      }
    }
    #expect(try await result { _ in } == nil)
    #expect(try await result { $0.authorities = nil } == .notTrusted)
    let folder = try TemporaryFolder()
    try Certificates(empty: folder.url).authority("other", named: "tonari-test")
    #expect(try await result { $0.authorities = .file("\(folder.path)/other.crt") } == .notTrusted)
    #expect(
      try await result {
        $0.authorities = nil
        $0.skipsVerification = true
      } == nil)
    #expect(try await result { $0.serverName = "kubernetes.test" } == nil)
    #expect(try await result { $0.serverName = "kubernetes.other" } == .notTrusted)
    #expect(try await result { $0.server = "https://localhost:\(plane.port)" } == nil)
    #expect(try await result { $0.authorities = .data(Array("no certificate".utf8)) } == .invalidRequest)
  }

  @Test("A proxy is used where the configuration names one")
  func proxy() async throws {
    let plane = try await ControlPlane.shared
    // A proxy that says yes to CONNECT and forwards.
    let target = plane.port
    let seen = Counter()
    let listener = try LoopbackListener { connection in
      let request = String(decoding: receive(from: connection), as: UTF8.self)
      guard request.hasPrefix("CONNECT 127.0.0.1:\(target) HTTP/1.1\r\n") else { return }
      seen.increment()
      send("HTTP/1.1 200 OK\r\n\r\n".utf8, to: connection)
      try? TCPProxy.join(connection, to: target)
    }
    var configuration = plane.configuration()
    configuration.proxy = "http://127.0.0.1:\(listener.port)"
    _ = try await APIClient(configuration, retries: .never, logger: .silent).read(path: "/version")
    #expect(seen.value == 1)
  }
}
