import Formats
import Kubernetes
import Model
import Placement
import Testing

@testable import Planner

private let unknown =
  "so that from where its volume can be reached is not known; add what 'kubectl get pv,pvc,sc,csinodes -A -o json' prints"

private func volume(_ name: String, zone value: String, spec: String = "") -> String {
  """
  ---
  apiVersion: v1
  kind: PersistentVolume
  metadata: {name: \(name)}
  spec: {nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: \(zone), operator: In, values: [\(value)]}]}]}}\(spec.isEmpty ? "" : ", \(spec)")}

  """
}

private func labelledVolume(_ name: String, _ labels: String) -> String {
  "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: \(name), labels: {\(labels)}}\nspec: {}\n"
}

private func claim(_ name: String, volume: String = "", spec: String = "", annotations: String = "") -> String {
  """
  ---
  apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: {name: \(name), namespace: shop, annotations: {\(annotations)}}
  spec: {volumeName: '\(volume)'\(spec.isEmpty ? "" : ", \(spec)")}

  """
}

private func storageClass(_ name: String, _ fields: String, annotations: String = "") -> String {
  """
  ---
  apiVersion: storage.k8s.io/v1
  kind: StorageClass
  metadata: {name: \(name), annotations: {\(annotations)}}
  provisioner: ebs.csi.aws.com
  \(fields)

  """
}

private func csiNode(_ name: String, _ count: Int, driver: String = "ebs.csi.aws.com") -> String {
  """
  ---
  apiVersion: storage.k8s.io/v1
  kind: CSINode
  metadata: {name: \(name)}
  spec: {drivers: [{name: \(driver), nodeID: i-1, topologyKeys: null, allocatable: {count: \(count)}}]}

  """
}

private func statefulSet(_ replicas: Int, spec: String = "") -> String {
  workload("db", kind: "StatefulSet", replicas: replicas).replacing(
    "  template:",
    with: "  volumeClaimTemplates: [{metadata: {name: data}\(spec.isEmpty ? "" : ", spec: {\(spec)}")}]\n  template:"
  )
}

private let user = "volumes: [{name: x}, {name: d, persistentVolumeClaim: {claimName: data}}]"
private let onePod = "accessModes: [ReadWriteOncePod]"

@Suite("Where replicas may run with their volumes")
struct ProblemVolumesTests {
  @Test("follows their claims", arguments: bound + waiting + shared)
  func claims(_ c: RulesCase) throws { try c.check() }

  static let bound: [RulesCase] = [
    RulesCase(
      testDescription: "one volume",
      manifests: workload("w", spec: user) + claim("data", volume: "v1") + volume("v1", zone: "west"),
      limits: [0, 0, -1]
    ),
    RulesCase(
      testDescription: "a volume that says its zone by its label alone",
      manifests: workload("w", spec: user) + claim("data", volume: "v1") + labelledVolume("v1", "\(zone): west"),
      limits: [0, 0, -1]
    ),
    RulesCase(
      testDescription: "by a label of long ago, of several zones",
      manifests: node("d", zone: "north") + node("e") + workload("w", spec: user) + claim("data", volume: "v1")
        + labelledVolume("v1", "failure-domain.beta.kubernetes.io/zone: west__north"),
      // A node without any zone is in the only one there is.
      limits: [0, 0, -1, -1, -1]
    ),
    RulesCase(
      testDescription: "a claim that is not given",
      manifests: workload("w", spec: user),
      warnings: ["shop/w: spec.template.spec.volumes[1]: a claim that is not in the input, \(unknown)"]
    ),
    RulesCase(
      testDescription: "a volume that is not given",
      manifests: workload("w", spec: user) + claim("data", volume: "v1"),
      warnings: ["shop/w: spec.template.spec.volumes[1]: a volume that is not in the input, \(unknown)"]
    ),
    RulesCase(
      testDescription: "a volume for each replica: two in the east, one in the west",
      manifests: statefulSet(3) + claim("data-db-0", volume: "v0") + claim("data-db-1", volume: "v1")
        + claim("data-db-2", volume: "v2") + volume("v0", zone: "east") + volume("v1", zone: "west")
        + volume("v2", zone: "east"),
      limits: [2, 2, 1],
      rules: [.atMost(workload: 0, partition: 0, count: 1), .atMost(workload: 0, partition: 1, count: 2)]
    ),
    RulesCase(
      testDescription: "a volume for some replicas: one of three is free",
      manifests: statefulSet(3) + claim("data-db-0", volume: "v0") + claim("data-db-1", volume: "v1")
        + claim("data-db-2", spec: "storageClassName: late") + volume("v0", zone: "east") + volume("v1", zone: "west")
        + storageClass("late", "volumeBindingMode: WaitForFirstConsumer"),
      limits: [2, 2, 2],
      rules: [.atMost(workload: 0, partition: 0, count: 2), .atMost(workload: 0, partition: 1, count: 2)]
    ),
    RulesCase(
      testDescription: "all volumes in one zone",
      manifests: statefulSet(2) + claim("data-db-0", volume: "v0") + claim("data-db-1", volume: "v1")
        + volume("v0", zone: "west") + volume("v1", zone: "west"),
      limits: [0, 0, 2]
    ),
    RulesCase(
      testDescription: "volumes in overlapping zones",
      manifests: statefulSet(2) + claim("data-db-0", volume: "v0") + claim("data-db-1", volume: "v1")
        + volume("v0", zone: "west") + volume("v1", zone: "west, east") + node("d", zone: "north"),
      limits: [1, 1, 2, 0],
      warnings: [
        "shop/db: spec.volumeClaimTemplates: replicas with volumes in overlapping sets of nodes; only each node's own "
          + "limit counts"
      ]
    ),
    RulesCase(
      testDescription: "claims of replicas that run are missed where they are not given",
      manifests: statefulSet(2) + pod("db-0", on: "a", owner: "StatefulSet/db")
        + claim("other", spec: "storageClassName: late")
        + storageClass("late", "volumeBindingMode: WaitForFirstConsumer", annotations: isDefault),
      limits: [2, 2, 2],
      warnings: ["shop/db: spec.volumeClaimTemplates: a claim that is not in the input, \(unknown)"]
    ),
  ]

  private static let isDefault = "storageclass.kubernetes.io/is-default-class: 'true'"
  private static let late = "volumeBindingMode: WaitForFirstConsumer"
  private static let west = "allowedTopologies: [{matchLabelExpressions: [{key: \(zone), values: [west]}]}]"

  static let waiting: [RulesCase] = [
    RulesCase(
      testDescription: "a claim that waits for its pod: anywhere",
      manifests: workload("w", spec: user) + claim("data", spec: "storageClassName: s") + storageClass("s", late)
    ),
    RulesCase(
      testDescription: "where volumes of its class can be made",
      manifests: workload("w", spec: user) + claim("data", spec: "storageClassName: s")
        + storageClass("s", "\(late)\n\(west)"),
      limits: [0, 0, -1]
    ),
    RulesCase(
      testDescription: "on the node that its volume is being made for",
      manifests: workload("w", spec: user)
        + claim(
          "data", spec: "storageClassName: s", annotations: "volume.kubernetes.io/selected-node: b")
        + storageClass("s", late),
      limits: [0, -1, 0]
    ),
    RulesCase(
      testDescription: "where a volume is free, of a class whose volumes nobody makes",
      manifests: workload("w", spec: user)
        + claim(
          "data", spec: "storageClassName: s, accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Gi}}")
        + storageClass("s", late).replacing("ebs.csi.aws.com", with: "kubernetes.io/no-provisioner")
        + volume("small", zone: "east", spec: disk("1Gi"))
        + volume("taken", zone: "east", spec: disk("9Gi") + ", claimRef: {namespace: shop, name: other}")
        + volume("good", zone: "west", spec: disk("9Gi")),
      limits: [0, 0, -1]
    ),
    RulesCase(
      testDescription: "as many as there are free volumes",
      manifests: statefulSet(3, spec: "storageClassName: s, accessModes: [ReadWriteOnce]") + claim("other")
        + storageClass("s", late).replacing("ebs.csi.aws.com", with: "kubernetes.io/no-provisioner")
        + volume("e1", zone: "east", spec: disk("1Gi")) + volume("e2", zone: "east", spec: disk("1Gi"))
        + volume("w1", zone: "west", spec: disk("1Gi")),
      limits: [2, 2, 1]
    ),
    RulesCase(
      testDescription: "as many as there are free volumes, in a cluster that has no claims yet",
      manifests: statefulSet(1, spec: "storageClassName: s, accessModes: [ReadWriteOnce]")
        + storageClass("s", late).replacing("ebs.csi.aws.com", with: "kubernetes.io/no-provisioner")
        + volume("w1", zone: "west", spec: disk("1Gi")),
      limits: [0, 0, 1]
    ),
    RulesCase(
      testDescription: "no volumes, claims or classes are given: nothing is known",
      manifests: statefulSet(2, spec: "storageClassName: s"),
      warnings: ["shop/db: spec.volumeClaimTemplates: a claim that is not in the input, \(unknown)"]
    ),
    RulesCase(
      testDescription: "a volume that is kept for one of the claims, beside those for all",
      manifests: statefulSet(2, spec: "storageClassName: s, accessModes: [ReadWriteOnce]") + claim("other")
        + storageClass("s", late).replacing("ebs.csi.aws.com", with: "kubernetes.io/no-provisioner")
        + volume("e1", zone: "east", spec: disk("1Gi"))
        + volume("w1", zone: "west", spec: disk("1Gi") + ", claimRef: {namespace: shop, name: data-db-1}"),
      limits: [1, 1, 1],
      rules: [.atMost(workload: 0, partition: 0, count: 1)]
    ),
    RulesCase(
      testDescription: "replicas that are to come, by the default class",
      manifests: statefulSet(2) + claim("other") + storageClass("s", "\(late)\n\(west)", annotations: isDefault),
      limits: [0, 0, 2]
    ),
    RulesCase(
      testDescription: "volumes that live as long as their pod",
      manifests: workload(
        "w", spec: "volumes: [{name: d, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: s}}}}]")
        + storageClass("s", "\(late)\n\(west)"),
      limits: [0, 0, -1]
    ),
    RulesCase(
      testDescription: "a claim that binds without a pod is not known",
      manifests: workload("w", spec: user) + claim("data", spec: "storageClassName: s") + storageClass("s", ""),
      warnings: [
        "shop/w: spec.template.spec.volumes[1]: a claim that is not bound yet, and binds without a pod; from where its "
          + "volume will be reached is not known"
      ]
    ),
    RulesCase(
      testDescription: "nor one of a class that is not given",
      manifests: workload("w", spec: user) + claim("data", spec: "storageClassName: s"),
      warnings: [
        "shop/w: spec.template.spec.volumes[1]: a claim whose StorageClass is not in the input, \(unknown)"
      ]
    ),
  ]

  private static func disk(_ size: String) -> String {
    "storageClassName: s, accessModes: [ReadWriteOnce], capacity: {storage: \(size)}"
  }

  static let shared: [RulesCase] = [
    RulesCase(
      testDescription: "ReadWriteOncePod: one replica",
      manifests: workload("w", spec: user) + claim("data", volume: "v1", spec: onePod) + labelledVolume("v1", "")
    ),
    RulesCase(
      testDescription: "ReadWriteOncePod: two replicas cannot",
      manifests: workload("w", replicas: 2, spec: user) + claim("data", volume: "v1", spec: onePod)
        + labelledVolume("v1", ""),
      rules: [.atMost(workload: 0, partition: 0, count: 1)]
    ),
    RulesCase(
      testDescription: "ReadWriteOncePod: nor two workloads",
      manifests: workload("w", spec: user) + workload("v", spec: user) + claim("data", volume: "v1", spec: onePod)
        + labelledVolume("v1", ""),
      rules: [.apart(workload: 0, other: 1, partition: 0)]
    ),
    RulesCase(
      testDescription: "ReadWriteOncePod: nowhere while a pod that stays has it",
      manifests: workload("w", spec: user) + pod("old", on: "a", spec: user)
        + claim("data", volume: "v1", spec: onePod) + labelledVolume("v1", ""),
      limits: [0, 0, 0]
    ),
    RulesCase(
      testDescription: "ReadWriteOncePod: each replica with a claim of its own",
      manifests: statefulSet(2, spec: onePod) + claim("data-db-0", volume: "v1", spec: onePod)
        + claim("data-db-1", volume: "v2", spec: onePod) + labelledVolume("v1", "") + labelledVolume("v2", ""),
      limits: [2, 2, 2]
    ),
    RulesCase(
      testDescription: "a claim that all pods of a workload share is one, though only the pods tell of the workload",
      manifests: ["1", "2"].map { pod("w-1-\($0)", on: "a", owner: "ReplicaSet/w", spec: user) }.joined()
        + claim("data", volume: "v1", spec: onePod) + labelledVolume("v1", ""),
      rules: [.atMost(workload: 0, partition: 0, count: 1)],
      warnings: ["ReplicaSet shop/w: not in the input; planned as its pods are"]
    ),
  ]

  @Test("says what two replicas of a claim for one pod ask for")
  func onePodConflict() throws {
    let cluster = ClusterProblem(
      try snapshot(
        RulesCase.nodes, workload("w", replicas: 2, spec: user), claim("data", volume: "v1", spec: onePod),
        labelledVolume("v1", "")))
    #expect(
      cluster.conflicts() == [
        "shop/w has 2 replicas, at most 1 in each cluster, for its claim shop/data (ReadWriteOncePod): there is room for 1"
      ])
  }

  @Test("counts the volumes that a driver attaches to a node where its limit can be reached")
  func attachLimits() throws {
    let csi = "csi: {driver: ebs.csi.aws.com, volumeHandle: "
    let manifests =
      RulesCase.nodes + csiNode("a", 2) + csiNode("b", 3) + statefulSet(4, spec: "storageClassName: s")
      + storageClass("s", Self.late) + claim("data-db-0", volume: "v0") + volume("v0", zone: "east", spec: csi + "h0}")
      + claim("used", volume: "v9") + volume("v9", zone: "east, west", spec: csi + "h9}")
      + pod("old-1", on: "a", spec: user.replacing("data", with: "used"))
      + pod("old-2", on: "a", spec: user.replacing("data", with: "used"))
      + workload("web", spec: user) + claim("data", spec: "storageClassName: s")
    let problem = ClusterProblem(try snapshot(manifests)).problem
    let k = try #require(problem.resources.firstIndex(of: "attachable-volumes-csi-ebs.csi.aws.com"))
    func column(_ values: [Int64]) -> [Int64] {
      stride(from: k, to: values.count, by: problem.resources.count).map { values[$0] }
    }
    #expect(column(problem.requests) == [1, 1])
    // c does not say how many; five volumes are nothing there.
    #expect(column(problem.allocatable) == [2, 3, 5000])
    #expect(column(problem.reserved) == [1, 0, 0])

    let roomy = manifests.replacing("count: 2", with: "count: 25").replacing("count: 3", with: "count: 25")
    #expect(ClusterProblem(try snapshot(roomy)).problem.resources == ["cpu", "pods"])
  }

  @Test("is found for many replicas and disks of nodes in no time")
  func manyDisks() throws {
    let count = 150
    var manifests = storageClass("s", Self.late).replacing("ebs.csi.aws.com", with: "kubernetes.io/no-provisioner")
    for n in 0..<count {
      manifests += node("n\(n)")
      manifests += volume("v\(n)", zone: "x", spec: Self.disk("1Gi"))
        .replacing("\(zone), operator: In, values: [x]", with: "kubernetes.io/hostname, operator: In, values: [n\(n)]")
    }
    manifests += workload("db", kind: "StatefulSet", replicas: 20_000).replacing(
      "  template:",
      with: "  volumeClaimTemplates: [{metadata: {name: data}, spec: {storageClassName: s, "
        + "accessModes: [ReadWriteOnce]}}]\n  template:")
    let snapshot = try snapshot(manifests)
    var problem = ClusterProblem(ClusterSnapshot()).problem
    let elapsed = ContinuousClock().measure { problem = ClusterProblem(snapshot).problem }
    #expect(problem.limitRows == [Array(repeating: 1, count: count)])
    // Each replica with each disk on each node would be 450 million.
    #expect(elapsed < .seconds(20))
  }

  @Test("keeps a place for a volume that replicas share on each node where they may run")
  func sharedAttachments() throws {
    let manifests =
      RulesCase.nodes + csiNode("a", 2) + statefulSet(3, spec: "storageClassName: s") + storageClass("s", Self.late)
      + workload("web", replicas: 2, spec: user + ", nodeSelector: {\(zone): east}")
      + claim("data", spec: "storageClassName: s")
    let problem = ClusterProblem(try snapshot(manifests)).problem
    let k = try #require(problem.resources.firstIndex(of: "attachable-volumes-csi-ebs.csi.aws.com"))
    #expect((0..<3).map { problem.reserved[$0 * problem.resources.count + k] } == [1, 1, 0])
  }
}
