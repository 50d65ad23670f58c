import Connections
import ControlPlaneTestSupport
import Daemon
import Formats
import Foundation
import Kubernetes
import Logging
import Model
import Placement
import Synchronization

@testable import Planner

/// A real API server with our custom resource and the planner's rights, whose cluster each test makes anew.
struct PlannedCluster {
  static let namespace = "tonari"
  private static let starting = Task { try await PlannedCluster() }

  let plane: ControlPlane
  /// An administrator.
  let client: APIClient

  private init() async throws {
    plane = try await ControlPlane()
    client = APIClient(plane.configuration(), logger: .silent)
    for name in [Self.namespace, "shop"] {
      _ = try await client.create(
        .namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]] as JSONValue)
    }
    for file in ["base/placementplans.yaml", "planner/rbac.yaml"] {
      try await ControlPlane.create(manifest: file, in: Self.namespace, with: client)
    }
    let client = client
    try await eventually("the custom resource is there") {
      (try? await client.list(.placementPlans)) != nil
    }
  }

  /// The cluster of a test: its nodes, its Deployments in the namespace `shop`, and nothing else.
  static func with(_ sample: SampleCluster) async throws -> PlannedCluster {
    let cluster = try await starting.value
    for pod in try await cluster.client.list(.pods).items {
      try await cluster.client.delete(.pods, pod.key.name, in: pod.key.namespace, gracePeriod: .zero)
    }
    for resource in [APIResource.nodes, .deployments, .placementPlans] {
      for object in try await cluster.client.list(resource).items {
        try await cluster.client.delete(
          resource, object.key.name, in: resource.isNamespaced ? object.key.namespace : nil)
      }
    }
    for (name, cpu) in sample.nodes {
      try await ControlPlane.addNode(
        name, capacity: ["cpu": "\(cpu)", "memory": "8Gi", "pods": "10"], with: cluster.client)
    }
    for (name, wanted) in sample.workloads { try await cluster.apply(name, wanted.replicas, cpu: wanted.cpu) }
    return cluster
  }

  /// Makes a Deployment in the namespace `shop`, or changes it.
  func apply(_ name: String, _ replicas: Int, cpu: Int) async throws {
    let labels: JSONValue = ["app": .string(name)]
    let container: JSONValue = [
      "name": "c", "image": "c", "resources": ["requests": ["cpu": .string("\(cpu)m")]],
    ]
    let object: JSONValue = [
      "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name), "namespace": "shop"],
      "spec": [
        "replicas": .integer(Int64(replicas)), "selector": ["matchLabels": labels],
        "template": ["metadata": ["labels": labels], "spec": ["containers": [container]]],
      ],
    ]
    _ = try await client.patch(.deployments, name, .apply(object, force: true), in: "shop")
  }

  /// Runs a pod of a Deployment on a node, as its ReplicaSet and the scheduler would.
  func run(_ pod: String, of name: String, cpu: Int, on node: String) async throws {
    let owner: JSONValue = [
      "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": .string("\(name)-5d8c"), "uid": .string("uid-\(name)"),
      "controller": true,
    ]
    let container: JSONValue = [
      "name": "c", "image": "c", "resources": ["requests": ["cpu": .string("\(cpu)m")]],
    ]
    let object: JSONValue = [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "name": .string(pod), "labels": ["app": .string(name), "pod-template-hash": "5d8c"],
        "ownerReferences": [owner],
      ],
      "spec": ["nodeName": .string(node), "containers": [container]],
    ]
    _ = try await client.create(.pods, object, in: "shop")
  }

  /// Cordons a node.
  func cordon(_ node: String) async throws {
    _ = try await client.patch(.nodes, node, .merge(["spec": ["unschedulable": true]]))
  }

  /// Writes a plan by hand.
  func write(_ plan: PlacementPlan) async throws {
    _ = try await client.create(.placementPlans, plan)
  }

  /// The plan as it stands; nil where there is none.
  func plan() async throws -> PlacementPlan? { try await client.plan(named: "sample")?.plan }

  /// Where the plan that stands has a workload, as `node: replicas`.
  func nodes(of workload: String) async throws -> [String: Int] {
    let placement = try await plan()?.spec.placements.first { $0.workload.name == workload }
    return Dictionary(uniqueKeysWithValues: (placement?.nodes ?? []).map { ($0.name, $0.replicas) })
  }

  /// How often the plan's placement has been written.
  func generation() async throws -> Int64 {
    let object = try await client.get(.placementPlans, "sample").decode(JSONValue.self)
    return object["metadata"]?["generation"]?.integer ?? 0
  }

  /// Who has written the plan's placement.
  func writers() async throws -> [String] {
    let object = try await client.get(.placementPlans, "sample").decode(JSONValue.self)
    let managers = (object["metadata"]?["managedFields"]?.array ?? []).filter { $0["fieldsV1"]?["f:spec"] != nil }
      .compactMap { $0["manager"]?.string }
    return Set(managers).sorted()
  }
}

/// A Prometheus that says what a test tells it.
final class SampleTraffic: Sendable {
  private final class Answer: Sendable {
    let value: Mutex<(body: String, status: Int)>

    init(_ body: String) { value = Mutex((body, 200)) }
  }

  private let answer: Answer
  private let server: ScriptedServer

  init(_ edges: [(String, String, Double)]) throws {
    let answer = Answer(Self.body(edges))
    self.answer = answer
    server = try ScriptedServer { _, reply in
      let (body, status) = answer.value.withLock { $0 }
      if status == 0 {
        reply.waitForClose()
        return .close
      }
      reply.respond(body, status: status)
      return .keep
    }
  }

  /// The address.
  var url: String { server.url }

  /// From now on these are the bytes per second between Deployments of the namespace `shop`.
  func set(_ edges: [(String, String, Double)]) { answer.value.withLock { $0 = (Self.body(edges), 200) } }

  /// From now on it answers so; nothing with status 0.
  func fail(_ body: String, status: Int) { answer.value.withLock { $0 = (body, status) } }

  private static func body(_ edges: [(String, String, Double)]) -> String {
    let series = edges.map { source, destination, bytes in
      """
      {"metric": {"reporter": "destination", "source_workload": "\(source)", "source_workload_namespace": "shop",
       "destination_workload": "\(destination)", "destination_workload_namespace": "shop"},
       "value": [1714564800.781, "\(bytes)"]}
      """
    }
    return #"{"status": "success", "data": {"resultType": "vector", "result": [\#(series.joined(separator: ","))]}}"#
  }
}

/// A controller that runs, with short times.
final class Candidate: Sendable {
  let controller: PlanController
  let registry = MetricsRegistry()
  /// Answers as long as somebody holds it.
  private let traffic: SampleTraffic
  private let running: Task<Void, any Error>

  /// Starts.
  ///
  /// - Parameters:
  ///   - name: who it is, in the election and as the writer of fields.
  ///   - port: the port to go through to the API server; nil for its own.
  init(
    _ name: String, _ cluster: PlannedCluster, _ traffic: SampleTraffic, through port: UInt16? = nil,
    minimumGain: Double = 0.01, maxMoves: Int? = nil
  ) throws {
    self.traffic = traffic
    var election = LeaderElector.Configuration(
      lease: ObjectKey(namespace: PlannedCluster.namespace, name: "tonari-planner"), identity: name)
    election.leaseDuration = .seconds(3)
    election.renewDeadline = .seconds(2)
    election.retryPeriod = .milliseconds(100)
    var configuration = PlanController.Configuration(name: "sample", election: election)
    configuration.solver = SolverOptions(timeLimit: .seconds(5), effort: 1, threads: 1)
    configuration.pacing.settling = .milliseconds(50)
    configuration.pacing.minimumInterval = .milliseconds(200)
    configuration.minimumGain = minimumGain
    configuration.weigh = { $0.weights.maxMoves = maxMoves }
    configuration.tick = .milliseconds(20)
    var prometheus = try PrometheusSource(traffic.url)
    prometheus.metrics = .queries([PrometheusQuery("istio_request_bytes_sum")])
    prometheus.timeout = .milliseconds(500)
    let backoff = Backoff(shortest: .milliseconds(5), longest: .milliseconds(20))
    let feed = TrafficFeed(
      prometheus: prometheus, files: nil, interval: .milliseconds(50), backoff: backoff, registry: registry,
      logger: .silent)
    // It may do what our manifests say that it may, and no more.
    var api = cluster.plane.configuration(through: port)
    api.credentials.impersonation = Credentials.Impersonation(user: "system:serviceaccount:tonari:tonari-planner")
    let client = APIClient(api, fieldManager: name, logger: .silent)
    controller = PlanController(configuration, client: client, feed: feed, registry: registry, logger: .silent)
    running = Task { [controller] in try await controller.run() }
  }

  /// What does not go well.
  var faults: String { controller.health.compactMap { $0.report().fault }.joined(separator: "; ") }

  /// A test that fails leaves nobody behind who leads.
  deinit { running.cancel() }

  /// Ends it in good order.
  func stop() async throws {
    running.cancel()
    _ = await running.result
  }
}
