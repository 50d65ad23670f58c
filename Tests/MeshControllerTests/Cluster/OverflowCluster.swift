import Connections
import ControlPlaneTestSupport
import Daemon
import Formats
import Foundation
import Kubernetes
import Logging
import Model
import Overflow
import Synchronization
import Testing
import Yams

@testable import Fleet
@testable import MeshController

/// A real API server with our custom resource, Istio's and the Gateway API's, and a namespace of a test's own.
struct OverflowCluster {
  /// Whether the tests that need one are to run.
  static let isWanted = ControlPlane.isWanted && crds != nil || ProcessInfo.processInfo.environment["CI"] != nil
  static let hint: Comment = "needs KUBEBUILDER_ASSETS, and TONARI_CRDS with Istio's custom resources"

  private static let crds = ProcessInfo.processInfo.environment["TONARI_CRDS"]
  private static let starting = Task { try await start() }

  let plane: ControlPlane
  /// An administrator.
  let client: APIClient
  let namespace: String

  /// Makes a namespace.
  init() async throws {
    (plane, client) = try await Self.starting.value
    namespace = "shop-\(UUID().uuidString.prefix(8).lowercased())"
    _ = try await client.create(
      .namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]] as JSONValue)
  }

  private static func start() async throws -> (ControlPlane, APIClient) {
    let plane = try await ControlPlane()
    let client = APIClient(plane.configuration(), logger: .silent)
    _ = try await client.create(
      .namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "tonari"]] as JSONValue)
    for file in ["overflow/overflowpolicies.yaml", "overflow/rbac.yaml"] {
      try await ControlPlane.create(manifest: file, in: "tonari", with: client)
    }
    let folder = try #require(crds)
    let istio = try String(contentsOfFile: "\(folder)/istio-1.22-virtualservices.yaml", encoding: .utf8)
    let definitions = APIResource(
      group: "apiextensions.k8s.io", plural: "customresourcedefinitions", isNamespaced: false)
    for text in [istio, httpRoutes] {
      for case let document as [String: Any] in try Yams.load_all(yaml: text) {
        let object = try JSONDecoder().decode(
          JSONValue.self, from: JSONSerialization.data(withJSONObject: document))
        _ = try await client.create(definitions, object)
      }
    }
    for resource in [APIResource.overflowPolicies, virtualServices, routes] {
      try await eventually("\(resource) are there") { (try? await client.list(resource)) != nil }
    }
    return (plane, client)
  }

  static let virtualServices = OverflowPolicy.Route.Kind.virtualService.resource(version: "v1")
  static let routes = OverflowPolicy.Route.Kind.httpRoute.resource(version: "v1beta1")

  /// The Gateway API's own definition has rules that old API servers do not know. This one is served as v1beta1 alone.
  private static let httpRoutes = """
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: httproutes.gateway.networking.k8s.io
      annotations: {api-approved.kubernetes.io: "https://github.com/kubernetes-sigs/gateway-api/pull/2466"}
    spec:
      group: gateway.networking.k8s.io
      scope: Namespaced
      names: {kind: HTTPRoute, listKind: HTTPRouteList, plural: httproutes, singular: httproute}
      versions:
      - name: v1beta1
        served: true
        storage: true
        schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    """

  // MARK: - Objects

  /// A policy of the service `cart` with one neighbour, which can be changed.
  func policy(_ change: (inout JSONValue) -> Void = { _ in }) async throws {
    var object: JSONValue = [
      "apiVersion": .string(OverflowPolicy.apiVersion), "kind": .string(OverflowPolicy.kind),
      "metadata": ["name": "cart", "namespace": .string(namespace)],
      "spec": [
        "service": "cart", "capacity": ["perMinute": 540], "safeAfter": "20s",
        "neighbours": [["name": "edge-b", "host": "cart.edge-b.example", "cost": 4]],
        "route": ["kind": "VirtualService", "name": "cart"],
        "limits": ["hold": "1s", "stepBack": 0.5],
      ],
    ]
    change(&object)
    let name = object["metadata"]?["name"]?.string ?? ""
    _ = try await client.patch(.overflowPolicies, name, .apply(object, force: true), in: namespace)
  }

  /// A VirtualService that splits `cart`, by these weights, perhaps beside others.
  func virtualService(local: Int = 100, remote: Int = 0, others: Int? = nil) async throws {
    let other = others.map { weight -> JSONValue in
      ["destination": ["host": "basket"], "weight": .integer(Int64(weight))]
    }
    let object: JSONValue = [
      "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
      "metadata": ["name": "cart", "namespace": .string(namespace)],
      "spec": [
        "hosts": ["shop.example"],
        "http": [
          [
            "name": "arrived", "match": [["headers": ["x-tonari-hops": ["regex": ".+"]]]],
            "route": [["destination": ["host": "cart"]]],
          ],
          [
            "name": "split",
            "route": .array(
              [
                ["destination": ["host": "cart"], "weight": .integer(Int64(local))],
                ["destination": ["host": "cart.edge-b.example"], "weight": .integer(Int64(remote))],
              ] + [other].compactMap { $0 }),
          ],
        ],
      ],
    ]
    _ = try await client.create(Self.virtualServices, object, in: namespace)
  }

  /// Says how many pods of `cart` are ready, up to ten.
  func pods(_ count: Int) async throws {
    let endpoints = zip("bcdfghjklm", 0..<count).map { last, k -> JSONValue in
      [
        "addresses": [.string("10.0.0.\(k + 1)")], "conditions": ["ready": true],
        "targetRef": ["kind": "Pod", "name": .string("cart-5d8f9c7b6d-x2x4\(last)")],
      ]
    }
    let slice: JSONValue = [
      "apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice",
      "metadata": [
        "name": "cart-1", "namespace": .string(namespace), "labels": ["kubernetes.io/service-name": "cart"],
      ],
      "addressType": "IPv4", "endpoints": .array(endpoints), "ports": [],
    ]
    let resource = APIResource(group: "discovery.k8s.io", version: "v1beta1", plural: "endpointslices")
    _ = try await client.patch(resource, "cart-1", .apply(slice, force: true), in: namespace)
  }

  /// An autoscaler of `cart` that looks at its processors, as it says that it stands.
  func autoscaler(pods: Int, wanted: Int, most: Int = 10, utilization: Int) async throws {
    let resource = APIResource(group: "autoscaling", version: "v2beta2", plural: "horizontalpodautoscalers")
    func metric(_ field: String, _ utilization: Int) -> JSONValue {
      [
        "type": "Resource",
        "resource": [
          "name": "cpu",
          .init(stringLiteral: field): field == "target"
            ? ["type": "Utilization", "averageUtilization": .integer(Int64(utilization))]
            : ["averageUtilization": .integer(Int64(utilization)), "averageValue": "100m"],
        ],
      ]
    }
    let head: JSONValue = [
      "apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler",
      "metadata": ["name": "cart", "namespace": .string(namespace)],
    ]
    var object = head
    object["spec"] = [
      "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"], "minReplicas": 1,
      "maxReplicas": .integer(Int64(most)), "metrics": [metric("target", 80)],
    ]
    _ = try await client.patch(resource, "cart", .apply(object, force: true), in: namespace)
    object["status"] = [
      "currentReplicas": .integer(Int64(pods)), "desiredReplicas": .integer(Int64(wanted)), "conditions": [],
      "currentMetrics": [metric("current", utilization)],
    ]
    _ = try await client.patch(
      resource, "cart", .apply(object, force: true), in: namespace, subresource: "status", manager: "autoscaler")
  }

  /// The VirtualService as it is.
  func route() async throws -> JSONValue {
    try await client.get(Self.virtualServices, "cart", in: namespace).decode(JSONValue.self)
  }

  /// The weights of its second rule.
  func weights() async throws -> [Int64] {
    let rules = try await route()["spec"]?["http"]?.array ?? []
    let rule = rules.first { $0["name"]?.string == "split" }
    return rule?["route"]?.array?.compactMap { $0["weight"]?.integer } ?? []
  }

  /// The weights of its second rule as parts of 100.
  func shares() async throws -> [Int] {
    let weights = try await weights()
    let total = max(1, weights.reduce(0, +))
    return weights.map { Int((Double($0) / Double(total) * 100).rounded()) }
  }

  /// The policy's status.
  func status() async throws -> OverflowPolicy.Status? {
    struct Told: Decodable {
      var status: OverflowPolicy.Status?
    }
    return try await client.get(.overflowPolicies, "cart", in: namespace).decode(Told.self).status
  }

  /// Whether a condition of the policy holds; nil where nothing is said of it.
  func holds(_ condition: String) async throws -> Bool? { try await status()?.condition(condition)?.holds }

  /// The reasons of the events, in the order of their times.
  func events() async throws -> [String] {
    struct Event: Decodable {
      struct Metadata: Decodable {
        var name: String
      }
      var metadata: Metadata
      var reason: String
    }
    return try await client.list(.events, ObjectSelection(namespace: namespace)) { try $0.decode(Event.self) }.items
      .sorted { $0.metadata.name < $1.metadata.name }.map(\.reason)
  }
}

/// Counts what a test tells it.
final class SampleSource: MeasurementSource {
  private let value: Mutex<DemandMeasurement?>
  private let absence = Mutex<String?>(nil)

  init(demand: Double?) {
    value = Mutex(demand.map { DemandMeasurement(demandPerMinute: $0) })
  }

  /// Says why nothing was found; nil to say nothing.
  func set(missing reason: String?) { absence.withLock { $0 = reason } }

  func set(_ measurement: DemandMeasurement?) { value.withLock { $0 = measurement } }
  func set(demand: Double?) { set(demand.map { DemandMeasurement(demandPerMinute: $0) }) }

  func measure(_ policies: [MeasuredPolicy], at now: Moment) async -> Measurements {
    if let reason = absence.withLock({ $0 }) {
      var measurements = Measurements()
      for policy in policies { measurements.missing[policy.policy.service] = reason }
      return measurements
    }
    guard let measurement = value.withLock({ $0 }) else { return Measurements(fault: "nobody counts") }
    return Measurements(Dictionary(policies.map { ($0.policy.service, measurement) }) { $1 })
  }
}

/// Neighbours that say what a test tells them.
final class SampleExchange: HeadroomExchange {
  private let rooms: Mutex<[String: Double]>
  private let said = Mutex<[HeadroomMessage?]>([])
  private let clock: SampleClock

  init(_ rooms: [String: Double], _ clock: SampleClock) {
    self.rooms = Mutex(rooms)
    self.clock = clock
  }

  func set(_ cluster: String, _ room: Double?) { rooms.withLock { $0[cluster] = room } }
  var published: [HeadroomMessage?] { said.withLock { $0 } }

  func publish(_ message: HeadroomMessage?, of service: ObjectKey) { said.withLock { $0.append(message) } }

  func headroom(of service: ObjectKey, in cluster: String) -> Headroom? {
    rooms.withLock { $0[cluster] }.map { Headroom(perMinute: $0, at: clock.last, lifetime: .seconds(10)) }
  }
}

/// A clock that goes on by a second whenever it is read, and jumps when it is told to.
final class SampleClock: Sendable {
  private let seconds = Mutex(1000.0)

  var last: Moment { .seconds(seconds.withLock { $0 }) }
  func tick() -> Moment {
    .seconds(
      seconds.withLock { seconds in
        seconds += 1
        return seconds
      })
  }
  func jump(_ time: Double) { seconds.withLock { $0 += time } }
}

/// A controller that runs, with short times.
final class Runner: Sendable {
  let controller: OverflowController
  let registry = MetricsRegistry()
  let clock: SampleClock
  let exchange: SampleExchange
  /// The way to the API server.
  let gate: APIGate
  private let running: Task<Void, any Error>

  /// Starts.
  ///
  /// - Parameters:
  ///   - name: who it is in the election.
  ///   - gate: the way to the API server.
  init(
    _ name: String, _ cluster: OverflowCluster, _ source: any MeasurementSource, through gate: APIGate,
    rules: PolicyRules = PolicyRules()
  ) {
    self.gate = gate
    clock = SampleClock()
    exchange = SampleExchange(["edge-b": 10_000], clock)
    var election = LeaderElector.Configuration(
      lease: ObjectKey(namespace: "tonari", name: "tonari-overflow"), identity: name)
    election.leaseDuration = .seconds(3)
    election.renewDeadline = .seconds(2)
    election.retryPeriod = .milliseconds(100)
    var configuration = OverflowController.Configuration(election: election)
    configuration.namespace = cluster.namespace
    configuration.interval = .milliseconds(20)
    configuration.rules = rules
    configuration.clock = { [clock] in clock.tick() }
    let backoff = Backoff(shortest: .milliseconds(5), longest: .milliseconds(20))
    let client = APIClient(
      gate.configuration, fieldManager: "tonari-overflow", retries: RetryPolicy(attempts: 2, backoff: backoff),
      timeout: .seconds(5), logger: .silent)
    controller = OverflowController(
      configuration, client: client, sources: [.envoy: source], exchange: exchange, registry: registry,
      logger: .silent)
    running = Task { [controller] in try await controller.run() }
  }

  /// A test that fails leaves nobody behind who leads.
  deinit { running.cancel() }

  /// Ends it in good order.
  func stop() async {
    running.cancel()
    _ = await running.result
  }
}
