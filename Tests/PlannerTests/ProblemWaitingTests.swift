import Formats
import Kubernetes
import Model
import Placement
import Testing

@testable import Planner

private let host = "kubernetes.io/hostname"
private let deleted = "deletionTimestamp: '2026-01-01T00:00:00Z'"
private let ready = node("a", zone: "east") + node("b", zone: "west")
private let silent = node("c", zone: "north", isReady: false)
private let lone = node("c", zone: "north")

private func apart(_ key: String) -> String {
  "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: \(key), labelSelector: "
    + "{matchLabels: {app: w}}}]}}"
}

private func own(
  _ name: String, on node: String, kind: String = "ReplicaSet/w-1", spec: String = "", isDeleted: Bool = false
) -> String {
  pod(
    name, on: node, owner: kind, labels: "app: w, pod-template-hash: '1'", spec: spec,
    metadata: isDeleted ? deleted : "")
}

private let onePod = """
  ---
  apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: {name: data-w-1, namespace: shop}
  spec: {accessModes: [ReadWriteOncePod], volumeName: v1}
  ---
  apiVersion: v1
  kind: PersistentVolume
  metadata: {name: v1}
  spec: {}

  """

private let user = "volumes: [{name: d, persistentVolumeClaim: {claimName: data-w-1}}]"

private func statefulSet(_ replicas: Int) -> String {
  workload("w", kind: "StatefulSet", replicas: replicas).replacing(
    "  template:",
    with: "  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOncePod]}}]\n  template:")
}

@Suite("Replicas that wait for a pod of their own workload")
struct ProblemWaitingTests {
  /// A case of the table: manifests, how many replicas of the workload w are planned, and what is said of the others.
  struct Case: CustomTestStringConvertible {
    var testDescription: String
    var manifests: String
    var replicas: Int
    var warning: String?
  }

  @Test("are left out, and the rest of the cluster is planned", arguments: cases)
  func replicas(_ c: Case) throws {
    let cluster = ClusterProblem(try snapshot(c.manifests + workload("other")))
    let replicas = Dictionary(uniqueKeysWithValues: cluster.problem.workloads.map { ($0.name, $0.replicas) })
    #expect(replicas == ["shop/w": c.replicas, "shop/other": 1])
    let warnings = cluster.warnings.filter { $0.contains("left out") }
    #expect(warnings == (c.warning.map { ["shop/w: \($0)"] } ?? []))
    #expect(cluster.conflicts() == [])
    let clock = ContinuousClock()
    let start = clock.now
    let solution = try cluster.problem.solve(
      SolverOptions(timeLimit: .seconds(5), threads: 1), SolverContext(elapsed: { clock.now - start }))
    #expect(cluster.problem.violations(solution.assignment).isEmpty)
  }

  private static func wait(_ count: Int, of all: Int, _ pods: String) -> String {
    "\(count) of \(all) replicas left out: \(count == 1 ? "it waits" : "they wait") until pods of the workload are gone "
      + "that are being deleted or on nodes that are not ready (\(pods))"
  }

  static let cases: [Case] = [
    Case(
      testDescription: "a rolling restart: one on each node, and one of them goes",
      manifests: ready + lone + workload("w", replicas: 3, spec: apart(host)) + own("w-1-a", on: "a")
        + own("w-1-b", on: "b") + own("w-1-c", on: "c", isDeleted: true),
      replicas: 2, warning: wait(1, of: 3, "shop/w-1-c")
    ),
    Case(
      testDescription: "there is a node beside: it does not wait",
      manifests: ready + lone + node("d") + workload("w", replicas: 3, spec: apart(host)) + own("w-1-a", on: "a")
        + own("w-1-b", on: "b") + own("w-1-c", on: "c", isDeleted: true),
      replicas: 3
    ),
    Case(
      testDescription: "one in each zone, and a node is not ready",
      manifests: ready + silent + workload("w", replicas: 3, spec: apart(zone)) + own("w-1-a", on: "a")
        + own("w-1-b", on: "b") + own("w-1-c", on: "c"),
      replicas: 2, warning: wait(1, of: 3, "shop/w-1-c")
    ),
    Case(
      testDescription: "spread over zones of which one is not ready",
      manifests: ready + silent
        + workload(
          "w", replicas: 9, requests: "cpu: 100m",
          spec: "topologySpreadConstraints: [{maxSkew: 1, topologyKey: \(zone), whenUnsatisfiable: DoNotSchedule, "
            + "labelSelector: {matchLabels: {app: w}}}]")
        + ["a", "b", "c"].map { node in (0..<3).map { own("w-1-\(node)\($0)", on: node) }.joined() }.joined(),
      replicas: 8, warning: wait(1, of: 9, "shop/w-1-c0, shop/w-1-c1, shop/w-1-c2")
    ),
    Case(
      testDescription: "on the only node that it may run on, which is not ready",
      manifests: ready + silent + workload("w", spec: "nodeSelector: {\(host): c}") + own("w-1-c", on: "c"),
      replicas: 0, warning: wait(1, of: 1, "shop/w-1-c")
    ),
    Case(
      testDescription: "its host port is taken by the one before",
      manifests: node("a") + workload("w", spec: "initContainers: [{restartPolicy: Always, ports: [{hostPort: 80}]}]")
        + own(
          "w-1-a", on: "a", spec: "initContainers: [{restartPolicy: Always, ports: [{hostPort: 80}]}]", isDeleted: true),
      replicas: 0, warning: wait(1, of: 1, "shop/w-1-a")
    ),
    Case(
      testDescription: "its claim (ReadWriteOncePod) is with the one before",
      manifests: ready + statefulSet(1).replacing("replicas: 1", with: "replicas: 1\n  ordinals: {start: 1}")
        + onePod + own("w-1", on: "a", kind: "StatefulSet/w", spec: user, isDeleted: true),
      replicas: 0, warning: wait(1, of: 1, "shop/w-1")
    ),
    Case(
      testDescription: "so is that of one of three replicas: the others have their own",
      manifests: ready + statefulSet(3) + onePod
        + own("w-1", on: "a", kind: "StatefulSet/w", spec: user, isDeleted: true),
      replicas: 2, warning: wait(1, of: 3, "shop/w-1")
    ),
  ]
}
