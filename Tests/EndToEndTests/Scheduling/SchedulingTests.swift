import ControlPlaneTestSupport
import Foundation
import Planner
import Synchronization
import Testing

@testable import Connections
@testable import Extender
@testable import Formats
@testable import Kubernetes

/// An unmodified kube-scheduler, a real API server, and `tonari extender` between them.
@Suite(.serialized, .enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
struct SchedulingTests {
  /// Six nodes, and workloads that a plan each wants on one node, where a scheduler that spreads would not put them.
  private static let nodes = (0..<6).map { "node-\($0)" }

  private static func cluster(cpu: Int = 32) async throws -> ScheduledCluster {
    let cluster = try await ScheduledCluster()
    for node in nodes {
      try await ControlPlane.addNode(
        node, capacity: ["cpu": "\(cpu)", "memory": "64Gi", "pods": "110"],
        labels: ["kubernetes.io/hostname": .init(node)], with: cluster.client)
    }
    return cluster
  }

  private static func workloads(_ names: String..., replicas: Int = 4) -> [ScheduledCluster.Workload] {
    names.map { ScheduledCluster.Workload(name: $0, replicas: replicas) }
  }

  private static let plan: [String: [(node: String, replicas: Int)]] = [
    "alder": [("node-0", 4)], "birch": [("node-1", 4)], "cedar": [("node-2", 4)], "elder": [("node-3", 4)],
    "hazel": [("node-4", 4)], "larch": [("node-5", 4)], "maple": [("node-0", 4)], "rowan": [("node-1", 4)],
  ]

  private static func planned(_ workloads: [ScheduledCluster.Workload]) -> [String: [String]] {
    Dictionary(
      uniqueKeysWithValues: workloads.map { workload in
        (workload.name, (plan[workload.name] ?? []).flatMap { Array(repeating: $0.node, count: $0.replicas) })
      })
  }

  // MARK: - The example

  @Test("The example shop is scheduled as planned, and its traffic stays where the plan says")
  func example() async throws {
    let cluster = try await ScheduledCluster()
    let objects = try ScheduledCluster.documents(Data(contentsOf: URL(filePath: Fixtures.cluster)))
    var templates: [(name: String, kind: String, replicas: Int, template: JSONValue)] = []
    var nodes: [String] = []
    for object in objects {
      guard let kind = object["kind"]?.string, let name = object["metadata"]?["name"]?.string else { continue }
      if kind == "Node" {
        nodes.append(name)
        let capacity = try #require(object["status"]?["allocatable"]?.texts)
        try await ControlPlane.addNode(
          name, capacity: capacity, labels: object["metadata"]?["labels"]?.texts ?? [:], with: cluster.client)
      } else if let template = object["spec"]?["template"] {
        let namespace = object["metadata"]?["namespace"]?.string ?? "default"
        try await cluster.create(object, in: namespace)
        templates.append((name, kind, Int(object["spec"]?["replicas"]?.integer ?? 1), template))
      }
    }
    #expect(nodes.count == 3 && templates.count == 15)
    let run = try await TonariProcess(
      ["plan", "--effort", "2", "-o", "json", "--quiet"] + Fixtures.example
    ).result()
    let plan = try PlacementPlan(run.output, file: "standard output")
    let promised = try #require(plan.status?.traffic.localizedShare.node)
    try await cluster.create(plan)
    for daemon in templates where daemon.kind == "DaemonSet" {
      for node in nodes {
        try await cluster.addPod(
          "\(daemon.name)-\(node)", of: daemon.name, kind: daemon.kind,
          labels: ["app": .string(daemon.name)], spec: try #require(daemon.template["spec"]), on: node)
      }
    }

    func share(_ scheduler: ControlPlane.Server, profile: String) async throws -> Double {
      for template in templates where template.kind != "DaemonSet" {
        for replica in 0..<template.replicas {
          try await cluster.addPod(
            "\(template.name)-\(replica)", of: template.name,
            kind: template.kind == "Deployment" ? "ReplicaSet" : template.kind,
            labels: ["app": .string(template.name)], spec: try #require(template.template["spec"]),
            scheduler: profile)
        }
      }
      try await cluster.waitUntilScheduled(scheduler)
      let run = try await TonariProcess.run(
        "evaluate", "--cluster", "-", "--traffic", Fixtures.traffic, "-o", "json", input: cluster.snapshot())
      #expect(run.status == 0, "\(run.messages)")
      let status = try #require(PlacementPlan(run.output, file: "standard output").status)
      try await cluster.deletePods()
      return status.traffic.localizedShare.node
    }

    let usual = try await cluster.plane.startScheduler()
    let without = try await share(usual, profile: "default-scheduler")
    await usual.kill()
    let extender = try await ExtenderProcess(cluster.plane)
    let scheduler = try await cluster.startScheduler(asking: extender.port)
    let with = try await share(scheduler, profile: ScheduledCluster.profile)
    print(
      "Localized share of the example: \(percent(promised)) planned, \(percent(with)) through the extender, "
        + "\(percent(without)) by the default scheduler")
    #expect(abs(with - promised) <= 0.01)
    #expect(without < promised)
    let replicas = templates.reduce(0) { $1.kind == "DaemonSet" ? $0 : $0 + $1.replicas }
    try await eventually("all bindings are counted") {
      try await extender.metric("tonari_extender_plan_bindings_total{outcome=\"hit\"}") == Double(replicas)
    }
    await scheduler.kill()
  }

  private func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

  // MARK: - Faults

  @Test("However the extender fails, every pod is scheduled, and the plan is followed again afterwards")
  func faults() async throws {
    let cluster = try await Self.cluster()
    try await cluster.create(plan: Self.plan)
    // In plain text, so that what stands in for it below is heard.
    var extender = try await ExtenderProcess(cluster.plane, isSecured: false)
    let port = extender.port
    let scheduler = try await cluster.startScheduler(asking: port, timeout: "300ms", isSecured: false)

    func schedule(_ workloads: [ScheduledCluster.Workload]) async throws -> [String: [String]] {
      try await cluster.addPods(workloads, scheduler: ScheduledCluster.profile)
      try await cluster.waitUntilScheduled(scheduler)
      let placements = try await cluster.placements()
      return placements.filter { placement in workloads.contains { $0.name == placement.key } }
    }

    let before = Self.workloads("alder", "birch")
    #expect(try await schedule(before) == Self.planned(before))

    // It dies in the middle: some of these pods it has still been asked about.
    let during = Self.workloads("cedar", "elder")
    try await cluster.addPods(Array(during.prefix(1)), scheduler: ScheduledCluster.profile)
    _ = await extender.end(SIGKILL)
    _ = try await schedule(Array(during.suffix(1)))

    try await serving(port) { connection in
      _ = receive(from: connection)
      send(
        "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 4\r\n\r\noops".utf8, to: connection)
    } while: {
      _ = try await schedule(Self.workloads("hazel", replicas: 2))
    }
    try await serving(port) { connection in
      // Says nothing, until the scheduler has had enough.
      while !receive(from: connection).isEmpty {}
    } while: {
      _ = try await schedule(Self.workloads("larch", replicas: 2))
    }

    extender = try await ExtenderProcess(cluster.plane, port: port, isSecured: false)
    let after = Self.workloads("maple", "rowan")
    #expect(try await schedule(after) == Self.planned(after))
    let pods = try await cluster.pods()
    #expect(pods.count == 28)
    await scheduler.kill()
  }

  /// Stands in for the extender at its port.
  private func serving(
    _ port: UInt16, _ serve: @escaping @Sendable (Int32) -> Void, while work: () async throws -> Void
  ) async throws {
    let asked = Mutex(0)
    var server: LoopbackListener?
    try await eventually("port \(port) is free") {
      server = try? LoopbackListener(port: port) { connection in
        asked.withLock { $0 += 1 }
        serve(connection)
      }
      return server != nil
    }
    try await work()
    server?.stop()
    #expect(asked.withLock { $0 } > 0)
    try await eventually("port \(port) is free again") { (try? LoopbackListener(port: port) { _ in }) != nil }
  }

  @Test("Ends gracefully on SIGTERM, and answers from what it knows while the API server is gone")
  func staleness() async throws {
    let cluster = try await Self.cluster()
    try await cluster.create(plan: Self.plan)
    let extender = try await ExtenderProcess(cluster.plane)
    let question = """
      {"NodeNames": ["node-0", "node-1", "node-2"],
       "Pod": {"metadata": {"name": "p", "namespace": "shop", "annotations": {"tonari.dev/workload": "shop/birch"}}}}
      """
    let answer = try #require(await extender.ask("prioritize", question))
    #expect(answer.status == 200)
    #expect(answer.text.contains(#"{"Host":"node-1","Score":10}"#), "\(answer.text)")
    await cluster.plane.stopAPIServer()
    try await eventually("/readyz says that the state is stale") {
      try await extender.get("/readyz")?.text.contains("stale: ") == true
    }
    #expect(try await extender.get("/readyz")?.status == 200)
    let stale = try #require(await extender.ask("prioritize", question))
    #expect(stale == answer)
    try await eventually("the metrics say so too") {
      try await extender.metric("tonari_extender_staleness_seconds{source=\"pods\"}") > 0.5
    }
    try await cluster.plane.startAPIServer()
    try await eventually("it follows the API server again", within: .seconds(60)) {
      try await extender.get("/readyz")?.text.contains("stale: ") == false
    }
    let end = await extender.end(SIGTERM)
    #expect(end.status == 0 && !end.isKilled, "\(end.messages)")
  }

  @Test("Two replicas agree, and a scheduler that changes between them follows the plan")
  func twoReplicas() async throws {
    let cluster = try await Self.cluster()
    try await cluster.create(plan: Self.plan)
    let replicas = [try await ExtenderProcess(cluster.plane), try await ExtenderProcess(cluster.plane)]
    // One address: each new connection goes to the other replica.
    let ports = replicas.map(\.port)
    let connections = Mutex(0)
    let balancer = try LoopbackListener { connection in
      let turn = connections.withLock { connections in
        connections += 1
        return connections
      }
      try? TCPProxy.join(connection, to: ports[turn % 2])
    }
    let address = try TCPProxy(to: balancer.port)
    let scheduler = try await cluster.startScheduler(asking: address.port)
    let all = Self.workloads("alder", "birch", "cedar", "elder", "hazel", "larch", "maple", "rowan")
    for workload in all {
      address.cut()
      try await cluster.addPods([workload], scheduler: ScheduledCluster.profile)
      try await cluster.waitUntilScheduled(scheduler)
    }
    #expect(connections.withLock { $0 } >= 8)
    #expect(try await cluster.placements() == Self.planned(all))

    let pods = try await cluster.pods()
    try await cluster.client.delete(.pods, pods[0].metadata.name, in: "shop", gracePeriod: .zero)
    for replica in replicas {
      try await eventually("both have heard of all pods") {
        return try await replica.metric("tonari_extender_replicas") == Double(pods.count - 1)
      }
    }
    for workload in all {
      let question = """
        {"NodeNames": ["node-0", "node-1", "node-2", "node-3", "node-4", "node-5"],
         "Pod": {"metadata": {"name": "p", "namespace": "shop", "annotations": {"tonari.dev/workload": "shop/\(workload.name)"}}}}
        """
      let answers = [
        try #require(await replicas[0].ask("prioritize", question)),
        try #require(await replicas[1].ask("prioritize", question)),
      ]
      #expect(answers[0].status == 200)
      #expect(answers[0] == answers[1])
    }
    await scheduler.kill()
  }

  // MARK: - A burst

  @Test("300 pods in one burst go where the plan wants them, none twice, no node too full", arguments: [false, true])
  func burst(binds: Bool) async throws {
    let cluster = try await Self.cluster(cpu: 52)
    var plan: [String: [(node: String, replicas: Int)]] = [:]
    var workloads: [ScheduledCluster.Workload] = []
    for (i, name) in ["alder", "birch", "cedar", "elder", "hazel", "larch"].enumerated() {
      workloads.append(ScheduledCluster.Workload(name: name, replicas: 50))
      plan[name] = [(Self.nodes[i], 30), (Self.nodes[(i + 1) % 6], 20)]
    }
    try await cluster.create(plan: plan)
    if binds {
      try await cluster.create([
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "binder"],
        "rules": [["apiGroups": [""], "resources": ["pods/binding"], "verbs": ["create"]]],
      ])
      try await cluster.create([
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": "binder"],
        "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "binder"],
        "subjects": [["kind": "ServiceAccount", "name": "tonari-extender", "namespace": "tonari"]],
      ])
    }
    let extender = try await ExtenderProcess(cluster.plane)
    try await cluster.addPods(workloads, scheduler: ScheduledCluster.profile)
    let list = try await cluster.client.list(.pods, ObjectSelection(namespace: "shop"))
    #expect(list.items.count == 300)
    let scheduler = try await cluster.startScheduler(asking: extender.port, binds: binds)
    var bindings: [String: Set<String>] = [:]
    watching: for try await event in try await cluster.client.watch(
      .pods, ObjectSelection(namespace: "shop"), from: list.resourceVersion, for: .seconds(120))
    {
      guard case .modified(let object) = event else { continue }
      let pod = try object.decode(Pod.self)
      if let node = pod.spec.nodeName { bindings[pod.metadata.name, default: []].insert(node) }
      if bindings.count == 300 { break watching }
    }
    #expect(bindings.count == 300, "\(scheduler.lastWords)")
    #expect(bindings.values.allSatisfy { $0.count == 1 })
    let placements = try await cluster.placements()
    var used: [String: Int] = [:]
    for nodes in placements.values { for node in nodes { used[node, default: 0] += 1 } }
    #expect(used.values.allSatisfy { $0 <= 52 })
    let wanted = plan.mapValues { shares in
      shares.flatMap { Array(repeating: $0.node, count: $0.replicas) }.sorted()
    }
    #expect(placements == wanted)
    if binds {
      #expect(
        try await extender.metric("tonari_extender_requests_total{status=\"200\",verb=\"bind\"}") == 300)
    }
    await scheduler.kill()
  }

  // MARK: - Preemption

  @Test("A pod of high priority takes the place of others where the plan wants it")
  func preemption() async throws {
    let cluster = try await ScheduledCluster()
    for node in ["one-victim", "planned"] {
      try await ControlPlane.addNode(
        node, labels: ["kubernetes.io/hostname": .init(node)], with: cluster.client)
    }
    try await cluster.create([
      "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": ["name": "urgent"], "value": 1000,
    ])
    // By itself, the scheduler prefers the node with one victim.
    try await cluster.addPods([.init(name: "large", replicas: 2, cpu: "2")], on: "one-victim")
    try await cluster.addPods([.init(name: "small", replicas: 4, cpu: "1")], on: "planned")
    try await cluster.create(plan: ["urgent": [("planned", 1)]])
    let extender = try await ExtenderProcess(cluster.plane)
    let scheduler = try await cluster.startScheduler(asking: extender.port)
    try await cluster.addPods(
      [.init(name: "urgent", replicas: 1, cpu: "2", priorityClass: "urgent")], scheduler: ScheduledCluster.profile)
    // Pods end when a kubelet says so; there is none.
    try await eventually("the pod is scheduled", within: .seconds(90)) {
      let pods = try await cluster.pods()
      for pod in pods where pod.metadata.deletionTimestamp != nil {
        try? await cluster.client.delete(.pods, pod.metadata.name, in: "shop", gracePeriod: .zero)
      }
      try await Task.sleep(for: .milliseconds(100))
      return try await cluster.placements()["urgent"] != nil
    }
    // kube-scheduler 1.20.0 to 1.20.9 and 1.21.0 to 1.21.3 never ask an extender for it (kubernetes#102971): there, the
    // pod goes where it needs but one victim.
    let asked = try await extender.metric("tonari_extender_requests_total{status=\"200\",verb=\"preempt\"}")
    let forgetsExtenders = try await cluster.version().wholeMatch(of: /v1\.(20\.[0-9]|21\.[0-3])/) != nil
    #expect((asked > 0) == !forgetsExtenders)
    let expected =
      forgetsExtenders
      ? ["urgent": ["one-victim"], "large": ["one-victim"], "small": Array(repeating: "planned", count: 4)]
      : ["urgent": ["planned"], "large": ["one-victim", "one-victim"], "small": ["planned", "planned"]]
    #expect(try await cluster.placements() == expected)
    await scheduler.kill()
  }

  // MARK: - Events

  @Test("A pod that could not follow the plan has an event that says why")
  func event() async throws {
    let cluster = try await Self.cluster()
    try await cluster.create(plan: Self.plan)
    _ = try await cluster.client.patch(.nodes, "node-2", .merge(["spec": ["unschedulable": true]] as JSONValue))
    let extender = try await ExtenderProcess(cluster.plane)
    let scheduler = try await cluster.startScheduler(asking: extender.port)
    let workloads = Self.workloads("cedar", replicas: 1)
    try await cluster.addPods(workloads, scheduler: ScheduledCluster.profile)
    try await cluster.waitUntilScheduled(scheduler)
    var message = ""
    try await eventually("there is an event: \(extender.log)") {
      let events = try await cluster.client.list(.events, ObjectSelection(namespace: "shop")).items
      message =
        try events.map { try $0.decode(JSONValue.self) }.first { $0["reason"] == "PlanNotFollowed" }?["message"]?
        .string ?? ""
      return !message.isEmpty
    }
    #expect(message.contains("offered none of the nodes where the plan has room"), "\(message)")
    #expect(
      try await extender.metric("tonari_extender_plan_bindings_total{outcome=\"not_offered\"}") == 1)
    await scheduler.kill()
  }
}

extension JSONValue {
  /// The fields of an object that are texts.
  fileprivate var texts: [String: String]? {
    guard case .object(let fields) = self else { return nil }
    return fields.compactMapValues(\.string)
  }
}
