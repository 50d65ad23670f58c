import Testing

/// The rules themselves, on examples from Kubernetes' documentation: whoever compares must be right first.
@Suite("The rules of the comparison")
struct RulesTests {
  private static let zone = ClusterGenerator.zone
  private static let host = ClusterGenerator.host

  /// Nodes `a`, `b`, … in the given zones.
  private static func nodes(_ zones: String?...) -> [Cluster.Node] {
    zip(["a", "b", "c", "d", "e"], zones).map { name, zone in
      var labels = [host: name]
      labels[Self.zone] = zone
      return Cluster.Node(name: name, labels: labels, room: ["cpu": 4000, "memory": 8192, "pods": 110])
    }
  }

  private static func workload(
    _ name: String, _ replicas: Int = 1, namespace: String = "shop", labels: [String: String] = [:],
    _ change: (inout Cluster.PodSpec) -> Void = { _ in }
  ) -> Cluster.Workload {
    var workload = Cluster.Workload(
      kind: "Deployment", namespace: namespace, name: name, replicas: replicas,
      labels: labels.merging(["app": name]) { own, _ in own })
    change(&workload.spec)
    return workload
  }

  private static func pod(_ name: String, app: String, on node: String) -> Cluster.OtherPod {
    Cluster.OtherPod(namespace: "shop", name: name, labels: ["app": app], node: node)
  }

  private static func next(to app: String, by key: String) -> Cluster.Term {
    Cluster.Term(key: key, selector: Cluster.Selector(labels: ["app": app]))
  }

  private static func spread(of app: String, by key: String, maxSkew: Int = 1) -> Cluster.Spread {
    Cluster.Spread(maxSkew: maxSkew, key: key, selector: Cluster.Selector(labels: ["app": app]))
  }

  /// The nodes that a pod of the first workload may be started on.
  private static func open(_ cluster: Cluster) -> String {
    let rules = Rules(cluster)
    return cluster.nodes.indices.filter { rules.allows(0, on: $0, beside: rules.staying) }
      .map { cluster.nodes[$0].name }.joined()
  }

  @Test("Spread over zones: with 2 pods in one and 1 in the other, the next goes to the other")
  func spread() {
    var cluster = Cluster(nodes: Self.nodes("A", "A", "B", "B"))
    cluster.workloads = [Self.workload("foo") { $0.spreads = [Self.spread(of: "foo", by: Self.zone)] }]
    cluster.others = [("1", "a"), ("2", "b"), ("3", "c")].map { Self.pod($0.0, app: "foo", on: $0.1) }
    #expect(Self.open(cluster) == "cd")
    cluster.workloads[0].spec.spreads.append(Self.spread(of: "foo", by: Self.host))
    #expect(Self.open(cluster) == "d")
    cluster.workloads[0].spec.spreads[0].maxSkew = 2
    cluster.workloads[0].spec.spreads[1].maxSkew = 2
    #expect(Self.open(cluster) == "abcd")
  }

  @Test("Spread over hosts and zones can contradict each other")
  func spreadContradiction() {
    var cluster = Cluster(nodes: Self.nodes("A", "A", "B"))
    cluster.workloads = [
      Self.workload("foo") { spec in
        spec.spreads = [Self.zone, Self.host].map { Self.spread(of: "foo", by: $0) }
      }
    ]
    cluster.others = [("1", "a"), ("2", "b"), ("3", "c"), ("4", "c"), ("5", "a")].map {
      Self.pod($0.0, app: "foo", on: $0.1)
    }
    #expect(Self.open(cluster).isEmpty)
  }

  @Test("Zones that node affinity leaves out do not count, unless that is asked for")
  func spreadWithNodeAffinity() {
    var cluster = Cluster(nodes: Self.nodes("A", "B", "C"))
    cluster.workloads = [
      Self.workload("foo") {
        $0.spreads = [Self.spread(of: "foo", by: Self.zone)]
        $0.nodeTerms = [
          Cluster.NodeTerm(expressions: [Cluster.Requirement(key: Self.zone, operator: .notIn, values: ["C"])])
        ]
      }
    ]
    cluster.others = [("1", "a"), ("2", "b")].map { Self.pod($0.0, app: "foo", on: $0.1) }
    #expect(Self.open(cluster) == "ab")
    cluster.workloads[0].spec.spreads[0].nodeAffinityPolicy = "Ignore"
    #expect(Self.open(cluster).isEmpty)
  }

  @Test("Tainted zones count, unless taints are to be honoured")
  func spreadWithTaints() {
    var cluster = Cluster(nodes: Self.nodes("A", "B"))
    cluster.nodes[1].taints = [Cluster.Taint(key: "t", effect: "NoSchedule")]
    cluster.workloads = [Self.workload("foo") { $0.spreads = [Self.spread(of: "foo", by: Self.zone)] }]
    cluster.others = [Self.pod("1", app: "foo", on: "a")]
    #expect(Self.open(cluster).isEmpty)
    cluster.workloads[0].spec.spreads[0].nodeTaintsPolicy = "Honor"
    #expect(Self.open(cluster) == "a")
    cluster.workloads[0].spec.spreads[0].minDomains = 2
    #expect(Self.open(cluster).isEmpty)
  }

  @Test("Pods on their way out do not count for the spread")
  func spreadAndTerminatingPods() {
    var cluster = Cluster(nodes: Self.nodes("A", "B"))
    cluster.workloads = [Self.workload("foo") { $0.spreads = [Self.spread(of: "foo", by: Self.zone)] }]
    cluster.others = [Self.pod("1", app: "foo", on: "a")]
    #expect(Self.open(cluster) == "b")
    cluster.others[0].isTerminating = true
    #expect(Self.open(cluster) == "ab")
  }

  @Test("The first pod that wants to be with its like goes anywhere, the next one to it")
  func selfAffinity() {
    var cluster = Cluster(nodes: Self.nodes("A", "A", "B", nil))
    cluster.workloads = [Self.workload("foo") { $0.affinity = [Self.next(to: "foo", by: Self.zone)] }]
    #expect(Self.open(cluster) == "abc")
    cluster.others = [Self.pod("1", app: "foo", on: "a")]
    #expect(Self.open(cluster) == "ab")
  }

  @Test("Two workloads that each want to be with the other never start")
  func mutualAffinity() {
    var cluster = Cluster(nodes: Self.nodes("A"))
    cluster.workloads = [
      Self.workload("u") { $0.affinity = [Self.next(to: "v", by: Self.zone)] },
      Self.workload("v") { $0.affinity = [Self.next(to: "u", by: Self.zone)] },
    ]
    #expect(Rules(cluster).fault(in: [[1], [1]]) == .order)
    cluster.workloads[1].pods = ["a"]
    #expect(Rules(cluster).fault(in: [[1], [1]]) == nil)
  }

  @Test(
    "What runs stays where it could not start, but nothing that is whole is broken",
    .enabled(if: ClusterGenerator.letsWhatRunsStay))
  func staying() {
    var cluster = Cluster(nodes: Self.nodes("A", "A", "B"))
    cluster.workloads = [
      Self.workload("u", 2) { $0.antiAffinity = [Self.next(to: "v", by: Self.zone)] }, Self.workload("v"),
    ]
    cluster.workloads[0].pods = ["a", "a"]
    cluster.nodes[0].isCordoned = true
    func isValid(_ counts: [[Int]]) -> Bool { Rules(cluster).fault(in: counts) == nil }
    #expect(isValid([[2, 0, 0], [0, 0, 1]]))
    #expect(isValid([[1, 1, 0], [0, 0, 1]]))
    // The anti-affinity holds now.
    #expect(!isValid([[2, 0, 0], [0, 1, 0]]))
    cluster.workloads[1].pods = ["b"]
    #expect(isValid([[2, 0, 0], [0, 1, 0]]))
    // Another of them may not start beside it.
    #expect(!isValid([[1, 1, 0], [0, 1, 0]]))
    #expect(Rules(cluster).moves(to: [[1, 1, 0], [0, 0, 1]]) == 2)
    cluster.nodes[0].taints = [Cluster.Taint(key: "t", effect: "NoExecute")]
    #expect(!isValid([[2, 0, 0], [0, 1, 0]]))
  }

  @Test("A pod that runs keeps those away that its anti-affinity speaks of")
  func antiAffinityOfOthers() {
    var cluster = Cluster(nodes: Self.nodes("A", "A", "B"))
    cluster.workloads = [Self.workload("foo")]
    cluster.others = [Self.pod("1", app: "bar", on: "a")]
    cluster.others[0].spec.antiAffinity = [Self.next(to: "foo", by: Self.zone)]
    #expect(Self.open(cluster) == "c")
    cluster.others[0].namespace = "other"
    #expect(Self.open(cluster) == "abc")
    cluster.others[0].spec.antiAffinity[0].namespaceSelector = Cluster.Selector()
    #expect(Self.open(cluster) == "c")
  }

  @Test("A taint keeps away who does not tolerate it")
  func taints() {
    var cluster = Cluster(nodes: Self.nodes("A", "A", "A", "A"))
    cluster.nodes[0].taints = [Cluster.Taint(key: "key1", value: "value1", effect: "NoSchedule")]
    cluster.nodes[1].taints = [Cluster.Taint(key: "key1", value: "value1", effect: "PreferNoSchedule")]
    cluster.nodes[2].isCordoned = true
    cluster.workloads = [Self.workload("foo")]
    #expect(Self.open(cluster) == "bd")
    cluster.workloads[0].spec.tolerations = [Cluster.Toleration(key: "key1", isForAnyValue: true, effect: "NoSchedule")]
    #expect(Self.open(cluster) == "abd")
    cluster.workloads[0].spec.tolerations = [Cluster.Toleration(isForAnyValue: true)]
    #expect(Self.open(cluster) == "abcd")
  }

  @Test("An init container runs beside the sidecars before it, and after those come all containers")
  func requests() {
    var spec = Cluster.PodSpec()
    spec.containers = [Cluster.Container(requests: ["cpu": 300]), Cluster.Container(limits: ["cpu": 100])]
    spec.initContainers = [
      Cluster.Container(requests: ["cpu": 450]), Cluster.Container(requests: ["cpu": 200], isSidecar: true),
      Cluster.Container(requests: ["cpu": 500]), Cluster.Container(requests: ["cpu": 50], isSidecar: true),
    ]
    #expect(spec.requests == ["cpu": 700])
    spec.initContainers.removeLast()
    spec.containers.removeLast()
    spec.overhead = ["cpu": 10, "memory": 5]
    #expect(spec.requests == ["cpu": 710, "memory": 5])
  }

  @Test("A node that is full of one resource takes pods that need none of it")
  func resources() {
    var cluster = Cluster(nodes: Self.nodes("A", "A"))
    cluster.others = [Self.pod("1", app: "bar", on: "a")]
    cluster.others[0].spec.containers[0].requests = ["cpu": 5000]
    cluster.workloads = [Self.workload("foo") { $0.containers[0].requests = ["memory": 100] }]
    #expect(Self.open(cluster) == "ab")
    cluster.workloads[0].spec.containers[0].requests["cpu"] = 1
    #expect(Self.open(cluster) == "b")
    cluster.nodes[1].room["pods"] = 0
    #expect(Self.open(cluster).isEmpty)
  }
}
