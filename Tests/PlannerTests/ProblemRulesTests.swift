import Formats
import Kubernetes
import Model
import Placement
import Testing

@testable import Planner

private func affinity(_ kind: String, _ terms: String...) -> String {
  "affinity: {\(kind): {requiredDuringSchedulingIgnoredDuringExecution: [\(terms.joined(separator: ", "))]}}"
}

private func term(_ key: String, app: String, _ more: String = "") -> String {
  "{topologyKey: \(key), labelSelector: {matchLabels: {app: \(app)}}\(more.isEmpty ? "" : ", \(more)")}"
}

private let deleted = "deletionTimestamp: '2026-01-01T00:00:00Z'"
private let leaving = "being deleted; until they are gone they take their room, and keep others away"

private let host = "kubernetes.io/hostname"

@Suite("Where replicas may run")
struct ProblemRulesTests {
  @Test(
    "is what their specs and the pods that stay say", arguments: simple + antiAffinity + affinityCases + spreads + ports
  )
  func rules(_ c: RulesCase) throws { try c.check() }

  static let simple: [RulesCase] = [
    RulesCase(testDescription: "no demands: anywhere", manifests: workload("w", replicas: 2)),
    RulesCase(
      testDescription: "nodeSelector",
      manifests: workload("w", spec: "nodeSelector: {\(zone): west}"),
      limits: [0, 0, -1]
    ),
    RulesCase(
      testDescription: "required node affinity by name",
      manifests: workload(
        "w",
        spec: "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
          + "[{matchFields: [{key: metadata.name, operator: In, values: [b]}]}]}}}"
      ),
      limits: [0, -1, 0]
    ),
    RulesCase(
      testDescription: "taints, and tolerations",
      manifests: node("d", spec: "{taints: [{key: gpu, effect: NoSchedule}]}")
        + node("e", spec: "{unschedulable: true}")
        + node("f", spec: "{taints: [{key: slow, effect: PreferNoSchedule}]}")
        + workload("w", spec: "tolerations: [{key: other, operator: Exists}]"),
      limits: [-1, -1, -1, 0, 0, -1]
    ),
    RulesCase(
      testDescription: "a toleration",
      manifests: node("d", spec: "{taints: [{key: gpu, effect: NoSchedule}]}")
        + workload("w", spec: "tolerations: [{key: gpu, operator: Exists}]"),
      limits: [-1, -1, -1, -1]
    ),
    RulesCase(
      testDescription: "wishes are named once",
      manifests: ["w", "v"].map { name in
        workload(
          name,
          spec: """
            affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}]},
             podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}]},
             podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}]}},
             topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
            """
        )
      }.joined(),
      warnings: [
        "shop/w, shop/v: spec.template.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution: "
          + "a wish, which the plan does not weigh",
        "shop/w, shop/v: spec.template.spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution: "
          + "a wish, which the plan does not weigh",
        "shop/w, shop/v: spec.template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution: "
          + "a wish, which the plan does not weigh",
        "shop/w, shop/v: spec.template.spec.topologySpreadConstraints[0]: ScheduleAnyway, a wish, which the plan does "
          + "not weigh",
      ]
    ),
    RulesCase(
      testDescription: "what is not supported is named",
      manifests: workload(
        "w",
        spec: "runtimeClassName: kata, resourceClaims: [{name: gpu}], tolerations: [{key: a, operator: Gt, value: '3'}]"
      ),
      warnings: [
        "shop/w: spec.template.spec.tolerations[0].operator: Gt is not supported; it tolerates nothing",
        "shop/w: spec.template.spec.runtimeClassName: the overhead and nodes of kata are not known",
        "shop/w: spec.template.spec.resourceClaims: claims of devices (dynamic resource allocation) are not supported; "
          + "a node without a free device counts as one with",
      ]
    ),
  ]

  static let antiAffinity: [RulesCase] = [
    RulesCase(
      testDescription: "anti-affinity to itself by host: one on each node",
      manifests: workload("w", replicas: 2, spec: affinity("podAntiAffinity", term(host, app: "w"))),
      limits: [1, 1, 1]
    ),
    RulesCase(
      testDescription: "to itself by zone: one in each zone",
      manifests: workload("w", replicas: 2, spec: affinity("podAntiAffinity", term(zone, app: "w"))),
      rules: [.atMost(workload: 0, partition: 0, count: 1)]
    ),
    RulesCase(
      testDescription: "to another, by zone, said by both: one rule",
      manifests: workload("w", spec: affinity("podAntiAffinity", term(zone, app: "v")))
        + workload("v", spec: affinity("podAntiAffinity", term(zone, app: "w"))),
      rules: [.apart(workload: 0, other: 1, partition: 0)]
    ),
    RulesCase(
      testDescription: "said by the other alone",
      manifests: workload("w") + workload("v", spec: affinity("podAntiAffinity", term(host, app: "w"))),
      rules: [.apart(workload: 0, other: 1, partition: 0)]
    ),
    RulesCase(
      testDescription: "not across namespaces",
      manifests: workload("w", spec: affinity("podAntiAffinity", term(zone, app: "v"))) + workload("v", namespace: "b")
    ),
    RulesCase(
      testDescription: "across namespaces where it says so",
      manifests: workload("w", spec: affinity("podAntiAffinity", term(zone, app: "v", "namespaces: [b]")))
        + workload("v", namespace: "b") + workload("v"),
      rules: [.apart(workload: 0, other: 1, partition: 0)]
    ),
    RulesCase(
      testDescription: "to all namespaces",
      manifests: workload("w", spec: affinity("podAntiAffinity", term(zone, app: "v", "namespaceSelector: {}")))
        + workload("v", namespace: "b"),
      rules: [.apart(workload: 0, other: 1, partition: 0)]
    ),
    RulesCase(
      testDescription: "a namespace selector is named",
      manifests: workload(
        "w",
        spec: affinity("podAntiAffinity", term(zone, app: "v", "namespaceSelector: {matchLabels: {team: x}}"))
      ) + workload("v"),
      warnings: [
        "shop/w: spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]"
          + ".namespaceSelector: of the labels of namespaces only their names are known; add what "
          + "'kubectl get ns -A -o json' prints"
      ]
    ),
    RulesCase(
      testDescription: "to a namespace by its name, and by labels of namespaces that are given",
      manifests: workload(
        "w",
        spec: affinity(
          "podAntiAffinity", term(zone, app: "v", "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: b}}"))
      ) + workload("v", namespace: "b") + workload("v")
        + workload(
          "u", spec: affinity("podAntiAffinity", term(zone, app: "v", "namespaceSelector: {matchLabels: {team: x}}")))
        + "---\nkind: Namespace\napiVersion: v1\nmetadata: {name: shop, labels: {team: x}}\n",
      rules: [.apart(workload: 0, other: 1, partition: 0), .apart(workload: 2, other: 3, partition: 0)]
    ),
    RulesCase(
      testDescription: "to a namespace by its name alone: no Namespace object is missed",
      manifests: workload(
        "w",
        spec: affinity(
          "podAntiAffinity",
          term(
            zone, app: "v",
            "namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [b]}]}"))
      ) + workload("v", namespace: "b"),
      rules: [.apart(workload: 0, other: 1, partition: 0)]
    ),
    RulesCase(
      testDescription: "to a pod that is being deleted, and of it",
      manifests: workload("w", spec: affinity("podAntiAffinity", term(host, app: "v")))
        + pod("v-1", on: "a", labels: "app: v", metadata: deleted)
        + pod("u-1", on: "b", spec: affinity("podAntiAffinity", term(host, app: "w")), metadata: deleted),
      limits: [0, 0, -1],
      warnings: ["\(leaving): shop/v-1, shop/u-1"]
    ),
    RulesCase(
      testDescription: "to its own replica that is being deleted",
      manifests: workload("w", spec: affinity("podAntiAffinity", term(host, app: "w")))
        + pod(
          "w-1", on: "a", owner: "ReplicaSet/w-1", labels: "app: w, pod-template-hash: '1'", metadata: deleted),
      limits: [0, 1, 1],
      warnings: ["\(leaving): shop/w-1"]
    ),
    RulesCase(
      testDescription: "to a pod on a node that is not ready, by zone",
      manifests: node("d", zone: "west", isReady: false)
        + workload("w", spec: affinity("podAntiAffinity", term(zone, app: "v")))
        + pod("v-1", on: "d", labels: "app: v"),
      limits: [-1, -1, 0, 0],
      warnings: ["d: not ready: the node takes no replicas"]
    ),
    RulesCase(
      testDescription: "to its own revision alone: other pods of that name do not count",
      manifests: workload(
        "w", replicas: 2, spec: affinity("podAntiAffinity", term(host, app: "w", "matchLabelKeys: [pod-template-hash]"))
      ) + workload("w2").replacing("app: w2", with: "app: w")
        + pod("w-9", on: "b", labels: "app: w, pod-template-hash: old"),
      limits: [1, 1, 1]
    ),
    RulesCase(
      testDescription: "as the API server has merged the revision into the selector, of a workload known by its pods",
      manifests: ["a", "b"].map { node in
        pod(
          "w-abc-\(node)", on: node, owner: "ReplicaSet/w-abc", labels: "app: w, pod-template-hash: abc",
          spec: affinity(
            "podAntiAffinity",
            "{topologyKey: \(host), labelSelector: {matchLabels: {app: w}, matchExpressions: [{key: pod-template-hash, "
              + "operator: In, values: [abc]}]}, matchLabelKeys: [pod-template-hash]}"))
      }.joined(),
      limits: [1, 1, 1],
      warnings: ["Deployment shop/w: not in the input; planned as its pods are"]
    ),
    RulesCase(
      testDescription: "to a pod that stays, by zone",
      manifests: workload("w", spec: affinity("podAntiAffinity", term(zone, app: "v")))
        + pod("v-1", on: "a", labels: "app: v"),
      limits: [0, 0, -1]
    ),
    RulesCase(
      testDescription: "of a pod that stays, by host",
      manifests: workload("w") + pod("v-1", on: "b", spec: affinity("podAntiAffinity", term(host, app: "w"))),
      limits: [-1, 0, -1]
    ),
    RulesCase(
      testDescription: "not of a pod that has ended",
      manifests: workload("w")
        + pod("v-1", on: "b", spec: affinity("podAntiAffinity", term(host, app: "w")), phase: "Succeeded")
    ),
    RulesCase(
      testDescription: "of a DaemonSet without pods yet",
      manifests: workload("w")
        + workload(
          "agent",
          kind: "DaemonSet",
          spec: affinity("podAntiAffinity", term(host, app: "w")) + ", nodeSelector: {\(zone): east}"
        ),
      limits: [0, 0, -1]
    ),
    RulesCase(
      testDescription: "by a label that no node has: no constraint, and named",
      manifests: workload("w", replicas: 2, spec: affinity("podAntiAffinity", term("rack", app: "w"))),
      warnings: [
        "shop/w: spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]"
          + ".topologyKey: no node has the label rack"
      ]
    ),
    RulesCase(
      testDescription: "nodes without the label are free",
      manifests: node("d") + workload("w", spec: affinity("podAntiAffinity", term(zone, app: "v")))
        + pod("v-1", on: "c", labels: "app: v") + pod("v-2", on: "d", labels: "app: v"),
      limits: [-1, -1, 0, -1]
    ),
    RulesCase(
      testDescription: "the revision among the keys to match changes nothing",
      manifests: workload(
        "w",
        replicas: 2,
        spec: affinity("podAntiAffinity", term(host, app: "w", "matchLabelKeys: [pod-template-hash]"))
      ),
      limits: [1, 1, 1]
    ),
  ]

  static let affinityCases: [RulesCase] = [
    RulesCase(
      testDescription: "affinity to another workload",
      manifests: workload("w", spec: affinity("podAffinity", term(zone, app: "v"))) + workload("v"),
      rules: [.together(workload: 0, others: [1], partition: 0, present: [false, false])]
    ),
    RulesCase(
      testDescription: "to a workload and a pod that stays",
      manifests: workload("w", spec: affinity("podAffinity", term(zone, app: "v"))) + workload("v")
        + pod("v-9", on: "c", labels: "app: v"),
      rules: [.together(workload: 0, others: [1], partition: 0, present: [false, true])]
    ),
    RulesCase(
      testDescription: "to a pod that stays alone",
      manifests: workload("w", spec: affinity("podAffinity", term(zone, app: "v")))
        + pod("v-9", on: "a", labels: "app: v"),
      limits: [-1, -1, 0]
    ),
    RulesCase(
      testDescription: "to nobody",
      manifests: workload("w", spec: affinity("podAffinity", term(zone, app: "v"))),
      limits: [0, 0, 0]
    ),
    RulesCase(
      testDescription: "two terms mean pods that match both, in both domains",
      manifests: workload(
        "w",
        spec: affinity(
          "podAffinity", term(zone, app: "v"), "{topologyKey: \(host), labelSelector: {matchLabels: {x: y}}}")
      ) + workload("v", labels: "x: y") + workload("u", labels: "x: y"),
      rules: [
        .together(workload: 0, others: [1], partition: 0, present: [false, false]),
        .together(workload: 0, others: [1], partition: 1, present: [false, false, false]),
      ]
    ),
    RulesCase(
      testDescription: "nodes without the label are not allowed",
      manifests: node("d") + workload("w", spec: affinity("podAffinity", term(zone, app: "v"))) + workload("v"),
      limits: [-1, -1, -1, 0],
      rules: [.together(workload: 0, others: [1], partition: 0, present: [false, false])]
    ),
    RulesCase(
      testDescription: "to itself by zone: one zone for all, whichever it is",
      manifests: workload("w", replicas: 12, spec: affinity("podAffinity", term(zone, app: "w"))),
      rules: [
        .together(workload: 0, others: [], staying: [0], partition: 0, present: [false, false], first: true)
      ]
    ),
    RulesCase(
      testDescription: "to itself, a single replica: anywhere",
      manifests: workload("w", spec: affinity("podAffinity", term(zone, app: "w")))
    ),
    RulesCase(
      testDescription: "to itself where a pod of its kind stays: next to that",
      manifests: workload("w", replicas: 2, spec: affinity("podAffinity", term(zone, app: "w")))
        + pod("w-9", on: "c", labels: "app: w"),
      rules: [.together(workload: 0, others: [], staying: [0], partition: 0, present: [false, true])]
    ),
    RulesCase(
      testDescription: "to each other alone: none is the first",
      manifests: workload("w", spec: affinity("podAffinity", term(zone, app: "v")))
        + workload("v", spec: affinity("podAffinity", term(zone, app: "w"))),
      rules: [
        .together(workload: 0, others: [], staying: [1], partition: 0, present: [false, false]),
        .together(workload: 1, others: [0], partition: 0, present: [false, false]),
      ]
    ),
    RulesCase(
      testDescription: "to one of two that wait for each other: after both",
      manifests: workload("w", spec: affinity("podAffinity", term(zone, app: "v")))
        + workload("v", labels: "set: s", spec: affinity("podAffinity", term(zone, app: "u")))
        + workload(
          "u", labels: "set: s",
          spec: affinity("podAffinity", "{topologyKey: \(zone), labelSelector: {matchLabels: {set: s}}}")),
      rules: [
        .together(workload: 0, others: [1], partition: 0, present: [false, false]),
        .together(workload: 1, others: [2], partition: 0, present: [false, false]),
        .together(workload: 2, others: [], staying: [1, 2], partition: 0, present: [false, false], first: true),
      ]
    ),
    RulesCase(
      testDescription: "to itself and another: with the other",
      manifests: workload(
        "w",
        replicas: 2,
        spec: affinity(
          "podAffinity", "{topologyKey: \(zone), labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}")
      ) + workload("v"),
      rules: [.together(workload: 0, others: [1], staying: [0], partition: 0, present: [false, false], first: true)]
    ),
    RulesCase(
      testDescription: "to each other and themselves: one zone for both",
      manifests: ["w", "v"].map { name in
        workload(
          name, labels: "set: s",
          spec: affinity("podAffinity", "{topologyKey: \(zone), labelSelector: {matchLabels: {set: s}}}"))
      }.joined(),
      rules: [
        .together(workload: 0, others: [], staying: [0, 1], partition: 0, present: [false, false], first: true),
        .together(workload: 1, others: [0], staying: [1], partition: 0, present: [false, false], first: true),
      ]
    ),
  ]

  private static func spread(_ more: String = "", key: String = zone, app: String = "w") -> String {
    "{maxSkew: 1, topologyKey: \(key), whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: \(app)}}\(more)}"
  }

  static let spreads: [RulesCase] = [
    RulesCase(
      testDescription: "spread over zones",
      manifests: workload("w", replicas: 4, spec: "topologySpreadConstraints: [\(spread())]"),
      rules: [
        .spread(
          workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0], eligible: [true, true])
      ]
    ),
    RulesCase(
      testDescription: "with pods that stay and others that are selected, in the namespace",
      manifests: workload(
        "w",
        labels: "tier: x",
        spec: "topologySpreadConstraints: [{maxSkew: 2, minDomains: 3, topologyKey: \(zone), whenUnsatisfiable: "
          + "DoNotSchedule, labelSelector: {matchLabels: {tier: x}}}]"
      ) + workload("v", labels: "tier: x") + workload("u") + workload("t", namespace: "b", labels: "tier: x")
        + pod("one", on: "a", labels: "tier: x") + pod("two", on: "b", labels: "tier: x")
        + pod("three", namespace: "b", on: "c", labels: "tier: x"),
      rules: [
        .spread(
          workload: 0, members: [0, 1], partition: 0, maxSkew: 2, minDomains: 3, base: [2, 0], eligible: [true, true])
      ]
    ),
    RulesCase(
      testDescription: "without itself among the selected",
      manifests: workload("w", spec: "topologySpreadConstraints: [\(spread(app: "v"))]") + workload("v"),
      rules: [
        .spread(
          workload: 0, members: [1], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0], eligible: [true, true])
      ]
    ),
    RulesCase(
      testDescription: "by two keys: nodes that lack one are out",
      manifests: node("d") + workload("w", spec: "topologySpreadConstraints: [\(spread(key: host)), \(spread())]"),
      limits: [-1, -1, -1, 0],
      rules: [
        .spread(
          workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0, 0],
          eligible: [true, true, true]),
        .spread(
          workload: 0, members: [0], partition: 1, maxSkew: 1, minDomains: 1, base: [0, 0], eligible: [true, true]),
      ]
    ),
    RulesCase(
      testDescription: "over the nodes that node affinity allows (Honor, by default)",
      manifests: workload("w", spec: "nodeSelector: {\(host): c}, topologySpreadConstraints: [\(spread())]")
        + pod("w-9", on: "a", labels: "app: w"),
      limits: [0, 0, -1],
      rules: [
        .spread(workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0], eligible: [true])
      ]
    ),
    RulesCase(
      testDescription: "over all nodes (Ignore)",
      manifests: workload(
        "w",
        spec: "nodeSelector: {\(host): c}, topologySpreadConstraints: [\(spread(", nodeAffinityPolicy: Ignore"))]"
      ) + pod("w-9", on: "a", labels: "app: w"),
      limits: [0, 0, -1],
      rules: [
        .spread(
          workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [1, 0], eligible: [true, true])
      ]
    ),
    RulesCase(
      testDescription: "pods of its own revision alone, and none that are being deleted",
      manifests: workload("w", spec: "topologySpreadConstraints: [\(spread(", matchLabelKeys: [pod-template-hash]"))]")
        + workload("v").replacing("app: v", with: "app: w")
        + pod("w-1", on: "a", labels: "app: w, pod-template-hash: old")
        + workload("u", spec: "topologySpreadConstraints: [\(spread(app: "u"))]")
        + pod("u-1", on: "a", labels: "app: u") + pod("u-2", on: "c", labels: "app: u", metadata: deleted),
      rules: [
        .spread(
          workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0], eligible: [true, true]),
        .spread(
          workload: 2, members: [2], partition: 0, maxSkew: 1, minDomains: 1, base: [1, 0], eligible: [true, true]),
      ],
      warnings: ["\(leaving): shop/u-2"]
    ),
    RulesCase(
      testDescription: "nodes that are not ready count, and pods on them, also its own",
      manifests: node("d", zone: "north", isReady: false)
        + workload("w", replicas: 3, spec: "topologySpreadConstraints: [\(spread())]")
        + pod("w-1", on: "d", owner: "ReplicaSet/w-1", labels: "app: w, pod-template-hash: '1'"),
      limits: [-1, -1, -1, 0],
      rules: [
        .spread(
          workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0, 1],
          eligible: [true, true, true])
      ],
      warnings: ["d: not ready: the node takes no replicas"]
    ),
    RulesCase(
      testDescription: "nodes that are not ready do not count (Honor), tainted or not",
      manifests: node("d", zone: "north", isReady: false)
        + workload("w", spec: "topologySpreadConstraints: [\(spread(", nodeTaintsPolicy: Honor"))]"),
      limits: [-1, -1, -1, 0],
      rules: [
        .spread(
          workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0], eligible: [true, true])
      ],
      warnings: ["d: not ready: the node takes no replicas"]
    ),
    RulesCase(
      testDescription: "tainted nodes count (Ignore, by default)",
      manifests: node("d", zone: "north", spec: "{taints: [{key: x, effect: NoSchedule}]}")
        + workload("w", spec: "topologySpreadConstraints: [\(spread())]"),
      limits: [-1, -1, -1, 0],
      rules: [
        .spread(
          workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0, 0],
          eligible: [true, true, true])
      ]
    ),
    RulesCase(
      testDescription: "tainted nodes do not count (Honor)",
      manifests: node("d", zone: "north", spec: "{taints: [{key: x, effect: NoSchedule}]}")
        + workload("w", spec: "topologySpreadConstraints: [\(spread(", nodeTaintsPolicy: Honor"))]"),
      limits: [-1, -1, -1, 0],
      rules: [
        .spread(
          workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0], eligible: [true, true])
      ]
    ),
    RulesCase(
      testDescription: "by a label that no node has: nowhere, and named",
      manifests: workload("w", spec: "topologySpreadConstraints: [\(spread(key: "rack"))]"),
      limits: [0, 0, 0],
      rules: [
        .spread(workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [], eligible: [])
      ],
      warnings: [
        "shop/w: spec.template.spec.topologySpreadConstraints[0].topologyKey: no node has the label rack"
      ]
    ),
  ]

  private static func port(_ port: String) -> String { "initContainers: [{restartPolicy: Always, ports: [{\(port)}]}]" }

  static let ports: [RulesCase] = [
    RulesCase(
      testDescription: "a host port: one on each node",
      manifests: workload("w", replicas: 2, spec: port("hostPort: 80")), limits: [1, 1, 1]),
    RulesCase(
      testDescription: "the same host port: apart",
      manifests: workload("w", spec: port("hostPort: 80")) + workload("v", spec: port("hostPort: 80"))
        + workload("u", spec: port("hostPort: 81")),
      limits: [1, 1, 1],
      rules: [.apart(workload: 0, other: 1, partition: 0)]
    ),
    RulesCase(
      testDescription: "the host port of a pod that stays",
      manifests: workload("w", spec: port("hostPort: 80")) + pod("ingress", on: "b", spec: port("hostPort: 80")),
      limits: [1, 0, 1]
    ),
  ]

  @Test("has a partition for each topology, shared by rules that agree on it")
  func partitions() throws {
    let cluster = ClusterProblem(
      try snapshot(
        RulesCase.nodes + workload("w", spec: affinity("podAntiAffinity", term(zone, app: "v")))
          + workload(
            "v", spec: "topologySpreadConstraints: [\(Self.spread(app: "v")), \(Self.spread(key: host, app: "v"))]")
          + workload("u", spec: affinity("podAffinity", term(host, app: "v")))
      )
    )
    #expect(
      cluster.problem.partitions == [
        .init(name: zone, domain: [0, 0, 1]), .init(name: host, domain: [0, 1, 2]),
      ]
    )
  }

  @Test("is found in no time for many workloads that want to be next to each other")
  func manyTogether() throws {
    let count = 300
    let names = (0..<count).map { "w\($0)" }
    let spec = affinity("podAffinity", "{topologyKey: \(zone), labelSelector: {matchLabels: {part: x}}}")
    let snapshot = try snapshot(RulesCase.nodes + names.map { workload($0, labels: "part: x", spec: spec) }.joined())
    var problem = ClusterProblem(ClusterSnapshot()).problem
    let elapsed = ContinuousClock().measure { problem = ClusterProblem(snapshot).problem }
    #expect(problem.rules.count == count)
    #expect(
      problem.rules[2]
        == .together(
          workload: 2, others: [0, 1], staying: Array(2..<count), partition: 0, present: [false, false], first: true))
    #expect(elapsed < .seconds(3))
  }

  @Test("is in rows that workloads with equal limits share")
  func sharedRows() throws {
    let east = "nodeSelector: {\(zone): east}"
    let cluster = ClusterProblem(
      try snapshot(
        RulesCase.nodes + workload("w", spec: east) + workload("v") + workload("u", spec: east) + workload("t"))
    )
    #expect(cluster.problem.workloads.map(\.limitRow) == [0, 1, 0, 1])
    #expect(cluster.problem.limitRows == [[.max, .max, 0], [.max, .max, .max]])
  }
}
