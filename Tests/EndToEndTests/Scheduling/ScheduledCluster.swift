import ControlPlaneTestSupport
import Foundation
import Planner

@testable import Extender
@testable import Formats
@testable import Kubernetes

/// A real control plane with nodes that nobody stands behind, on which real schedulers place pods.
final class ScheduledCluster: Sendable {
  /// A workload of a test: its name, the requests of a replica, and the priority class.
  struct Workload: Sendable {
    var name: String
    var replicas: Int
    var cpu = "1"
    var priorityClass: String?
  }

  let plane: ControlPlane
  let client: APIClient

  /// Starts a control plane, and applies what of our manifests it needs: the resource `PlacementPlan`, and what the
  /// extender may do.
  init() async throws {
    plane = try await ControlPlane()
    client = APIClient(plane.configuration(), logger: .silent)
    let manifests = Fixtures.root.appending(path: "manifests/base")
    for namespace in ["tonari", "shop", "observability"] {
      try await create(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]])
    }
    for file in ["placementplans.yaml", "rbac.yaml"] {
      for object in try Self.documents(Data(contentsOf: manifests.appending(path: file))) {
        try await create(object, in: "tonari")
      }
    }
    try await eventually("the API server knows PlacementPlans") {
      (try? await client.list(.placementPlans)) != nil
    }
  }

  // MARK: - Objects

  /// The documents of a YAML file.
  static func documents(_ yaml: Data) throws -> [JSONValue] {
    try Array(yaml).withUnsafeBufferPointer { bytes in
      var transcoder = YAMLTranscoder(bytes)
      var documents: [JSONValue] = []
      while let document = try transcoder.next() {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(document.json))
        if value["kind"] != nil { documents.append(value) }
      }
      return documents
    }
  }

  private static let resources: [String: APIResource] = [
    "Namespace": .namespaces, "Deployment": .deployments, "StatefulSet": .statefulSets, "DaemonSet": .daemonSets,
    "ServiceAccount": APIResource(plural: "serviceaccounts"),
    "ClusterRole": APIResource(group: "rbac.authorization.k8s.io", plural: "clusterroles", isNamespaced: false),
    "ClusterRoleBinding": APIResource(
      group: "rbac.authorization.k8s.io", plural: "clusterrolebindings", isNamespaced: false),
    "PriorityClass": APIResource(group: "scheduling.k8s.io", plural: "priorityclasses", isNamespaced: false),
    "CustomResourceDefinition": APIResource(
      group: "apiextensions.k8s.io", plural: "customresourcedefinitions", isNamespaced: false),
    "PlacementPlan": .placementPlans,
  ]

  /// Creates an object.
  func create(_ object: JSONValue, in namespace: String = "shop") async throws {
    guard let kind = object["kind"]?.string, let resource = Self.resources[kind] else {
      throw TestFailure("an object of no kind that is known here: \(object["kind"] ?? .null)")
    }
    _ = try await client.create(resource, object, in: resource.isNamespaced ? namespace : nil)
  }

  /// Makes a plan that places all replicas of each workload on the nodes that it is given with.
  func create(plan placements: [String: [(node: String, replicas: Int)]], named name: String = "shop") async throws {
    let plan = PlacementPlan(
      name: name,
      placements: placements.sorted { $0.key < $1.key }.map { workload, shares in
        PlacementPlan.Placement(
          workload: .init(kind: "Deployment", namespace: "shop", name: workload),
          nodes: shares.map { .init(name: $0.node, replicas: $0.replicas) })
      }, status: nil)
    try await create(plan)
  }

  /// Makes a plan.
  func create(_ plan: PlacementPlan) async throws {
    try await create(JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(plan)))
  }

  /// Makes a pod of a workload as a controller would, unbound or on a node.
  func addPod(
    _ name: String, of workload: String, kind: String = "ReplicaSet", labels: [String: JSONValue] = [:],
    spec: JSONValue, scheduler: String? = nil, on node: String? = nil
  ) async throws {
    var spec = spec
    spec["schedulerName"] = scheduler.map(JSONValue.string)
    spec["nodeName"] = node.map(JSONValue.string)
    let owner = kind == "ReplicaSet" ? "\(workload)-5d8c" : workload
    var labels = labels
    if kind == "ReplicaSet" { labels["pod-template-hash"] = "5d8c" }
    let pod: JSONValue = [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "name": .string(name), "labels": .object(labels),
        "ownerReferences": [
          [
            "apiVersion": "apps/v1", "kind": .string(kind), "name": .string(owner), "uid": .string("uid-\(owner)"),
            "controller": true,
          ]
        ],
      ],
      "spec": spec,
    ]
    _ = try await client.create(.pods, pod, in: "shop")
  }

  /// Makes the pods of workloads, one after another.
  func addPods(_ workloads: [Workload], scheduler: String? = nil, on node: String? = nil) async throws {
    for workload in workloads {
      for replica in 0..<workload.replicas {
        var spec: JSONValue = [
          "containers": [
            ["name": "main", "image": "none", "resources": ["requests": ["cpu": .string(workload.cpu)]]]
          ]
        ]
        spec["priorityClassName"] = workload.priorityClass.map(JSONValue.string)
        try await addPod(
          "\(workload.name)-5d8c-\(replica)", of: workload.name, labels: ["app": .string(workload.name)], spec: spec,
          scheduler: scheduler, on: node)
      }
    }
  }

  // MARK: - What became of it

  /// Where the pods of the shop run by workload: nodes in order, each as often as it has replicas.
  func placements() async throws -> [String: [String]] {
    var placements: [String: [String]] = [:]
    for pod in try await pods() where pod.spec.nodeName != nil {
      let workload = pod.metadata.labels?["app"] ?? pod.metadata.name
      placements[workload, default: []].append(pod.spec.nodeName ?? "")
    }
    return placements.mapValues { $0.sorted() }
  }

  /// The pods of the shop.
  func pods() async throws -> [Pod] {
    try await client.list(.pods, ObjectSelection(namespace: "shop")) { try $0.decode(Pod.self) }.items
  }

  /// The version of the control plane, such as `v1.20.2`.
  func version() async throws -> String {
    let version = try await JSONDecoder().decode(JSONValue.self, from: Data(client.read(path: "/version")))
    return version["gitVersion"]?.string ?? ""
  }

  /// Waits until no pod of the shop waits for a node.
  func waitUntilScheduled(_ scheduler: ControlPlane.Server, within deadline: Duration = .seconds(90)) async throws {
    try await eventually("all pods are scheduled", within: deadline) {
      guard scheduler.isRunning else { throw TestFailure("kube-scheduler has ended: \(scheduler.lastWords)") }
      let isDone = try await pods().allSatisfy { $0.spec.nodeName != nil }
      if !isDone { try await Task.sleep(for: .milliseconds(100)) }
      return isDone
    }
  }

  /// Deletes the pods of the shop at once, those of DaemonSets excepted.
  func deletePods() async throws {
    for pod in try await pods() where pod.metadata.controller?.kind != "DaemonSet" {
      try await client.delete(.pods, pod.metadata.name, in: "shop", gracePeriod: .zero)
    }
  }

  /// The cluster as `kubectl get -o json` would print it.
  func snapshot() async throws -> Data {
    var items: [JSONValue] = []
    for (resource, kind, version) in [
      (APIResource.nodes, "Node", "v1"), (.pods, "Pod", "v1"), (.deployments, "Deployment", "apps/v1"),
      (.statefulSets, "StatefulSet", "apps/v1"), (.daemonSets, "DaemonSet", "apps/v1"),
    ] {
      for object in try await client.list(resource).items {
        var item = try object.decode(JSONValue.self)
        item["kind"] = .string(kind)
        item["apiVersion"] = .string(version)
        items.append(item)
      }
    }
    return try JSONEncoder().encode(["apiVersion": "v1", "kind": "List", "items": .array(items)] as JSONValue)
  }

  // MARK: - Schedulers

  /// The scheduler profile that asks the extender.
  static let profile = "tonari-scheduler"

  /// Starts a kube-scheduler with the configuration of our manifests, that asks an extender on loopback.
  ///
  /// - Parameters:
  ///   - binds: whether the extender is also asked to filter, and to bind.
  ///   - timeout: how long the scheduler waits for it.
  ///   - isSecured: whether it is asked by TLS, as the manifests have it.
  func startScheduler(
    asking port: UInt16, binds: Bool = false, timeout: String = "2s", isSecured: Bool = true
  ) async throws -> ControlPlane.Server {
    let file = Fixtures.root.appending(path: "manifests/scheduler/scheduler-v1beta1.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    guard let start = text.range(of: "profiles:") else { throw TestFailure("\(file.path) has no profiles") }
    var configuration = String(text[start.lowerBound...])
    let certificates = try PartCertificates(in: plane.folder)
    var changes = [
      ("https://tonari-extender.tonari.svc/", "\(isSecured ? "https" : "http")://127.0.0.1:\(port)/"),
      ("httpTimeout: 2s", "httpTimeout: \(timeout)"),
      ("    weight: 200", binds ? "    filterVerb: filter\n    bindVerb: bind\n    weight: 200" : "    weight: 200"),
      ("/etc/tonari-tls/ca.crt", certificates.authority),
      ("/etc/tonari-tls/tls.crt", certificates.certificate("tonari-scheduler")),
      ("/etc/tonari-tls/tls.key", certificates.key("tonari-scheduler")),
      ("    tlsConfig:\n", "    tlsConfig:\n      serverName: tonari-extender.tonari.svc\n"),
    ]
    if !isSecured { changes.append(("    enableHTTPS: true\n", "    enableHTTPS: false\n")) }
    for (old, new) in changes {
      guard configuration.contains(old) else { throw TestFailure("\(file.path) has no '\(old)'") }
      configuration = configuration.replacingOccurrences(of: old, with: new)
    }
    return try await plane.startScheduler(configuration)
  }
}
