import ControlPlaneTestSupport
import Daemon
import Formats
import Foundation
import Kubernetes
import Testing

@testable import Planner

@Suite(.serialized, .enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
struct PlanControllerTests {
  /// Three workloads of which each node takes two: one pair can be together.
  static let three = SampleCluster(
    workloads: ["a": (1, 2000), "b": (1, 2000), "c": (1, 2000)], traffic: [("a", "b", 100)])

  private func areTogether(_ one: String, _ other: String, _ cluster: PlannedCluster) async throws -> Bool {
    let nodes = try await cluster.nodes(of: one)
    let others = try await cluster.nodes(of: other)
    return !nodes.isEmpty && nodes == others
  }

  @Test("A plan appears, and follows the traffic, the workloads and the nodes")
  func follows() async throws {
    let cluster = try await PlannedCluster.with(Self.three)
    let traffic = try SampleTraffic(Self.three.traffic)
    let candidate = try Candidate("one", cluster, traffic)
    try await eventually("there is a plan") { try await areTogether("a", "b", cluster) }
    try await eventually("it has its figures") {
      try await cluster.plan()?.status?.traffic.localizedShare.node == 1
    }
    let status = try #require(try await cluster.plan()?.status)
    #expect(status.optimal)
    #expect(status.gap == 0)
    #expect(status.planned != nil)

    traffic.set([("c", "b", 100)])
    try await eventually("the traffic is followed") { try await areTogether("b", "c", cluster) }
    try await cluster.apply("a", 2, cpu: 1000)
    try await eventually("the replicas are followed") {
      try await cluster.nodes(of: "a").values.reduce(0, +) == 2
    }
    let left = try #require(try await cluster.nodes(of: "b").keys.first)
    try await ControlPlane.addNode(
      "n3", capacity: ["cpu": "8", "memory": "8Gi", "pods": "10"], with: cluster.client)
    try await cluster.client.delete(.nodes, left)
    try await eventually("the nodes are followed") {
      let nodes = try await cluster.nodes(of: "b")
      return nodes.count == 1 && nodes[left] == nil
    }
    try await cluster.client.delete(.placementPlans, "sample")
    try await eventually("a plan that was deleted comes back") { try await cluster.plan() != nil }
    #expect(candidate.registry.text.contains(#"tonari_planner_plans_total{outcome="written"}"#))
    #expect(candidate.registry.text.contains("tonari_planner_leading 1.0"))
    try await candidate.stop()
    #expect(candidate.registry.text.contains("tonari_planner_leading 0.0"))
  }

  @Test("A plan that is as good stays as it is and gets its figures; a worse one is replaced")
  func neverWorse() async throws {
    let cluster = try await PlannedCluster.with(Self.three)
    let traffic = try SampleTraffic(Self.three.traffic)
    try await cluster.write(plan(["a": ["n2": 1], "b": ["n2": 1], "c": ["n1": 1]]))
    let first = try Candidate("one", cluster, traffic)
    try await eventually("it is looked at") { try await cluster.plan()?.status?.optimal == true }
    #expect(try await cluster.generation() == 1)
    #expect(try await cluster.nodes(of: "a") == ["n2": 1])
    #expect(first.registry.text.contains(#"tonari_planner_plans_total{outcome="kept"} 1"#))
    try await first.stop()

    try await cluster.client.delete(.placementPlans, "sample")
    try await cluster.write(plan(["a": ["n1": 1], "b": ["n2": 1], "c": ["n1": 1]]))
    let second = try Candidate("two", cluster, traffic)
    try await eventually("it is replaced") { try await areTogether("a", "b", cluster) }
    try await second.stop()
  }

  @Test("A cordon moves nothing that runs; what starts goes elsewhere")
  func cordon() async throws {
    var sample = Self.three
    sample.nodes = ["n1": 8, "n2": 8]
    sample.workloads = ["a": (2, 1000), "b": (2, 1000), "c": (1, 1000)]
    let cluster = try await PlannedCluster.with(sample)
    for (name, (replicas, cpu)) in sample.workloads {
      for i in 1...replicas { try await cluster.run("\(name)-\(i)", of: name, cpu: cpu, on: "n1") }
    }
    try await cluster.write(plan(["a": ["n1": 2], "b": ["n1": 2], "c": ["n1": 1]]))
    let candidate = try Candidate("one", cluster, try SampleTraffic(sample.traffic), maxMoves: 0)
    try await eventually("it is looked at") { try await cluster.plan()?.status?.optimal == true }
    try await cluster.cordon("n1")
    // A change that comes after the cordon shows that it has been seen.
    try await cluster.apply("b", 3, cpu: 1000)
    try await eventually("the new replica has a place") {
      try await cluster.nodes(of: "b").values.reduce(0, +) == 3
    }
    #expect(try await cluster.nodes(of: "b") == ["n1": 2, "n2": 1])
    #expect(try await cluster.nodes(of: "a") == ["n1": 2])
    #expect(try await cluster.nodes(of: "c") == ["n1": 1])
    #expect(try await cluster.generation() == 2)
    let status = try #require(try await cluster.plan()?.status)
    #expect(status.moves == 0)
    #expect(status.violations == nil)
    try await candidate.stop()
  }

  @Test("A plan that is a little worse stays where a greater gain is asked for, and says how far it is from the best")
  func minimumGain() async throws {
    var sample = Self.three
    sample.traffic = [("a", "b", 51), ("b", "c", 49)]
    let cluster = try await PlannedCluster.with(sample)
    try await cluster.write(plan(["a": ["n1": 1], "b": ["n2": 1], "c": ["n2": 1]]))
    let candidate = try Candidate("one", cluster, try SampleTraffic(sample.traffic), minimumGain: 0.1)
    try await eventually("it is looked at") { try await cluster.plan()?.status != nil }
    let status = try #require(try await cluster.plan()?.status)
    #expect(status.traffic.localizedShare.node == 0.49)
    #expect(!status.optimal)
    #expect(status.gap.map { abs($0 - 2.0 / 51) < 1e-3 } == true)
    #expect(try await cluster.generation() == 1)
    try await candidate.stop()
  }

  @Test("A plan and its status are written over the object that was read, or not at all")
  func conditions() async throws {
    let cluster = try await PlannedCluster.with(Self.three)
    let client = cluster.client
    let plans = ["n1", "n2"].map { plan(["a": [$0: 1], "b": ["n2": 1], "c": ["n1": 1]]) }
    #expect(try await client.plan(named: "sample") == nil)
    // Two leaders that have seen no plan: the first makes it, the other's write is refused.
    try await client.apply(plans[0], over: nil)
    var error = await #expect(throws: APIError.self) { try await client.apply(plans[1], over: nil) }
    #expect(error?.isAlreadyExists == true)
    // Two that have seen the same plan.
    let seen = try #require(try await client.plan(named: "sample"))
    try await client.apply(plans[1], over: seen)
    error = await #expect(throws: APIError.self) { try await client.apply(plans[0], over: seen) }
    #expect(error?.isConflict == true)
    error = await #expect(throws: APIError.self) { try await client.applyStatus(plans[0], over: seen) }
    #expect(error?.isConflict == true)
    #expect(try await cluster.nodes(of: "a") == ["n2": 1])
    // What was deleted is not made again by one who knew it.
    let last = try #require(try await client.plan(named: "sample"))
    try await client.delete(.placementPlans, "sample")
    await #expect(throws: APIError.self) { try await client.apply(plans[0], over: last) }
    #expect(try await client.plan(named: "sample") == nil)
  }

  @Test("Of two candidates one writes; when it is cut off the other goes on, and the first writes no more")
  func failover() async throws {
    let cluster = try await PlannedCluster.with(Self.three)
    let traffic = try SampleTraffic(Self.three.traffic)
    let proxy = try TCPProxy(to: cluster.plane.port)
    let first = try Candidate("one", cluster, traffic, through: proxy.port)
    try await eventually("the first leads") { first.controller.isLeading }
    let second = try Candidate("two", cluster, traffic)
    try await eventually("there is a plan") { try await areTogether("a", "b", cluster) }
    try await eventually("both are ready") {
      (first.controller.health + second.controller.health).allSatisfy { $0.report().isReady }
    }
    #expect(!second.controller.isLeading)
    #expect(try await cluster.writers() == ["one"])

    proxy.stall()
    traffic.set([("c", "b", 100)])
    try await eventually("the second leads") { second.controller.isLeading }
    #expect(!first.controller.isLeading)
    try await eventually("the traffic is followed") { try await areTogether("b", "c", cluster) }
    proxy.takeDown()
    proxy.restore()
    try await cluster.apply("a", 2, cpu: 1000)
    try await eventually("the replicas are followed") {
      try await cluster.nodes(of: "a").values.reduce(0, +) == 2
    }
    #expect(!first.controller.isLeading)
    let generation = try await cluster.generation()

    try await second.stop()
    try await eventually("the first leads again, without waiting for the lease to run out") {
      first.controller.isLeading
    }
    try await eventually("it has looked at the plan") {
      first.registry.text.contains(#"tonari_planner_plans_total{outcome="kept"}"#)
    }
    #expect(try await cluster.generation() == generation)
    try await first.stop()
    let lease = try await cluster.client.get(.leases, "tonari-planner", in: "tonari").decode(JSONValue.self)
    #expect(lease["spec"]?["holderIdentity"]?.string == "")
  }

  @Test("Without traffic there is no plan; traffic that is lost later is taken as it was")
  func prometheusFaults() async throws {
    let cluster = try await PlannedCluster.with(Self.three)
    let traffic = try SampleTraffic([])
    traffic.fail("oops", status: 500)
    let candidate = try Candidate("one", cluster, traffic)
    try await eventually("the fault is told") { candidate.faults.contains("HTTP 500") }
    try await eventually("it leads") { candidate.controller.isLeading }
    #expect(candidate.controller.health.contains { !$0.report().isReady })
    #expect(try await cluster.plan() == nil)
    traffic.set([("a", "c", 100)])
    try await eventually("there is a plan") { try await areTogether("a", "c", cluster) }

    var replicas = 1
    for (body, status, fault) in [("<html>", 200, "traffic"), ("", 0, "time"), ("no", 503, "HTTP 503")] {
      traffic.fail(body, status: status)
      try await eventually("the fault is told: \(fault)") {
        candidate.faults.lowercased().contains(fault.lowercased()) || (status != 0 && !candidate.faults.isEmpty)
      }
      replicas += 1
      try await cluster.apply("b", replicas, cpu: 1000)
      try await eventually("the replicas are followed") {
        try await cluster.nodes(of: "b").values.reduce(0, +) == replicas
      }
      #expect(try await areTogether("a", "c", cluster))
      #expect(candidate.controller.health.allSatisfy { $0.report().isReady })
    }
    try await candidate.stop()
  }

  @Test("What cannot be placed leaves the plan, which says what it breaks; once there is room it is replaced")
  func infeasible() async throws {
    let cluster = try await PlannedCluster.with(Self.three)
    let candidate = try Candidate("one", cluster, try SampleTraffic(Self.three.traffic))
    try await eventually("there is a plan") { try await areTogether("a", "b", cluster) }
    let before = try await cluster.nodes(of: "a")
    try await cluster.apply("d", 1, cpu: 9000)
    try await eventually("the fault is told") { candidate.faults.contains("no placement satisfies") }
    try await eventually("the plan says so") {
      try await cluster.plan()?.status?.violations?.contains { $0.contains("shop/d") } == true
    }
    #expect(try await cluster.nodes(of: "a") == before)
    try await cluster.client.delete(.deployments, "d", in: "shop")
    try await eventually("it is over") {
      let plan = try await cluster.plan()
      return candidate.faults.isEmpty && plan?.status?.violations == nil
    }
    try await candidate.stop()
  }
}
