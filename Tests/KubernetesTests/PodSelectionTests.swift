import Model
import Testing

@testable import Kubernetes

@Suite("Pods are selected")
struct PodSelectionTests {
  @Test(
    "by a label selector",
    arguments: [
      ("{}", true),
      ("{matchLabels: {}, matchExpressions: []}", true),
      ("{matchLabels: {app: cart}}", true),
      ("{matchLabels: {app: web}}", false),
      ("{matchLabels: {app: cart, tier: back}}", true),
      ("{matchLabels: {app: cart, tier: front}}", false),
      ("{matchExpressions: [{key: app, operator: In, values: [web, cart]}]}", true),
      ("{matchExpressions: [{key: app, operator: NotIn, values: [web, cart]}]}", false),
      ("{matchExpressions: [{key: none, operator: NotIn, values: [web]}]}", true),
      ("{matchExpressions: [{key: app, operator: Exists}, {key: none, operator: DoesNotExist}]}", true),
      ("{matchExpressions: [{key: app, operator: DoesNotExist}]}", false),
      ("{matchLabels: {app: cart}, matchExpressions: [{key: none, operator: Exists}]}", false),
    ]
  )
  func labels(selector: String, matches: Bool) throws {
    let selector: LabelSelector = try decode(selector)
    #expect(selector.matches(["app": "cart", "tier": "back"]) == matches)
  }

  @Test(
    "by a term of pod affinity, for a pod {app: cart, version: v1} in the namespace shop",
    arguments: [
      ("labelSelector: {matchLabels: {app: cart}}", "shop", true),
      ("labelSelector: {matchLabels: {app: cart}}", "other", false),
      ("labelSelector: {}", "shop", true),
      ("x: y", "shop", false),
      ("labelSelector: {}, namespaces: [other]", "shop", false),
      ("labelSelector: {}, namespaces: [other]", "other", true),
      ("labelSelector: {}, namespaceSelector: {}", "other", true),
      ("labelSelector: {}, namespaceSelector: {matchLabels: {team: a}}", "shop", false),
      ("labelSelector: {}, namespaceSelector: {matchLabels: {team: a}}, namespaces: [other]", "other", true),
      ("labelSelector: {}, namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}", "other", true),
      ("labelSelector: {}, namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}", "shop", false),
      ("labelSelector: {}, matchLabelKeys: [version]", "shop", true),
      ("labelSelector: {}, matchLabelKeys: [pod-template-hash]", "shop", true),
      ("labelSelector: {}, mismatchLabelKeys: [version]", "shop", false),
      ("labelSelector: {}, mismatchLabelKeys: [app]", "shop", false),
      ("labelSelector: {}, mismatchLabelKeys: [none]", "shop", true),
    ]
  )
  func terms(term: String, namespace: String, selects: Bool) throws {
    let term: PodAffinityTerm = try decode("{topologyKey: zone, \(term)}")
    let labels = ["app": "cart", "version": "v1"]
    let own = PodIdentity(namespace: "shop", labels: labels)
    #expect(term.selects(PodIdentity(namespace: namespace, labels: labels), for: own) == selects)
  }

  @Test("with the same value for the keys that a term wants matched")
  func matchLabelKeys() throws {
    let term: PodAffinityTerm = try decode("{topologyKey: zone, labelSelector: {}, matchLabelKeys: [version]}")
    let v1 = PodIdentity(namespace: "a", labels: ["version": "v1"])
    let v2 = PodIdentity(namespace: "a", labels: ["version": "v2"])
    #expect(term.selects(v1, for: v1))
    #expect(!term.selects(v2, for: v1))
    let spread: TopologySpreadConstraint = try decode(
      "{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {}, matchLabelKeys: [version, none]}"
    )
    #expect(spread.counts(v1, for: v1))
    #expect(!spread.counts(v2, for: v1))
    #expect(!spread.counts(PodIdentity(namespace: "b", labels: v1.labels), for: v1))
  }

  @Test(
    "for the workload that owns them",
    arguments: [
      ("{name: p}", nil),
      ("{name: p, ownerReferences: [{kind: ReplicaSet, name: cart-6c5b}]}", nil),
      (owned("ReplicaSet", "cart-6c5b"), "Deployment shop/cart"),
      (owned("ReplicaSet", "alone"), "ReplicaSet shop/alone"),
      (owned("ReplicaSet", "rolled-77"), "Rollout shop/rolled"),
      (owned("ReplicaSet", "web-98f", labels: "pod-template-hash: 98f"), "Deployment shop/web"),
      (owned("ReplicaSet", "web-98f", labels: "pod-template-hash: '1'"), "ReplicaSet shop/web-98f"),
      (owned("ReplicaSet", "web-98f"), "ReplicaSet shop/web-98f"),
      (owned("StatefulSet", "db"), "StatefulSet shop/db"),
      (owned("DaemonSet", "agent"), "DaemonSet shop/agent"),
      (owned("Job", "batch-1"), "Job shop/batch-1"),
      (owned("Node", "n1"), "Node shop/n1"),
    ] as [(String, String?)]
  )
  func owners(metadata: String, workload: String?) throws {
    let template = "spec: {template: {spec: {}}}"
    let owners = WorkloadOwners([
      try decode(
        "{metadata: {name: cart-6c5b, namespace: shop, ownerReferences: [{kind: Deployment, name: cart, controller: true}]}, \(template)}"
      ),
      try decode(
        "{metadata: {name: rolled-77, namespace: shop, ownerReferences: [{kind: Rollout, name: rolled, controller: true}]}, \(template)}"
      ),
      try decode("{metadata: {name: alone, namespace: shop}, \(template)}"),
    ])
    let pod: Pod = try decode("{metadata: \(metadata), spec: {}}")
    #expect(owners.workload(of: pod)?.description == workload)
  }

  static func owned(_ kind: String, _ name: String, labels: String = "") -> String {
    "{name: p, namespace: shop, labels: {\(labels)}, ownerReferences: [{kind: \(kind), name: \(name), controller: true}]}"
  }

  @Test(
    "by a Job, as many as it keeps running",
    arguments: [
      ("{}", "{}", 1),
      ("{parallelism: 3}", "{}", 3),
      ("{parallelism: 3, completions: 10}", "{succeeded: 8}", 2),
      ("{completions: 10}", "{succeeded: 8}", 1),
      ("{parallelism: 0}", "{}", 0),
      ("{suspend: true}", "{}", 0),
      ("{parallelism: 2}", "{conditions: [{type: Complete, status: 'True'}]}", 0),
      ("{parallelism: 2}", "{conditions: [{type: Failed, status: 'True'}]}", 0),
      ("{parallelism: 2}", "{conditions: [{type: Suspended, status: 'False'}]}", 2),
    ]
  )
  func jobs(spec: String, status: String, running: Int) throws {
    let fields = spec == "{}" ? "" : ", " + spec.dropFirst().dropLast()
    let job: Job = try decode("{metadata: {name: j}, spec: {template: {spec: {}}\(fields)}, status: \(status)}")
    #expect(job.runningPods == running)
  }
}
