import ControlPlaneTestSupport
import Daemon
import Formats
import Foundation
import Kubernetes
import Model
import Overflow
import Selection
import Synchronization
import Testing

@testable import Fleet
@testable import MeshController

/// One process leads at a time, by one lease: the tests take turns.
@Suite(
  "The overflow controller on a real control plane", .serialized,
  .enabled(if: OverflowCluster.isWanted, OverflowCluster.hint))
struct OverflowControllerTests {
  private func runner(_ cluster: OverflowCluster, _ source: SampleSource, _ name: String = "one") throws -> Runner {
    Runner(name, cluster, source, through: try APIGate(to: cluster.plane))
  }

  /// A cluster that sends half of what comes next door, what counts there, and the controller.
  private func overflowing() async throws -> (OverflowCluster, SampleSource, Runner) {
    let cluster = try await OverflowCluster()
    try await cluster.virtualService()
    try await cluster.policy()
    let source = SampleSource(demand: 1080)
    let runner = try runner(cluster, source)
    try await eventually("half goes next door") { try await cluster.shares() == [50, 50] }
    return (cluster, source, runner)
  }

  @Test("What is too much goes next door and comes back, and the object says so")
  func rush() async throws {
    let cluster = try await OverflowCluster()
    try await cluster.pods(3)
    try await cluster.virtualService()
    try await cluster.policy()
    let source = SampleSource(demand: 300)
    let runner = try runner(cluster, source)
    try await eventually("it is followed") { try await cluster.holds("Ready") == true }
    let version = try await cluster.client.get(OverflowCluster.virtualServices, "cart", in: cluster.namespace)
      .resourceVersion
    try await eventually("it steers") { try await cluster.holds("Overflowing") == false }
    let then = runner.clock.last
    try await eventually("it knows what is usual") { runner.clock.last.seconds(since: then) > 60 }
    #expect(try await cluster.weights() == [100, 0])
    #expect(
      try await cluster.client.get(OverflowCluster.virtualServices, "cart", in: cluster.namespace).resourceVersion
        == version)

    source.set(demand: 1080)
    try await eventually("half goes next door") { try await cluster.shares() == [50, 50] }
    try await eventually("the status says so") { try await cluster.holds("Overflowing") == true }
    let status = try #require(try await cluster.status())
    #expect(status.capacityPerMinute == 540)
    #expect(status.readyPods == 3)
    #expect(status.neighbours?.first?.name == "edge-b")
    // The rule for requests that have been sent on is as it was.
    #expect(
      try await cluster.route()["spec"]?["http"]?.array?.first?["route"] == [["destination": ["host": "cart"]]])

    source.set(demand: 300)
    try await eventually("all is back") { try await cluster.shares() == [100, 0] }
    try await eventually("the status says so") { try await cluster.holds("Overflowing") == false }
    #expect(try await cluster.events() == ["OverflowBegan", "OverflowEnded"])
    #expect(runner.controller.history.flows.first?.points.isEmpty == false)
    #expect(runner.registry.text.contains(#"tonari_overflow_writes_total{policy="\#(cluster.namespace)/cart","#))
    #expect(runner.exchange.published.contains { $0?.perMinute == 240 })
    await runner.stop()
    // The next leader goes on with what was said.
    #expect(!runner.exchange.published.contains(nil))
  }

  @Test("A controller that dies after any call, and comes again, ends at the right weights and stays there")
  func crashes() async throws {
    for (demand, start, end) in [(1080.0, [100, 0], [50, 50]), (300, [50, 50], [100, 0])] {
      var calls: [String] = []
      var died = 0
      while true {
        let cluster = try await OverflowCluster()
        try await cluster.virtualService(local: start[0], remote: start[1])
        try await cluster.policy()
        let source = SampleSource(demand: demand)
        func isThere() async throws -> Bool {
          guard try await cluster.shares() == end else { return false }
          return try await cluster.holds("Overflowing") == (end[1] > 0)
        }
        let gate = try APIGate(to: cluster.plane, deadAfter: died + 1)
        let first = Runner("one", cluster, source, through: gate)
        try await eventually("it has died, or is there") {
          if gate.isDead { return true }
          return try await isThere()
        }
        await first.stop()
        let isOver = !gate.isDead
        calls = gate.calls
        if !isOver { died += 1 }

        let second = Runner("one", cluster, source, through: try APIGate(to: cluster.plane))
        try await eventually("the second is there after \(gate.calls)") { try await isThere() }
        let generation = try await cluster.route()["metadata"]?["generation"]?.integer
        let rounds = second.clock.last
        try await eventually("some rounds go by") { second.clock.last.seconds(since: rounds) > 20 }
        #expect(try await cluster.route()["metadata"]?["generation"]?.integer == generation)
        #expect(try await isThere())
        await second.stop()
        if isOver { break }
      }
      let writes = calls.filter { $0.hasPrefix("PATCH") || $0.hasPrefix("POST") || $0.hasPrefix("PUT") }
      #expect(writes.contains { $0.contains("virtualservices") } && writes.contains { $0.contains("/status") })
      #expect(died >= 6, "\(calls)")
    }
  }

  @Test("What users change meanwhile stays, and is taken into account")
  func edits() async throws {
    let cluster = try await OverflowCluster()
    try await cluster.virtualService()
    try await cluster.policy()
    let source = SampleSource(demand: 1080)
    let gate = try APIGate(to: cluster.plane)
    // Before each of the first writes somebody else is faster.
    let edits = Mutex(0)
    let (client, namespace) = (cluster.client, cluster.namespace)
    gate.before { call in
      guard call.hasPrefix("PATCH"), call.contains("virtualservices") else { return }
      let number = edits.withLock { number in
        number += 1
        return number
      }
      guard number <= 3 else { return }
      let done = DispatchSemaphore(value: 0)
      Task {
        defer { done.signal() }
        let rule: JSONValue = [
          "name": .string("mine-\(number)"), "route": [["destination": ["host": .string("other-\(number)")]]],
        ]
        _ = try? await client.patch(
          OverflowCluster.virtualServices, "cart", .json([.add("/spec/http/0", rule)]), in: namespace)
      }
      done.wait()
    }
    let runner = Runner("one", cluster, source, through: gate)
    try await eventually("half goes next door") { try await cluster.shares() == [50, 50] }
    func rules() async throws -> [String?] {
      try await cluster.route()["spec"]?["http"]?.array?.map { $0["name"]?.string } ?? []
    }
    #expect(try await rules() == ["mine-3", "mine-2", "mine-1", "arrived", "split"])
    // Somebody sets the weights back, and adds a timeout: the one is undone, the other stays.
    let path = "/spec/http/4"
    _ = try await client.patch(
      OverflowCluster.virtualServices, "cart",
      .json([
        .replace("\(path)/route/0/weight", 100), .replace("\(path)/route/1/weight", 0), .add("\(path)/timeout", "3s"),
      ]), in: namespace)
    try await eventually("half goes next door again") { try await cluster.shares() == [50, 50] }
    #expect(try await cluster.route()["spec"]?["http"]?.array?.last?["timeout"] == "3s")
    await runner.stop()
  }

  @Test("Without measurements weights stay; after a while requests go home, where the service has pods")
  func silence() async throws {
    let cluster = try await OverflowCluster()
    try await cluster.pods(1)
    try await cluster.virtualService()
    try await cluster.policy()
    let source = SampleSource(demand: 1080)
    let runner = try runner(cluster, source)
    try await eventually("half goes next door") { try await cluster.shares() == [50, 50] }
    source.set(demand: nil)
    try await eventually("it says so") { try await cluster.holds("Measured") == false }
    #expect(try await cluster.shares() == [50, 50])
    try await eventually("they go home") { try await cluster.shares() == [100, 0] }
    source.set(demand: 1080)
    try await eventually("half goes next door again") { try await cluster.shares() == [50, 50] }

    // Nobody is at home: all goes next door, and stays there without measurements.
    try await cluster.pods(0)
    try await eventually("all goes next door") { try await cluster.shares() == [0, 100] }
    source.set(demand: nil)
    let then = runner.clock.last
    try await eventually("much time goes by") { runner.clock.last.seconds(since: then) > 60 }
    #expect(try await cluster.shares() == [0, 100])
    await runner.stop()
  }

  @Test("What is not found in the statistics is not measured: weights stay, all go home later, and the status says why")
  func notFound() async throws {
    let (cluster, source, runner) = try await overflowing()
    source.set(missing: "found no cluster of neighbour edge-b")
    try await eventually("it says so") {
      let measured = try await cluster.status()?.condition("Measured")
      return measured?.reason == "NotFound"
        && measured?.message == "found no cluster of neighbour edge-b; weights stay as they are"
    }
    #expect(try await cluster.shares() == [50, 50])
    try await eventually("they go home") { try await cluster.shares() == [100, 0] }
    try await eventually("it says so") {
      try await cluster.status()?.condition("Measured")?.message.hasSuffix("; requests stay in this cluster") == true
    }
    let then = runner.clock.last
    try await eventually("much time goes by") { runner.clock.last.seconds(since: then) > 60 }
    #expect(try await cluster.shares() == [100, 0])
    source.set(missing: nil)
    try await eventually("half goes next door again") { try await cluster.shares() == [50, 50] }
    await runner.stop()
  }

  @Test("Beside a third destination all weights grow in proportion, and the status says what is written")
  func thirdDestination() async throws {
    let cluster = try await OverflowCluster()
    try await cluster.virtualService(local: 1, remote: 0, others: 1)
    try await cluster.policy()
    let source = SampleSource(demand: 2700)
    let runner = try runner(cluster, source)
    try await eventually("four fifths go next door") { try await cluster.weights() == [200, 800, 1000] }
    try await eventually("the status says so") { try await cluster.status()?.localShare == 0.2 }
    #expect(try await cluster.status()?.neighbours?.first?.share == 0.8)
    source.set(demand: 300)
    try await eventually("all is back") { try await cluster.weights() == [1000, 0, 1000] }
    try await eventually("the status says so") { try await cluster.status()?.localShare == 1 }
    await runner.stop()
  }

  @Test("An autoscaler that cannot see what overflows is named, and the demand before overflow is there to scale by")
  func autoscaler() async throws {
    let cluster = try await OverflowCluster()
    try await cluster.pods(3)
    try await cluster.virtualService()
    try await cluster.autoscaler(pods: 3, wanted: 3, utilization: 55)
    try await cluster.policy { $0["spec"]?["capacity"] = ["perPodPerMinute": 180] }
    let runner = try runner(cluster, SampleSource(demand: 1080))
    func scaling() async throws -> OverflowPolicy.Condition? { try await cluster.status()?.condition("Scaling") }
    try await eventually("half goes next door") { try await cluster.shares() == [50, 50] }
    try await eventually("it is said that it does not scale") { try await scaling()?.reason == "ThresholdTooHigh" }
    let said = try #require(try await scaling())
    #expect(!said.holds)
    #expect(said.message.contains("HorizontalPodAutoscaler cart stays at 3 of up to 10 pods"), "\(said.message)")
    #expect(said.message.contains("its cpu is 55.0 of 80.0, above what overflow lets through"), "\(said.message)")
    let labels = #"policy="\#(cluster.namespace)/cart",namespace="\#(cluster.namespace)",service="cart""#
    #expect(runner.registry.text.contains("tonari_overflow_demand_per_minute{\(labels)} 1080"))
    // It scales, and then there are as many as may be.
    try await cluster.autoscaler(pods: 3, wanted: 7, utilization: 95)
    try await eventually("pods are on their way") { try await scaling()?.reason == "Bridges" }
    try await cluster.autoscaler(pods: 3, wanted: 3, most: 3, utilization: 95)
    try await eventually("there are no more") { try await scaling()?.reason == "AtMost" }
    try await cluster.pods(7)
    try await eventually("all is back") { try await cluster.shares() == [100, 0] }
    try await eventually("it fits") { try await scaling()?.reason == "Fits" }
    await runner.stop()
    // Nobody scales by the word of a process that does not lead.
    #expect(!runner.registry.text.contains("tonari_overflow_demand_per_minute{"))
  }

  @Test("Garbage, a leap and a clock that jumps change nothing")
  func garbage() async throws {
    let (cluster, source, runner) = try await overflowing()
    func pass(_ rounds: Double = 3) async throws {
      let then = runner.clock.last
      try await eventually("rounds go by") { runner.clock.last.seconds(since: then) >= rounds }
      #expect(try await cluster.shares() == [50, 50])
    }
    for demand in [Double.nan, .infinity, -5, 1e300] {
      source.set(demand: demand)
      try await pass()
      source.set(demand: 1080)
      try await pass()
    }
    for jump in [3600.0, 1e6, -7200] {
      runner.clock.jump(jump)
      try await eventually("rounds go by") { runner.exchange.published.count > 0 }
      source.set(demand: 1080)
      try await eventually("it is as it was") { try await cluster.shares() == [50, 50] }
    }
    await runner.stop()
  }

  @Test(
    "A policy that is deleted sends its requests home; a route that is deleted is missed, and split when it is back")
  func deletions() async throws {
    let (cluster, _, runner) = try await overflowing()
    try await cluster.client.delete(OverflowCluster.virtualServices, "cart", in: cluster.namespace)
    try await eventually("it is missed") {
      try await cluster.status()?.condition("Ready")?.reason == "RouteMissing"
    }
    try await cluster.virtualService()
    try await eventually("half goes next door again") { try await cluster.shares() == [50, 50] }
    try await eventually("all is well") { try await cluster.holds("Ready") == true }
    try await cluster.client.delete(.overflowPolicies, "cart", in: cluster.namespace)
    try await eventually("all is back") { try await cluster.shares() == [100, 0] }
    try await eventually("neighbours hear that there is no more room") { runner.exchange.published.last == .some(nil) }
    try await cluster.policy()
    try await eventually("a new one is followed") { try await cluster.shares() == [50, 50] }
    await runner.stop()
  }

  @Test("A policy that makes no sense, or only tries, writes no weights and says why")
  func refusals() async throws {
    let cluster = try await OverflowCluster()
    try await cluster.virtualService()
    try await cluster.policy { $0["spec"]?["safeAfter"] = "3000000h" }
    let source = SampleSource(demand: 1080)
    let runner = try runner(cluster, source)
    try await eventually("it is refused") { try await cluster.status()?.condition("Ready")?.reason == "Invalid" }
    let reason = try await cluster.status()?.condition("Ready")?.message ?? ""
    #expect(reason.contains("spec.safeAfter: found '3000000h'"), "\(reason)")
    try await cluster.policy { $0["spec"]?["dryRun"] = true }
    try await eventually("it is tried") { try await cluster.status()?.condition("Ready")?.reason == "DryRun" }
    try await eventually("it says what it would do") { try await cluster.status()?.localShare == 0.5 }
    #expect(try await cluster.weights() == [100, 0])
    try await cluster.policy { $0["spec"]?["measure"] = ["source": "prometheus"] }
    try await eventually("nobody counts") {
      try await cluster.status()?.condition("Measured")?.message.contains("was not told where to ask") == true
    }
    #expect(try await cluster.weights() == [100, 0])
    // The first by its name is followed.
    try await cluster.policy { $0["metadata"]?["name"] = "art" }
    try await eventually("there are two for a service") {
      try await cluster.status()?.condition("Ready")?.reason == "Duplicate"
    }
    try await eventually("one is followed") { try await cluster.shares() == [50, 50] }
    await runner.stop()
  }

  @Test("Of a policy that is refused no demand is said any more, neither in metrics nor in its status")
  func refusedDemand() async throws {
    let (cluster, _, runner) = try await overflowing()
    let demand = "tonari_overflow_demand_per_minute{"
    #expect(runner.registry.text.contains(demand))
    try await eventually("the status says so") { try await cluster.status()?.demandPerMinute == 1080 }
    try await cluster.policy { $0["spec"]?["safeAfter"] = "3000000h" }
    try await eventually("it is refused") { try await cluster.status()?.condition("Ready")?.reason == "Invalid" }
    try await eventually("nothing is said") { !runner.registry.text.contains(demand) }
    #expect(try await cluster.status()?.demandPerMinute == nil)
    #expect(try await cluster.shares() == [50, 50])
    try await cluster.policy()
    try await eventually("it is followed again") { try await cluster.holds("Ready") == true }
    try await eventually("it is said again") { runner.registry.text.contains(demand) }
    await runner.stop()
  }

  @Test("A write that the API server refuses is sent once a round, and the status says what is wrong with it")
  func refusedWrite() async throws {
    let (cluster, source, runner) = try await overflowing()
    @Sendable func isWrite(_ call: String) -> Bool { call.hasPrefix("PATCH") && call.contains("virtualservices") }
    runner.gate.refuse { isWrite($0) ? "VirtualService cart is invalid: weight: too large" : nil }
    let before = runner.gate.calls.count
    source.set(demand: 300)
    try await eventually("it is said") { try await cluster.status()?.condition("Ready")?.reason == "RouteRefused" }
    let message = try await cluster.status()?.condition("Ready")?.message
    #expect(message?.contains("refuses VirtualService cart: ") == true, "\(message ?? "")")
    #expect(message?.hasSuffix("weight: too large") == true, "\(message ?? "")")
    // Read before each write and after it: what has not changed is not tried again.
    let calls = runner.gate.calls.dropFirst(before).filter { $0.contains("/virtualservices/cart") }
    for (first, second) in zip(calls.indices, calls.indices.dropFirst()) where isWrite(calls[second]) {
      #expect(first == calls.startIndex || calls[first].hasPrefix("GET") && !isWrite(calls[first - 1]), "\(calls)")
    }
    runner.gate.refuse(nil)
    try await eventually("all is back") { try await cluster.shares() == [100, 0] }
    try await eventually("all is well") { try await cluster.holds("Ready") == true }
    await runner.stop()
  }

  @Test("Of two controllers one writes; when it is cut off the other goes on, and the first writes no more")
  func failover() async throws {
    let cluster = try await OverflowCluster()
    try await cluster.virtualService()
    try await cluster.policy()
    let source = SampleSource(demand: 1080)
    let (gate, other) = (try APIGate(to: cluster.plane), try APIGate(to: cluster.plane))
    let first = Runner("one", cluster, source, through: gate)
    try await eventually("half goes next door") { try await cluster.shares() == [50, 50] }
    let second = Runner("two", cluster, source, through: other)
    try await eventually("the second watches") { other.calls.contains { $0.hasSuffix("overflowpolicies") } }
    #expect(!second.controller.isLeading)
    func writes(_ gate: APIGate) -> Int { gate.calls.count { $0.contains("virtualservices") && $0.hasPrefix("PATCH") } }
    #expect(writes(other) == 0)
    gate.cut(true)
    try await eventually("the second leads") { second.controller.isLeading }
    #expect(!first.controller.isLeading)
    source.set(demand: 300)
    try await eventually("all is back") { try await cluster.shares() == [100, 0] }
    let before = writes(gate)
    gate.cut(false)
    source.set(demand: 1080)
    try await eventually("half goes next door again") { try await cluster.shares() == [50, 50] }
    #expect(writes(gate) == before)
    await second.stop()
    try await eventually("the first leads again") { first.controller.isLeading }
    source.set(demand: 300)
    try await eventually("all is back again") { try await cluster.shares() == [100, 0] }
    await first.stop()
  }

  @Test("HTTPRoutes are split, by the version that the API server has")
  func httpRoute() async throws {
    let cluster = try await OverflowCluster()
    let object: JSONValue = [
      "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "HTTPRoute",
      "metadata": ["name": "cart", "namespace": .string(cluster.namespace)],
      "spec": [
        "rules": [
          [
            "backendRefs": [
              ["name": "cart", "port": 80], ["name": "cart-edge-b", "port": 80, "weight": 0],
              ["name": "canary", "port": 80, "weight": 0],
            ]
          ]
        ]
      ],
    ]
    _ = try await cluster.client.create(OverflowCluster.routes, object, in: cluster.namespace)
    try await cluster.policy {
      $0["spec"]?["route"] = ["kind": "HTTPRoute", "name": "cart"]
      $0["spec"]?["neighbours"] = [["name": "edge-b", "host": "cart-edge-b"]]
    }
    let runner = try runner(cluster, SampleSource(demand: 1080))
    try await eventually("half goes next door") {
      let route = try await cluster.client.get(OverflowCluster.routes, "cart", in: cluster.namespace)
        .decode(JSONValue.self)
      return route["spec"]?["rules"]?.array?.first?["backendRefs"]?.array?.compactMap { $0["weight"]?.integer }
        == [500, 500, 0]
    }
    await runner.stop()
  }

  @Test("A route of the controller's own is made as a whole, and made anew when it is changed")
  func ownRoute() async throws {
    let cluster = try await OverflowCluster()
    try await cluster.policy {
      $0["spec"]?["route"] = [
        "kind": "VirtualService", "name": "cart", "owned": true, "hosts": ["cart.example"],
        "gateways": ["istio-system/ingress"], "port": 8080,
      ]
    }
    let runner = Runner(
      "one", cluster, SampleSource(demand: 1080), through: try APIGate(to: cluster.plane),
      rules: PolicyRules(hosts: try [#require(HostRule("\(cluster.namespace)=cart.example"))]))
    func rules() async throws -> [JSONValue] {
      let found = try? await cluster.route()
      return found?["spec"]?["http"]?.array ?? []
    }
    func isSplit() async throws -> Bool {
      try await rules().last?["route"]?.array?.compactMap { $0["weight"]?.integer } == [500, 500]
    }
    try await eventually("it is made") { try await isSplit() }
    let made = try await rules()
    #expect(made.count == 2)
    #expect(made[0]["match"] == [["headers": ["x-tonari-hops": ["regex": ".+"]]]])
    #expect(made[1]["route"]?.array?[1]["headers"]?["request"]?["set"] == ["x-tonari-hops": "1"])
    #expect(made[1]["route"]?.array?[1]["destination"]?["port"]?["number"] == 8080)
    try await cluster.client.delete(OverflowCluster.virtualServices, "cart", in: cluster.namespace)
    try await eventually("it is made again") { try await isSplit() }
    await runner.stop()
  }

  @Test("A route of its own believes hops of those alone who come in by a gateway of neighbours")
  func neighbourGateways() async throws {
    let cluster = try await OverflowCluster()
    try await cluster.policy {
      $0["spec"]?["route"] = [
        "kind": "VirtualService", "name": "cart", "owned": true, "hosts": ["cart"],
        "gateways": ["istio-system/ingress"],
        "neighbourGateways": ["istio-system/neighbours"],
      ]
    }
    let runner = try runner(cluster, SampleSource(demand: 1080))
    func spec() async throws -> JSONValue? { try? await cluster.route()["spec"] }
    try await eventually("it is made") { try await spec()?["http"]?.array?.count == 2 }
    let made = try #require(try await spec())
    #expect(made["gateways"] == ["istio-system/ingress", "istio-system/neighbours"])
    let rules = try #require(made["http"]?.array)
    #expect(
      rules[0]["match"]
        == [["gateways": ["istio-system/neighbours"], "headers": ["x-tonari-hops": ["regex": ".+"]]]])
    #expect(rules[1]["match"] == nil)
    #expect(rules[1]["route"]?.array?[0]["headers"]?["request"]?["remove"] == ["x-tonari-hops"])
    await runner.stop()
  }

  @Test(
    "A policy that asks for more than its namespace may is refused by name, and nothing is written for it",
    arguments: ["bank.example", "vault.bank.svc.cluster.local"])
  func deputies(host: String) async throws {
    let cluster = try await OverflowCluster()
    try await cluster.policy {
      $0["spec"]?["route"] = [
        "kind": "VirtualService", "name": "cart", "owned": true, "hosts": ["cart", .string(host)],
        "gateways": ["mesh"],
      ]
    }
    let gate = try APIGate(to: cluster.plane)
    let runner = Runner("one", cluster, SampleSource(demand: 1080), through: gate)
    func ready() async throws -> OverflowPolicy.Condition? {
      try await cluster.status()?.condition(OverflowPolicy.Condition.ready)
    }
    try await eventually("it is refused") { try await ready()?.reason == "NotAllowed" }
    #expect(try await ready()?.holds == false)
    #expect(try await ready()?.message.contains("spec.route.hosts[1]: found '\(host)', expected the host of") == true)
    let then = runner.clock.last
    try await eventually("rounds go by") { runner.clock.last.seconds(since: then) > 10 }
    #expect(!gate.calls.contains { $0.contains("virtualservices") && !$0.hasPrefix("GET") })
    #expect(await #expect(throws: APIError.self) { try await cluster.route() }?.isNotFound == true)

    // Without that host it is followed, and queries of one's own are refused in turn.
    try await cluster.policy {
      $0["spec"]?["route"] = [
        "kind": "VirtualService", "name": "cart", "owned": true, "hosts": ["cart"], "gateways": ["mesh"],
      ]
    }
    try await eventually("it is followed") { try await ready()?.holds == true }
    try await cluster.policy {
      $0["spec"]?["measure"] = ["source": "prometheus", "demandQuery": "count({__name__=~\".+\"})"]
    }
    try await eventually("it is refused again") {
      try await ready()?.message.hasPrefix("spec.measure.demandQuery: found a query, expected none") == true
    }
    await runner.stop()
  }

  @Test(
    "The definition lets no policy through whose names are none",
    arguments: [
      ("neighbours", #"[{"name": "b", "host": "a\"} or vector(1)"}]"#),
      ("neighbours", #"[{"name": "b/+", "host": "a"}]"#),
      ("neighbours", #"[{"name": "b", "host": "http://a/"}]"#), ("service", #""Cart""#), ("service", #""a/b""#),
      ("route", #"{"kind": "VirtualService", "name": "../x"}"#),
      (
        "route",
        #"{"kind": "VirtualService", "name": "x", "owned": true, "hosts": ["*"], "gateways": ["a"]}"#
      ),
      (
        "route",
        #"{"kind": "VirtualService", "name": "x", "owned": true, "hosts": ["a"], "gateways": ["a/b/c"]}"#
      ),
    ])
  func definition(field: String, value: String) async throws {
    let cluster = try await OverflowCluster()
    let wrong = try JSONDecoder().decode(JSONValue.self, from: Data(value.utf8))
    let error = await #expect(throws: APIError.self) { try await cluster.policy { $0["spec"]?[field] = wrong } }
    #expect(error?.status?.code == 422, "\(String(describing: error))")
    #expect(error?.message.contains("spec.\(field)") == true, "\(String(describing: error))")
  }

  @Test(
    "A write that is held up until another leads changes nothing, of its own route, a new one or another's",
    arguments: ["own", "new", "weights"])
  func heldWrite(_ kind: String) async throws {
    let cluster = try await OverflowCluster()
    if kind == "weights" { try await cluster.virtualService() }
    try await cluster.policy {
      guard kind != "weights" else { return }
      $0["spec"]?["route"] = [
        "kind": "VirtualService", "name": "cart", "owned": true, "hosts": ["cart"], "gateways": ["mesh"],
      ]
    }
    func shares() async throws -> [Int64] {
      guard let rules = try? await cluster.route()["spec"]?["http"]?.array, let last = rules.last else { return [] }
      let weights = last["route"]?.array?.compactMap { $0["weight"]?.integer } ?? []
      let total = max(1, weights.reduce(0, +))
      return weights.map { $0 * 100 / total }
    }
    let source = SampleSource(demand: 300)
    let gate = try APIGate(to: cluster.plane)
    let held = DispatchSemaphore(value: 0)
    let isHolding = Mutex(false)
    let isToHold = Mutex(kind == "new")
    gate.before { call in
      guard call.contains("virtualservices"), call.hasPrefix("PATCH") || call.hasPrefix("POST") else { return }
      let holds = isToHold.withLock { wanted in
        defer { wanted = false }
        return wanted
      }
      guard holds else { return }
      isHolding.withLock { $0 = true }
      held.wait()
    }
    let first = Runner("one", cluster, source, through: gate)
    if kind != "new" {
      try await eventually("all stays") { try await shares() == [100, 0] && first.controller.isLeading }
    }
    if kind != "new" {
      try await eventually("it steers") { try await cluster.holds("Overflowing") == false }
      isToHold.withLock { $0 = true }
    }
    source.set(demand: 2160)
    try await eventually("its write is held up") { isHolding.withLock { $0 } }
    // The first is cut off with its write under way, and another leads.
    gate.cut(true)
    let second = Runner("two", cluster, SampleSource(demand: 1080), through: try APIGate(to: cluster.plane))
    try await eventually("the second has written") { try await shares() == [50, 50] && second.controller.isLeading }
    #expect(!first.controller.isLeading)
    let answered = gate.answers.count
    let generation = try await cluster.route()["metadata"]?["generation"]?.integer
    gate.cut(false)
    held.signal()
    try await eventually("the held write is answered") { gate.answers.count > answered }
    let answer = try #require(gate.answers.dropFirst(answered).first { $0.call.contains("virtualservices") })
    #expect([409, 422].contains(answer.status), "\(answer)")
    let then = second.clock.last
    try await eventually("rounds go by") { second.clock.last.seconds(since: then) > 10 }
    #expect(try await cluster.route()["metadata"]?["generation"]?.integer == generation)
    #expect(try await shares() == [50, 50])
    await first.stop()
    await second.stop()
  }

  @Test("A neighbour that fails gets nothing at once; a cluster that is cut off keeps its weights")
  func partition() async throws {
    let (cluster, source, runner) = try await overflowing()
    source.set(
      DemandMeasurement(demandPerMinute: 1080, outcomes: ["edge-b": .init(requests: 9, failures: 9)]))
    try await eventually("it gets next to nothing") { try await cluster.shares()[1] <= 2 }
    source.set(DemandMeasurement(demandPerMinute: 1080, outcomes: ["edge-b": .init(requests: 9, failures: 0)]))
    try await eventually("it gets its part again") { try await cluster.shares() == [50, 50] }
    // Word of what room it has does not come any more: little is sent, then nothing is known.
    runner.exchange.set("edge-b", nil)
    try await eventually("it gets little") { try await cluster.shares()[1] <= 7 }
    runner.exchange.set("edge-b", 10_000)
    try await eventually("it gets its part again") { try await cluster.shares() == [50, 50] }
    runner.gate.cut(true)
    source.set(demand: 300)
    let then = runner.clock.last
    try await eventually("rounds go by") { runner.clock.last.seconds(since: then) > 5 || !runner.controller.isLeading }
    #expect(try await cluster.shares() == [50, 50])
    runner.gate.cut(false)
    try await eventually("all is back") { try await cluster.shares() == [100, 0] }
    await runner.stop()
  }
}
