import ControlPlaneTestSupport
import Foundation
import OverflowPolicies
import Planning
import Testing
import TonariClient

@testable import Kubernetes

/// Sends the API server objects with generated specs, good and bad, while everything runs that follows them.
@Suite(
  "Objects with any values", .serialized, .timeLimit(.minutes(60)),
  .enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
struct GeneratedObjectTests {
  /// For how long each kind of object is generated, in seconds; `TONARI_OBJECT_SECONDS` asks for more.
  private static let seconds =
    ProcessInfo.processInfo.environment["TONARI_OBJECT_SECONDS"].flatMap { Double($0) } ?? 10
  private static let seed = ProcessInfo.processInfo.environment["TONARI_OBJECT_SEED"].flatMap { UInt64($0) } ?? 1

  @Test("An OverflowPolicy is refused, followed, or told what is wrong with it; the others are followed all the while")
  func overflowPolicies() async throws {
    let bed = try await ObjectBed()
    let good: JSONValue = [
      "service": "cart", "capacity": ["perMinute": 540], "safeAfter": "20s", "mode": "perRequest",
      "neighbours": [["name": "edge-b", "host": "10.9.9.9:443", "cost": 4]], "limits": ["hold": "1s", "stepBack": 0.5],
    ]
    var weighted = good
    weighted["mode"] = "weights"
    weighted["route"] = ["kind": "VirtualService", "name": "cart"]
    let schema = try ObjectBed.schema("overflow/overflowpolicies.yaml")
    var generator = ObjectGenerator(schema, seed: Self.seed)
    try await bed.create(.overflowPolicies, bed.policy("canary", of: "canary", good))
    try await bed.expectFollowed(canary: 1)

    var counts = Counts()
    let end = ContinuousClock.now + .seconds(Self.seconds)
    while ContinuousClock.now < end {
      let spec = generator.spec(near: counts.sent.isMultiple(of: 2) ? good : weighted)
      let text = ObjectGenerator.text(bed.policy("generated", of: nil, spec))
      switch try await bed.put(.overflowPolicies, "generated", text) {
      case .refused: counts.refused += 1
      case .taken(let generation):
        // Whatever it says, it is looked at, and a fault is said where users look.
        if try await bed.expectTold("generated", generation, text) {
          counts.followed += 1
        } else {
          counts.faulted += 1
        }
      }
      counts.sent += 1
      guard counts.sent.isMultiple(of: 20) else { continue }
      try await bed.expectFollowed(canary: counts.sent)
      try await bed.expectPicks()
    }
    try await bed.expectFollowed(canary: counts.sent + 1)
    try await bed.expectPicks()
    await bed.stop()
    print("OverflowPolicies: \(counts)")
    #expect(counts.refused > 0 && counts.followed > 0 && counts.faulted > 0, "\(counts)")
  }

  @Test("A PlacementPlan is refused, served, or left out; the others are served all the while")
  func placementPlans() async throws {
    let bed = try await ObjectBed()
    let share: JSONValue = [
      "workload": ["kind": "Deployment", "namespace": "shop", "name": "cart"],
      "nodes": [["name": "node-1", "replicas": 2], ["name": "node-2", "replicas": 1]],
    ]
    let good: JSONValue = ["placements": [share]]
    var generator = ObjectGenerator(try ObjectBed.schema("base/placementplans.yaml"), seed: Self.seed)
    try await bed.create(.placementPlans, bed.plan("canary", workload: "canary"))
    let extender = try await ExtenderProcess(bed.plane)
    try await bed.expectPlanned(extender)

    var counts = Counts()
    let end = ContinuousClock.now + .seconds(Self.seconds)
    while ContinuousClock.now < end {
      let object: JSONValue = [
        "apiVersion": .string(PlacementPlan.currentAPIVersion), "kind": .string(PlacementPlan.kind),
        "metadata": ["name": "generated"], "spec": generator.spec(near: good),
      ]
      switch try await bed.put(.placementPlans, "generated", ObjectGenerator.text(object)) {
      case .refused: counts.refused += 1
      case .taken: counts.followed += 1
      }
      counts.sent += 1
      if counts.sent.isMultiple(of: 20) { try await bed.expectPlanned(extender) }
    }
    // What was sent last has come by now where what comes after it has.
    try await bed.expectPlanned(extender)
    #expect(await extender.end(SIGTERM).isKilled == false)
    await bed.stop()
    print("PlacementPlans: \(counts)")
    #expect(counts.refused > 0 && counts.followed > 0, "\(counts)")
  }

  private struct Counts {
    var sent = 0
    /// By the API server.
    var refused = 0
    /// Taken, and good.
    var followed = 0
    /// Taken, and said to be wrong.
    var faulted = 0
  }
}

/// A control plane, and the processes that follow its objects.
private final class ObjectBed {
  enum Outcome {
    case refused
    case taken(generation: Int64)
  }

  let plane: ControlPlane
  private let client: APIClient
  private let overflow: TonariProcess
  private let selector: TonariProcess
  private let replicas: SelectorClient
  private let running: Task<Void, any Error>
  private let folder: URL

  init() async throws {
    plane = try await ControlPlane()
    client = APIClient(plane.configuration(), logger: .silent)
    for name in ["tonari", "shop"] {
      _ = try await client.create(
        .namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]] as JSONValue)
    }
    for file in ["base/placementplans.yaml", "base/rbac.yaml", "overflow/overflowpolicies.yaml"] {
      try await ControlPlane.create(manifest: file, in: "tonari", with: client)
    }
    let client = client
    for resource in [APIResource.overflowPolicies, .placementPlans] {
      try await eventually("\(resource) are there") { (try? await client.list(resource)) != nil }
    }
    folder = FileManager.default.temporaryDirectory.appending(path: "tonari-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    try Data("services: [{name: shop/cart, replicas: [{address: '10.0.0.1:80'}]}]".utf8)
      .write(to: folder.appending(path: "replicas.yaml"))
    overflow = try TonariProcess(
      [
        "overflow", "run", "--kubeconfig", plane.kubeconfig, "--cluster", "a", "--interval", "100ms", "--lease",
        "tonari/overflow", "--listen", "127.0.0.1:0", "--log-level", "warning", "--allow-host", "*=10.9.9.9:443",
      ], in: folder)
    selector = try TonariProcess(
      [
        "selector", "--kubeconfig", plane.kubeconfig, "--cluster-name", "a", "--overflow-policies", "--framed",
        "unix:selector.sock", "--http", "127.0.0.1:0", "--replicas", "replicas.yaml", "--log-level", "warning",
        "--allow-host", "*=10.9.9.9:443",
      ], in: folder)
    let address = SelectorAddress.unix(path: folder.appending(path: "selector.sock").path)
    let replicas = SelectorClient(SelectorClient.Configuration(addresses: [address]))
    self.replicas = replicas
    running = Task { try await replicas.run() }
    try await expectPicks()
  }

  func stop() async {
    running.cancel()
    for (name, process) in [("overflow run", overflow), ("selector", selector)] {
      process.send(SIGTERM)
      let result = await process.result()
      #expect(!result.isKilled && result.status == 0, "\(name): \(result.messages.suffix(2000))")
    }
    try? FileManager.default.removeItem(at: folder)
  }

  deinit {
    overflow.send(SIGKILL)
    selector.send(SIGKILL)
  }

  // MARK: - Objects

  /// The schema of the spec that a manifest's custom resource has.
  static func schema(_ manifest: String) throws -> JSONValue {
    let file = Fixtures.root.appending(path: "manifests/\(manifest)")
    for document in try ScheduledCluster.documents(Data(contentsOf: file)) {
      guard let version = document["spec"]?["versions"]?.array?.first,
        let spec = version["schema"]?["openAPIV3Schema"]?["properties"]?["spec"]
      else { continue }
      return spec
    }
    throw TestFailure("\(file.path) has no schema of a spec")
  }

  func policy(_ name: String, of service: String?, _ spec: JSONValue) -> JSONValue {
    var spec = spec
    if let service { spec["service"] = .string(service) }
    return [
      "apiVersion": "tonari.dev/v1alpha1", "kind": "OverflowPolicy",
      "metadata": ["name": .string(name), "namespace": "shop"], "spec": spec,
    ]
  }

  func plan(_ name: String, workload: String, replicas: Int64 = 1) -> JSONValue {
    [
      "apiVersion": .string(PlacementPlan.currentAPIVersion), "kind": .string(PlacementPlan.kind),
      "metadata": ["name": .string(name)],
      "spec": [
        "placements": [
          [
            "workload": ["kind": "Deployment", "namespace": "shop", "name": .string(workload)],
            "nodes": [["name": "node-1", "replicas": .integer(replicas)]],
          ]
        ]
      ],
    ]
  }

  func create(_ resource: APIResource, _ object: JSONValue) async throws {
    _ = try await client.create(resource, object, in: resource.isNamespaced ? "shop" : nil)
  }

  /// Replaces an object by a text, or creates it.
  func put(_ resource: APIResource, _ name: String, _ text: String) async throws -> Outcome {
    let path = resource.isNamespaced ? "/apis/tonari.dev/v1alpha1/namespaces/shop/" : "/apis/tonari.dev/v1alpha1/"
    func call(_ method: String, _ path: String, _ text: String) -> APICall {
      APICall(method: method, path: path, body: Array(text.utf8))
    }
    do {
      let taken: RawObject
      if let known = try? await client.get(resource, name, in: resource.isNamespaced ? "shop" : nil) {
        let version = #""metadata":{"resourceVersion":"\#(known.resourceVersion)","#
        guard let range = text.range(of: #""metadata":{"#) else { throw TestFailure("no metadata in \(text)") }
        taken = try await client.object(
          call("PUT", path + "\(resource.plural)/\(name)", text.replacingCharacters(in: range, with: version)))
      } else {
        taken = try await client.object(call("POST", path + resource.plural, text))
      }
      return .taken(generation: try taken.decode(JSONValue.self)["metadata"]?["generation"]?.integer ?? 0)
    } catch let error as APIError where error.status != nil {
      // The controller may have written the status meanwhile.
      if error.isConflict { return try await put(resource, name, text) }
      #expect((400..<500).contains(error.status?.code ?? 0), "\(error) on \(text.prefix(2000))")
      return .refused
    }
  }

  private struct Told: Decodable {
    struct Metadata: Decodable { var generation: Int64 }
    struct Condition: Decodable {
      var type: String
      var status: String
      var reason: String
      var message: String
      var observedGeneration: Int64?
    }
    struct Status: Decodable {
      var observedGeneration: Int64?
      var conditions: [Condition]?
    }
    var metadata: Metadata
    var status: Status?
  }

  /// Waits until the status of a policy is about what it says now. Returns whether it is good.
  @discardableResult
  func expectTold(_ name: String, _ generation: Int64, _ text: String) async throws -> Bool {
    var ready: Told.Condition?
    try await eventually("the status is about \(text.prefix(3000)); \(overflow.messagesSoFar.suffix(500))") {
      let told = try await self.client.get(.overflowPolicies, name, in: "shop").decode(Told.self)
      guard told.status?.observedGeneration ?? 0 >= generation else { return false }
      ready = told.status?.conditions?.first { $0.type == "Ready" }
      return ready != nil
    }
    let condition = try #require(ready)
    if condition.status != "True" { #expect(!condition.message.isEmpty && !condition.reason.isEmpty, "\(text)") }
    return condition.status == "True"
  }

  /// Changes the canary, and waits until that is followed.
  func expectFollowed(canary round: Int) async throws {
    let spec: JSONValue = ["spec": ["capacity": ["perMinute": .integer(Int64(round) + 1000)]]]
    let object = try await client.patch(.overflowPolicies, "canary", .merge(spec), in: "shop").decode(Told.self)
    try await expectTold("canary", object.metadata.generation, "the canary of round \(round)")
  }

  /// Expects that the selector picks.
  func expectPicks() async throws {
    try await eventually("the selector picks; \(selector.messagesSoFar.suffix(500))") {
      (try? await self.replicas.withReplica(of: "shop/cart") { $0 })?.address == "10.0.0.1:80"
    }
  }

  /// Changes the canary's plan, and waits until the extender serves that.
  func expectPlanned(_ extender: ExtenderProcess) async throws {
    let nodes = planned.isMultiple(of: 2) ? ("node-1", "node-2") : ("node-2", "node-1")
    planned += 1
    var object = plan("canary", workload: "canary")
    object["spec"] = [
      "placements": [
        [
          "workload": ["kind": "Deployment", "namespace": "shop", "name": "canary"],
          "nodes": [["name": .string(nodes.0), "replicas": 1]],
        ]
      ]
    ]
    _ = try await client.patch(.placementPlans, "canary", .merge(["spec": object["spec"] ?? .null]))
    let question = """
      {"Pod": {"metadata": {"name": "canary-1", "namespace": "shop", "annotations": {"tonari.dev/workload": "canary"}}}, \
      "NodeNames": ["node-1", "node-2"]}
      """
    try await eventually("the extender serves the canary's plan; \(extender.log.suffix(500))") {
      let answer = try await extender.ask("prioritize", question)
      return answer?.text.contains(#"{"Host":"\#(nodes.0)","Score":10}"#) == true
    }
  }

  private var planned = 0
}
