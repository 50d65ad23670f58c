import Model

/// Makes small clusters in which rules of every kind meet.
struct ClusterGenerator {
  private var random: SeededGenerator

  static let host = "kubernetes.io/hostname"
  static let zone = "topology.kubernetes.io/zone"
  private static let gpu = "example.com/gpu"
  private static let namespaces = ["shop", "shop", "shop", "other"]

  /// The names of the workloads.
  private var apps: [String] = []
  /// Whether most workloads want devices, and most nodes have some.
  private var lovesDevices = false
  /// Whether workloads are spread, and shrink.
  private var lovesSpreads = false

  // What the planner is known to get wrong.
  /// What runs where it could not be started, and stays.
  static let letsWhatRunsStay = true
  static let limitsMoves = true
  /// Affinity of workloads to themselves, or to each other in a circle.
  static let hasCircles = true
  static let hasNodesThatAreNotReady = true
  static let hasPodsOnTheirWayOut = true
  static let comparesRevisions = true
  static let selectsNamespacesByName = true
  static let hasAllKindsOfVolumes = true
  static let hasDaemonSets = true

  init(seed: Int) { random = SeededGenerator(seed: UInt64(seed)) }

  private mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }
  private mutating func one<T>(_ values: [T]) -> T { values[random.below(values.count)] }
  private mutating func some<T>(_ percent: Int, _ make: (inout Self) -> T) -> T? { chance(percent) ? make(&self) : nil }

  mutating func cluster() -> Cluster {
    while true {
      let cluster = anyCluster()
      // Where there is no placement, there is less to compare.
      let rules = Rules(cluster)
      if chance(25) || rules.placements.contains(where: { rules.fault(in: $0) == nil }) { return cluster }
    }
  }

  private mutating func anyCluster() -> Cluster {
    var cluster = Cluster()
    lovesDevices = chance(15)
    lovesSpreads = chance(15)
    for name in ["a", "b", "c", "d"].prefix(2 + random.below(3)) { cluster.nodes.append(node(name)) }
    // In each cluster a few kinds of rules alone, so that they are not all infeasible.
    let spice = one([10, 20, 40])
    apps = Array(["u", "v", "w", "x"].prefix(1 + random.below(4)))
    for name in apps {
      cluster.workloads.append(workload(name, in: &cluster, spice: spice))
    }
    for index in 0..<random.below(4) { cluster.others.append(other("other-\(index)", in: cluster, spice: spice)) }
    converse(in: &cluster)
    cluster.lambda = one([0, 0.2, 0.2, 5])
    cluster.moveCost = one([0, 0, 0.01, 0.1])
    if !Self.hasCircles { withoutCircles(&cluster) }
    limitSize(of: &cluster)
    if Self.hasDaemonSets, chance(20) { cluster.daemonSets.append(daemonSet(in: cluster, spice: spice)) }
    if chance(60) { start(&cluster) }
    if Self.limitsMoves, chance(50) { cluster.maxMoves = random.below(4) }
    age(&cluster)
    return cluster
  }

  // MARK: Nodes

  private mutating func node(_ name: String) -> Cluster.Node {
    var labels = [Self.host: name]
    if chance(90) { labels[Self.zone] = one(["east", "west", "west", "north"]) }
    if chance(50) { labels["disk"] = one(["ssd", "hdd"]) }
    if chance(30) { labels["rack"] = one(["1", "2", "x"]) }
    var room = ["cpu": one([2000, 4000, 4000]), "memory": one([2048, 4096, 8192]), "pods": 110]
    if chance(15) { room["pods"] = 3 + random.below(3) }
    if chance(lovesDevices ? 80 : 30) { room[Self.gpu] = 1 + random.below(3) }
    return Cluster.Node(
      name: name, labels: labels, taints: chance(15) ? [taint()] : [], isCordoned: chance(5), room: room)
  }

  private mutating func taint() -> Cluster.Taint {
    Cluster.Taint(
      key: one(["dedicated", "spot"]), value: one([nil, "yes", "no"]),
      effect: one(["NoSchedule", "NoSchedule", "NoExecute", "PreferNoSchedule"]))
  }

  private mutating func toleration() -> Cluster.Toleration {
    let isForAnyValue = chance(60)
    return Cluster.Toleration(
      key: isForAnyValue && chance(40) ? nil : one(["dedicated", "spot", "node.kubernetes.io/unschedulable"]),
      isForAnyValue: isForAnyValue, value: isForAnyValue ? nil : one([nil, "yes", "no"]),
      effect: one([nil, nil, "NoSchedule", "NoExecute"]))
  }

  private mutating func nodeRequirement() -> Cluster.Requirement {
    switch random.below(6) {
    case 0: Cluster.Requirement(key: "disk", operator: .in, values: one([["ssd"], ["hdd"], ["ssd", "hdd"]]))
    case 1: Cluster.Requirement(key: one(["disk", Self.zone]), operator: .notIn, values: one([["hdd"], ["east"]]))
    case 2: Cluster.Requirement(key: one(["disk", "rack"]), operator: .exists)
    case 3: Cluster.Requirement(key: one(["disk", "rack"]), operator: .doesNotExist)
    case 4: Cluster.Requirement(key: "rack", operator: one([.greaterThan, .lessThan]), values: [one(["1", "2"])])
    default: Cluster.Requirement(key: Self.zone, operator: .in, values: one([["east", "west"], ["north", "west"]]))
    }
  }

  private mutating func nodeTerm() -> Cluster.NodeTerm {
    if chance(4) { return Cluster.NodeTerm() }
    if chance(15) {
      let names = one([["a"], ["a", "b"]])
      // Kubernetes takes one value there.
      return Cluster.NodeTerm(fields: [
        Cluster.Requirement(key: "metadata.name", operator: one([.in, .notIn]), values: Array(names.prefix(1)))
      ])
    }
    return Cluster.NodeTerm(expressions: (0..<(chance(25) ? 2 : 1)).map { _ in nodeRequirement() })
  }

  // MARK: Pods

  private mutating func workload(_ name: String, in cluster: inout Cluster, spice: Int) -> Cluster.Workload {
    var workload = Cluster.Workload(
      kind: one(["Deployment", "Deployment", "Deployment", "StatefulSet", "ReplicaSet", "Job"]),
      namespace: one(Self.namespaces), name: name, replicas: 1 + random.below(3), labels: labels(name))
    workload.spec = spec(spice: spice)
    if lovesSpreads, chance(70) {
      workload.replicas = 2 + random.below(3)
      workload.spec.spreads = [
        Cluster.Spread(
          maxSkew: one([1, 1, 2]), key: one([Self.host, Self.host, Self.zone]),
          selector: Cluster.Selector(labels: ["app": name]))
      ]
    }
    if chance(spice / 2) { workload.spec.affinity = terms() }
    if chance(spice / 4) {
      let claim = "shared-\(name)"
      workload.spec.claims = [claim]
      cluster.volumes.append(volume(claim, of: workload, key: one([Self.zone, Self.host, "disk"]), in: cluster))
    }
    if workload.kind == "StatefulSet", chance(40) {
      workload.claimTemplates = ["data"]
      let key = one([Self.zone, Self.host])
      for ordinal in 0..<workload.replicas where chance(80) {
        cluster.volumes.append(volume("data-\(name)-\(ordinal)", of: workload, key: key, in: cluster))
      }
    }
    return workload
  }

  private mutating func labels(_ app: String) -> [String: String] {
    var labels = ["app": app]
    if chance(50) { labels["tier"] = one(["front", "back"]) }
    return labels
  }

  private mutating func other(_ name: String, in cluster: Cluster, spice: Int) -> Cluster.OtherPod {
    var pod = Cluster.OtherPod(
      namespace: one(Self.namespaces + ["kube-system"]), name: name, labels: labels(one(apps)),
      spec: spec(spice: spice / 2), node: chance(90) ? one(cluster.nodes).name : nil,
      owner: one([nil, nil, "DaemonSet", "Node", "Rollout"]).map { Cluster.OtherPod.Owner(kind: $0, name: "owner") })
    if pod.node == nil { pod.phase = "Pending" } else if chance(10) { pod.phase = one(["Succeeded", "Failed"]) }
    if Self.hasPodsOnTheirWayOut { pod.isTerminating = chance(15) }
    return pod
  }

  private mutating func daemonSet(in cluster: Cluster, spice: Int) -> Cluster.DaemonSet {
    var set = Cluster.DaemonSet(
      namespace: one(Self.namespaces + ["kube-system"]), name: "agent", labels: labels(one(apps)))
    set.spec = spec(spice: spice / 2)
    set.spec.spreads = []
    set.spec.antiAffinity = []
    // Some are older than it, some newer.
    set.nodes = set.targets(among: cluster.nodes).filter { _ in chance(50) }
    return set
  }

  private mutating func spec(spice: Int) -> Cluster.PodSpec {
    var spec = Cluster.PodSpec()
    spec.containers = (0..<(chance(25) ? 2 : 1)).map { _ in container() }
    if chance(spice / 2) {
      spec.initContainers = (0..<(1 + random.below(2))).map { _ in
        var container = container()
        container.isSidecar = chance(50)
        return container
      }
    }
    if chance(spice / 4) { spec.overhead = ["cpu": 100] }
    if chance(spice / 4) { spec.nodeSelector = one([["disk": "ssd"], ["disk": "hdd"], [Self.zone: "west"]]) }
    if chance(spice / 3) { spec.nodeTerms = (0..<(chance(40) ? 2 : 1)).map { _ in nodeTerm() } }
    if chance(40) { spec.tolerations = (0..<(1 + random.below(2))).map { _ in toleration() } }
    if chance(spice) { spec.antiAffinity = terms() }
    if chance(spice) { spec.spreads = spreads() }
    spec.usesHostNetwork = chance(spice / 5)
    return spec
  }

  private mutating func container() -> Cluster.Container {
    var container = Cluster.Container()
    if chance(80) { container.requests["cpu"] = one([100, 250, 500, 900]) }
    if chance(60) { container.requests["memory"] = one([128, 512, 1024]) }
    if chance(10) { container.limits = ["cpu": 800, "memory": 700] }
    if chance(lovesDevices ? 35 : 2) { container.limits[Self.gpu] = 1 }
    if chance(8) {
      container.ports = [
        Cluster.Port(
          container: one([80, 81]), host: one([nil, 80, 81]), name: one([nil, "UDP"]),
          address: one([nil, nil, "10.0.0.1", "10.0.0.2"]))
      ]
    }
    return container
  }

  private mutating func podSelector() -> Cluster.Selector {
    switch random.below(8) {
    case 0: Cluster.Selector()
    case 1: Cluster.Selector(labels: ["tier": one(["front", "back"])])
    case 2:
      Cluster.Selector(expressions: [
        Cluster.Requirement(key: "app", operator: one([.in, .notIn]), values: [one(apps), one(apps)])
      ])
    case 3: Cluster.Selector(expressions: [Cluster.Requirement(key: "tier", operator: one([.exists, .doesNotExist]))])
    default: Cluster.Selector(labels: ["app": one(apps)])
    }
  }

  private mutating func terms() -> [Cluster.Term] {
    (0..<(chance(25) ? 2 : 1)).map { _ in
      var term = Cluster.Term(key: one([Self.host, Self.zone, Self.zone, "disk"]), selector: podSelector())
      switch random.below(10) {
      case 0: term.namespaces = ["other"]
      case 1: term.namespaceSelector = Cluster.Selector()
      case 2: term.matchKeys = term.selector?.mentions("tier") == true ? [] : ["tier"]
      case 3: term.mismatchKeys = term.selector?.mentions("tier") == true ? [] : ["tier"]
      case 4: if chance(30) { term.selector = nil }
      case 5 where Self.selectsNamespacesByName:
        term.namespaceSelector = Cluster.Selector(expressions: [
          Cluster.Requirement(
            key: "kubernetes.io/metadata.name", operator: one([.in, .notIn]), values: [one(Self.namespaces)])
        ])
      case 6 where Self.comparesRevisions: term.matchKeys = [one(["pod-template-hash", "controller-revision-hash"])]
      default: break
      }
      return term
    }
  }

  private mutating func spreads() -> [Cluster.Spread] {
    var keys = [Self.host, Self.zone, "disk"]
    return (0..<(chance(30) ? 2 : 1)).map { _ in
      var spread = Cluster.Spread(maxSkew: one([1, 1, 2]), key: keys.remove(at: random.below(keys.count)))
      spread.isRequired = chance(90)
      spread.selector = some(95) { $0.podSelector() }
      if chance(60) { spread.selector = Cluster.Selector(labels: ["app": one(apps)]) }
      if spread.isRequired, chance(25) { spread.minDomains = 1 + random.below(4) }
      if chance(20) { spread.nodeAffinityPolicy = one(["Ignore", "Honor"]) }
      if chance(30) { spread.nodeTaintsPolicy = one(["Ignore", "Honor"]) }
      if chance(15), spread.selector?.mentions("tier") == false { spread.matchKeys = ["tier"] }
      if Self.comparesRevisions, chance(25) { spread.matchKeys = ["pod-template-hash"] }
      return spread
    }
  }

  private mutating func volume(
    _ claim: String, of workload: Cluster.Workload, key: String, in cluster: Cluster
  ) -> Cluster.Volume {
    let values = Set(cluster.nodes.compactMap { $0.labels[key] }).sorted()
    let terms =
      values.isEmpty
      ? nil : [Cluster.NodeTerm(expressions: [Cluster.Requirement(key: key, operator: .in, values: [one(values)])])]
    var volume = Cluster.Volume(namespace: workload.namespace, claim: claim, nodeTerms: terms)
    guard Self.hasAllKindsOfVolumes else { return volume }
    volume.isForOnePod = chance(10)
    if key == Self.zone {
      switch random.below(3) {
      case 0: (volume.zone, volume.nodeTerms) = (values.isEmpty ? nil : one(values), nil)
      case 1: volume.zonesOfClass = values.isEmpty || chance(20) ? [] : [one(values)]
      default: break
      }
    }
    return volume
  }

  // MARK: All together

  private mutating func converse(in cluster: inout Cluster) {
    let count = cluster.workloads.count
    for _ in 0..<random.below(5) {
      let conversation = Cluster.Conversation(
        source: random.below(count), destination: random.below(count), bytesPerSecond: Double(1 + random.below(100)))
      let isNew = !cluster.conversations.contains {
        $0.source == conversation.source && $0.destination == conversation.destination
      }
      if isNew { cluster.conversations.append(conversation) }
    }
  }

  /// Affinity of workloads to themselves, or to each other in a circle, is left out.
  private func withoutCircles(_ cluster: inout Cluster) {
    let rules = Rules(cluster)
    let count = cluster.workloads.count
    var reached = (0..<count).map { w in (0..<count).map { rules.affinity(of: w, mayMean: $0) } }
    for via in 0..<count {
      for w in 0..<count where reached[w][via] {
        for v in 0..<count where reached[via][v] { reached[w][v] = true }
      }
    }
    for w in 0..<count where reached[w][w] { cluster.workloads[w].spec.affinity = [] }
  }

  /// So few placements that all of them can be looked at.
  private mutating func limitSize(of cluster: inout Cluster) {
    let most = chance(10) ? 2000 : 300
    while true {
      let rules = Rules(cluster)
      let ways = cluster.workloads.indices.map {
        rules.ways(toPlace: cluster.workloads[$0].replicas, on: rules.nodes(for: $0)).count
      }
      guard ways.reduce(1, *) > most, let most = ways.indices.max(by: { ways[$0] < ways[$1] }),
        cluster.workloads[most].replicas > 1
      else { return }
      cluster.workloads[most].replicas -= 1
    }
  }

  /// Starts some pods as kube-scheduler would: where the rules let them.
  private mutating func start(_ cluster: inout Cluster) {
    let rules = Rules(cluster)
    var pods = rules.staying
    for w in cluster.workloads.indices where chance(85) {
      let workload = cluster.workloads[w]
      let count = chance(75) ? workload.replicas : random.below(workload.replicas + 4)
      // A StatefulSet that shrinks gives up its last replicas, with their volumes.
      for replica in 0..<(workload.claimTemplates.isEmpty ? count : min(count, workload.replicas)) {
        let open = cluster.nodes.indices.filter {
          rules.allows(w, on: $0, beside: pods) && rules.reachesVolumes(w, replica: replica, from: $0)
        }
        let node = open.isEmpty ? nil : one(open)
        cluster.workloads[w].pods.append(node.map { cluster.nodes[$0].name })
        if let node { pods.append(Rules.Placed(kind: w, node: node)) }
      }
    }
  }

  /// What happens to a cluster once pods run.
  private mutating func age(_ cluster: inout Cluster) {
    if Self.hasNodesThatAreNotReady, chance(15) {
      cluster.nodes[random.below(cluster.nodes.count)].isReady = false
      // One has to be left.
      if !cluster.nodes.contains(where: \.isReady) { cluster.nodes[0].isReady = true }
    }
    if Self.hasPodsOnTheirWayOut, chance(20) {
      let w = random.below(cluster.workloads.count)
      cluster.workloads[w].leaving.append(one(cluster.nodes).name)
    }
    guard Self.letsWhatRunsStay, cluster.workloads.contains(where: { !$0.pods.isEmpty }) else { return }
    if lovesDevices, chance(70) { loseDevices(&cluster) }
    if lovesSpreads, chance(70) { shrink(&cluster) }
    guard chance(50) else { return }
    for _ in 0..<(1 + random.below(2)) {
      let n = random.below(cluster.nodes.count)
      let w = random.below(cluster.workloads.count)
      switch random.below(11) {
      case 0: cluster.nodes[n].isCordoned = true
      case 1: cluster.nodes[n].taints.append(taint())
      case 2:
        // Volumes of single replicas are bound to where these run.
        let key = one([Self.zone, "disk"])
        if !cluster.workloads.contains(where: { !$0.claimTemplates.isEmpty }) { cluster.nodes[n].labels[key] = nil }
      case 3: cluster.nodes[n].room[one(["cpu", "memory"])] = 1000
      case 4: cluster.nodes[n].room["pods"] = 1 + random.below(3)
      case 5: cluster.workloads[w].spec.antiAffinity = terms()
      case 6: cluster.workloads[w].spec.spreads = spreads()
      case 7: cluster.workloads[w].spec.nodeTerms = [nodeTerm()]
      case 8: loseDevices(&cluster)
      case 9: shrink(&cluster)
      default:
        cluster.workloads[w].spec.affinity = terms()
        if !Self.hasCircles { withoutCircles(&cluster) }
      }
    }
  }

  /// Nodes offer none any more of something that pods use there; of devices, if any are used: their plugin is down.
  private mutating func loseDevices(_ cluster: inout Cluster) {
    for _ in 0..<(1 + random.below(2)) {
      var used: [(node: Int, resource: String)] = []
      for (n, node) in cluster.nodes.enumerated() {
        for workload in cluster.workloads where workload.pods.contains(node.name) {
          let requests = workload.spec.requests.filter { $0.value > 0 && node.room[$0.key] ?? 0 > 0 }
          used += requests.keys.sorted().map { (n, $0) }
        }
      }
      guard !used.isEmpty else { return }
      let devices = used.filter { $0.resource == Self.gpu }
      let lost = one(devices.isEmpty || chance(20) ? used : devices)
      cluster.nodes[lost.node].room[lost.resource] = 0
    }
  }

  /// A workload is to have fewer replicas, often by several. A StatefulSet gives up its last ones, with their volumes.
  private mutating func shrink(_ cluster: inout Cluster) {
    let several = cluster.workloads.indices.filter { w in
      cluster.workloads[w].replicas > 1 && cluster.workloads[w].claimTemplates.isEmpty
    }
    guard !several.isEmpty else { return }
    let w = one(several)
    cluster.workloads[w].replicas = 1 + random.below(cluster.workloads[w].replicas - 1)
  }
}

extension Cluster.Selector {
  fileprivate func mentions(_ key: String) -> Bool { labels[key] != nil || expressions.contains { $0.key == key } }
}

extension Rules {
  /// Whether a term of a workload's affinity selects another.
  fileprivate func affinity(of w: Int, mayMean v: Int) -> Bool {
    kinds[w].spec.affinity.contains { $0.selects(kinds[v], for: kinds[w]) }
  }
}
