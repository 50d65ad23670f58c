import ControlPlaneTestSupport
import Fleet
import Foundation
import Planner
import Testing
import TonariClient

@testable import Formats
@testable import Kubernetes

/// A control plane, and the processes that follow its objects.
final class ObjectBed {
  enum Outcome {
    case refused
    case taken(generation: Int64)
  }

  let plane: ControlPlane
  private let client: APIClient
  private var overflow: TonariProcess
  private var selector: TonariProcess
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
    overflow = try Self.startOverflow(plane, in: folder)
    selector = try Self.startSelector(plane, in: folder)
    let address = SelectorAddress.unix(path: folder.appending(path: "selector.sock").path)
    let replicas = SelectorClient(SelectorClient.Configuration(addresses: [address]))
    self.replicas = replicas
    running = Task { try await replicas.run() }
    try await expectPicks()
  }

  private static func startOverflow(_ plane: ControlPlane, in folder: URL) throws -> TonariProcess {
    try TonariProcess(
      [
        "overflow", "run", "--kubeconfig", plane.kubeconfig, "--cluster", "a", "--interval", "100ms", "--lease",
        "tonari/overflow", "--listen", "127.0.0.1:0", "--log-level", "warning", "--allow-host", "*=10.9.9.9:443",
      ], in: folder)
  }

  private static func startSelector(_ plane: ControlPlane, in folder: URL) throws -> TonariProcess {
    try TonariProcess(
      [
        "selector", "--kubeconfig", plane.kubeconfig, "--cluster-name", "a", "--overflow-policies", "--framed",
        "unix:selector.sock", "--http", "127.0.0.1:0", "--replicas", "replicas.yaml", "--log-level", "warning",
        "--allow-host", "*=10.9.9.9:443",
      ], in: folder)
  }

  /// Ends the processes by SIGKILL, and starts them again.
  func restart() async throws {
    for process in [overflow, selector] {
      process.send(SIGKILL)
      #expect(await process.result().isKilled)
    }
    overflow = try Self.startOverflow(plane, in: folder)
    selector = try Self.startSelector(plane, in: folder)
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

  @discardableResult
  func create(_ resource: APIResource, _ object: JSONValue) async throws -> RawObject {
    try await client.create(resource, object, in: resource.isNamespaced ? "shop" : nil)
  }

  /// Creates a pod with annotations, and a slice that makes it a replica of the service of its name.
  func createPod(_ name: String, address: String, annotations: [String: JSONValue]) async throws {
    try await create(
      .pods,
      [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": ["name": .string(name), "annotations": .object(annotations)],
        "spec": ["containers": [["name": "main", "image": "none.invalid/none"]]],
      ])
    try await create(
      APIResource(group: "discovery.k8s.io", version: "v1beta1", plural: "endpointslices"),
      [
        "apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": ["name": .string(name), "labels": ["kubernetes.io/service-name": .string(name)]],
        "ports": [["name": "http", "port": 80, "protocol": "TCP"]],
        "endpoints": [
          [
            "addresses": [.string(address)], "conditions": ["ready": true],
            "targetRef": ["kind": "Pod", "namespace": "shop", "name": .string(name)],
          ]
        ],
      ])
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
    try await told(name, generation, text) == nil
  }

  /// Waits until the status of a policy is about what it says now. Returns what is wrong with it; nil where it is good.
  func told(_ name: String, _ generation: Int64, _ text: String) async throws -> String? {
    var ready: Told.Condition?
    try await eventually("the status is about \(text.prefix(3000)); \(overflow.messagesSoFar.suffix(500))") {
      let told = try await self.client.get(.overflowPolicies, name, in: "shop").decode(Told.self)
      guard told.status?.observedGeneration ?? 0 >= generation else { return false }
      ready = told.status?.conditions?.first { $0.type == "Ready" }
      return ready != nil
    }
    let condition = try #require(ready)
    if condition.status != "True" { #expect(!condition.message.isEmpty && !condition.reason.isEmpty, "\(text)") }
    return condition.status == "True" ? nil : condition.message
  }

  /// Changes the canary, and waits until that is followed.
  func expectFollowed(canary round: Int) async throws {
    let spec: JSONValue = ["spec": ["capacity": ["perMinute": .integer(Int64(round) + 1000)]]]
    let object = try await client.patch(.overflowPolicies, "canary", .merge(spec), in: "shop").decode(Told.self)
    try await expectTold("canary", object.metadata.generation, "the canary of round \(round)")
  }

  /// Expects that the selector picks a service's replica.
  func expectPicks(_ address: String = "10.0.0.1:80", of service: String = "shop/cart") async throws {
    try await eventually("the selector picks of \(service); \(selector.messagesSoFar.suffix(500))") {
      (try? await self.replicas.withReplica(of: service) { $0 })?.address == address
    }
  }

  /// Expects that the selector says something in its log.
  func expectSaid(_ text: String) async throws {
    try await eventually("the selector says \(text); \(selector.messagesSoFar.suffix(2000))") {
      self.selector.messagesSoFar.contains(text)
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
