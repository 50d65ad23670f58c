import Foundation
import Model
import Testing

@testable import Fleet
@testable import Formats
@testable import MeshController

@Suite("The statistics of an ingress")
struct IngressTests {
  static let policy = WeightedRouteTests.policy(neighbours: 1)

  /// What an Envoy has counted.
  struct Envoy {
    var local = 0.0
    var remote = 0.0
    var retries = 0.0
    var waiting = 0.0
    var refused = 0.0
    var errors = 0.0
    var seconds = 0.0

    /// As an Envoy with its default tags writes it, which cut names at their first dot.
    var text: String {
      let name = #"envoy_cluster_name="outbound|80||cart""#
      let here = "envoy_cluster_shop_svc_cluster_local_upstream_rq"
      let there = "envoy_cluster_edge_0_example_upstream_rq"
      return """
        # TYPE \(here)_total counter
        \(here)_total{\(name)} \(local)
        \(here)_total{envoy_cluster_name="outbound|80||other"} 777
        \(here)_retry{\(name)} \(retries)
        \(here)_pending_active{\(name)} \(waiting)
        \(here)_pending_overflow{\(name)} \(refused)
        \(here)_xx{envoy_response_code_class="2",\(name)} \(local - errors)
        \(here)_xx{envoy_response_code_class="5",\(name)} \(errors)
        \(here){envoy_response_code="200",\(name)} \(local - errors)
        \(here)_time_sum{\(name)} \(seconds * 1000)
        \(here)_time_count{\(name)} \(local)
        \(there)_total{\(name)} \(remote)
        \(there)_xx{envoy_response_code_class="5",\(name)} \(remote)
        envoy_server_live{} 1

        """
    }

    var reading: IngressReading {
      get throws { try IngressReading(Array(text.utf8)) }
    }
  }

  @Test("Demand is what goes to any destination; times and errors are of those here")
  func rates() throws {
    var rates = CounterLooks<IngressReading>()
    rates.note(try Envoy(local: 1000, remote: 500, seconds: 3).reading, of: "a", at: .seconds(10))
    #expect(rates.measurement(of: Self.policy, at: .seconds(10)) == nil)
    rates.note(
      try Envoy(local: 1020, remote: 510, retries: 2, waiting: 4, refused: 3, errors: 5, seconds: 5).reading, of: "a",
      at: .seconds(12))
    let measured = try #require(rates.measurement(of: Self.policy, at: .seconds(12)))
    #expect(measured.demandPerMinute == Double(20 + 10 - 2 + 4 + 3) * 30)
    #expect(measured.seconds == 2)
    #expect(abs(try #require(measured.responseSeconds) - 0.1) < 1e-9)
    #expect(measured.errorShare == 0.25)
    #expect(measured.outcomes["edge-0"] == .init(requests: 10, failures: 10))
  }

  @Test("Envoys add up; one that begins anew, comes or goes makes no leap")
  func several() throws {
    var rates = CounterLooks<IngressReading>()
    func look(_ counts: [String: Double], at time: Double) throws {
      for (name, count) in counts { rates.note(try Envoy(local: count).reading, of: name, at: .seconds(time)) }
    }
    func demand(_ time: Double) throws -> Double {
      try #require(rates.measurement(of: Self.policy, at: .seconds(time))).demandPerMinute
    }
    try look(["a": 5000, "b": 7000], at: 1)
    try look(["a": 5005, "b": 7004], at: 2)
    #expect(try demand(2) == 540)
    // a begins anew, c is new with a past.
    try look(["a": 6, "b": 7008, "c": 90_000], at: 3)
    #expect(try demand(3) == 600)
    // b does not answer: it counts as before for a while.
    try look(["a": 12, "c": 90_001], at: 4)
    #expect(try demand(4) == Double(6 + 4 + 1) * 60)
    try look(["a": 13, "c": 90_002], at: 9)
    #expect(abs(try demand(9) - (0.2 + 0.2) * 60) < 1e-9)
    rates.keep(only: ["a"])
    #expect(abs(try demand(9) - 0.2 * 60) < 1e-9)
    #expect(rates.measurement(of: Self.policy, at: .seconds(60)) == nil)
  }

  @Test("A retry that is counted before it is sent is no new beginning")
  func retries() throws {
    var rates = CounterLooks<IngressReading>()
    rates.note(try Envoy(local: 100_000, retries: 0).reading, of: "a", at: .seconds(1))
    rates.note(try Envoy(local: 100_000, retries: 5).reading, of: "a", at: .seconds(2))
    #expect(rates.measurement(of: Self.policy, at: .seconds(2))?.demandPerMinute == 0)
  }

  @Test("Istio's standard metrics count where Envoy's own are left out")
  func istio() throws {
    func reading(_ count: Int) throws -> IngressReading {
      let local = #"reporter="source",destination_service="cart.shop.svc.cluster.local""#
      let text = """
        istio_requests_total{\(local),response_code="200"} \(count)
        istio_requests_total{\(local),response_code="503"} \(count / 4)
        istio_requests_total{reporter="destination",destination_service="cart.shop.svc.cluster.local"} 1e9
        istio_requests_total{reporter="source",destination_service="cart.edge-0.example",response_code="200"} \(count)
        istio_request_duration_milliseconds_sum{\(local)} \(count * 50)
        istio_request_duration_milliseconds_count{\(local)} \(count)
        """
      return try IngressReading(Array(text.utf8))
    }
    var rates = CounterLooks<IngressReading>()
    rates.note(try reading(100), of: "a", at: .seconds(1))
    rates.note(try reading(140), of: "a", at: .seconds(2))
    let measured = try #require(rates.measurement(of: Self.policy, at: .seconds(2)))
    #expect(measured.demandPerMinute == Double(40 + 10 + 40) * 60)
    #expect(measured.errorShare == 0.2)
    #expect(abs(try #require(measured.responseSeconds) - 0.05) < 1e-9)
  }

  @Test("Statistics without the service or without a neighbour of it are no measurement, and say what is not found")
  func absence() throws {
    let text = Envoy(local: 10, remote: 10).text
    func missing(_ change: (String) -> String) throws -> String? {
      var looks = CounterLooks<IngressReading>()
      for time in [1.0, 2] { looks.note(try IngressReading(Array(change(text).utf8)), of: "a", at: .seconds(time)) }
      guard case .missing(let reason) = looks.finding(MeasuredPolicy(Self.policy), at: .seconds(2)) else { return nil }
      return reason
    }
    #expect(try missing { $0 } == nil)
    let none = try missing { $0.replacing("||cart", with: "||basket") }
    #expect(none == "found no cluster of service cart (cart.shop) in the ingress's statistics, expected one")
    let half = try missing { $0.replacing("edge_0_example", with: "edge_1_example") }
    #expect(half?.hasPrefix("found no cluster of neighbour edge-0 (cart.edge-0.example) in") == true)
    // A route that does not have the neighbour sends nothing there.
    var looks = CounterLooks<IngressReading>()
    for (time, local) in [(1.0, 10.0), (2, 20)] {
      let text = Envoy(local: local).text.replacing("edge_0_example", with: "edge_1_example")
      looks.note(try IngressReading(Array(text.utf8)), of: "a", at: .seconds(time))
    }
    let alone = MeasuredPolicy(Self.policy, rules: [[DestinationName("cart", in: "shop")]])
    guard case .counted(let measured) = looks.finding(alone, at: .seconds(2)) else {
      Issue.record("what is all there is is not counted")
      return
    }
    #expect(measured.demandPerMinute == 600 && measured.unseen.isEmpty)
  }

  /// What a policy of a namespace is measured at beside those of others, by clusters that count so much a second each: a
  /// label, what of the cluster's name is in the name of the metric, and the count.
  private func finding(
    _ namespace: String, beside others: [String], _ clusters: [(String, String, Int)]
  ) throws -> Finding? {
    func policy(_ namespace: String) -> OverflowPolicy {
      var policy = Self.policy
      policy.key.namespace = namespace
      return policy
    }
    var looks = CounterLooks<IngressReading>()
    for time in 1...2 {
      let lines = clusters.map { label, cut, rate in
        let name = cut.isEmpty ? "upstream" : "\(cut)_upstream"
        return "envoy_cluster_\(name)_rq_total{envoy_cluster_name=\"\(label)\"} \(time * rate)\n"
      }
      looks.note(try IngressReading(Array(lines.joined().utf8)), of: "a", at: .seconds(Double(time)))
    }
    let followed = FollowedDestinations(([namespace] + others).map(policy))
    return looks.finding(MeasuredPolicy(policy(namespace), rules: nil, beside: followed), at: .seconds(2))
  }

  @Test("A namespace that ends like a port is none of another namespace's")
  func namespacesLikePorts() throws {
    let neighbour = ("cart", "edge_0_example", 1)
    func demand(_ found: Finding?) -> Double? {
      guard case .counted(let measurement)? = found else { return nil }
      return measurement.demandPerMinute
    }
    // Where a service has a cluster of its very name, others are not its own.
    let both = [neighbour, ("cart", "team", 2), ("cart", "team_1", 100)]
    #expect(demand(try finding("team", beside: [], both)) == 180)
    #expect(demand(try finding("team", beside: ["team-1"], both)) == 180)
    #expect(demand(try finding("team-1", beside: ["team"], both)) == 101 * 60)
    // Where it has none, one that is another policy's is not, either.
    let other = [neighbour, ("cart", "team_1", 100)]
    guard case .missing(let reason)? = try finding("team", beside: ["team-1"], other) else {
      Issue.record("what is team-1's is counted")
      return
    }
    #expect(reason.hasPrefix("found no cluster of service cart (cart.team) in"), "\(reason)")
    // A port is one.
    let port = [neighbour, ("cart", "team_8080", 2), ("cart", "team_8081", 3)]
    #expect(demand(try finding("team", beside: ["team-1"], port)) == 360)
  }

  @Test(
    "A cluster without a namespace is that of the only policy with such a service, and of none where there are several")
  func bareNames() throws {
    let clusters = [("cart", "edge_0_example", 1), ("cart", "", 2)]
    let alone = try finding("shop", beside: [], clusters)
    guard case .counted(let measured)? = alone else {
      Issue.record("found \(String(describing: alone))")
      return
    }
    #expect(measured.demandPerMinute == 180)
    for namespace in ["shop", "office"] {
      let found = try finding(namespace, beside: ["shop", "office"], clusters)
      #expect(
        found
          == .missing(
            "found a cluster cart without a namespace in the ingress's statistics, expected one of a namespace: "
              + "policies are for cart.office, cart.shop"))
    }
    // One with a namespace counts.
    #expect(try finding("shop", beside: ["office"], clusters + [("cart", "shop", 2)]) == alone)
  }

  @Test("Where Istio alone counts, a neighbour that got no request has no series: it is unseen, and demand is known")
  func unseen() throws {
    var looks = CounterLooks<IngressReading>()
    for (time, count) in [(1.0, 5), (2, 15)] {
      let labels = #"response_code="200",reporter="source",destination_service="cart.shop.svc.cluster.local""#
      let reading = try IngressReading(Array("istio_requests_total{\(labels)} \(count)".utf8))
      looks.note(reading, of: "a", at: .seconds(time))
    }
    let measured = try #require(looks.measurement(of: Self.policy, at: .seconds(2)))
    #expect(measured.demandPerMinute == 600 && measured.unseen == ["edge-0"] && measured.outcomes.isEmpty)
  }

  @Test("Envoy Gateway's cluster of a whole rule says the demand alone, and nothing beside destinations of others")
  func wholeRule() throws {
    let policy = WeightedRouteTests.policy(.httpRoute, neighbours: 1)
    var looks = CounterLooks<IngressReading>()
    for (time, count) in [(1.0, 5), (2, 25)] {
      let text = """
        envoy_cluster_upstream_rq_total{envoy_cluster_name="httproute/shop/cart/rule/0"} \(count)
        envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="httproute/shop/cart/rule/0"} \(count)
        """
      looks.note(try IngressReading(Array(text.utf8)), of: "a", at: .seconds(time))
    }
    var hosts: [DestinationName?] = ["cart", "cart.edge-0.example"].map { DestinationName($0, in: "shop") }
    let whole = looks.finding(MeasuredPolicy(policy, rules: [hosts]), at: .seconds(2))
    #expect(whole == .counted(DemandMeasurement(demandPerMinute: 1200)))
    hosts.append(DestinationName("basket", in: "shop"))
    guard case .missing(let reason) = looks.finding(MeasuredPolicy(policy, rules: [hosts]), at: .seconds(2)) else {
      Issue.record("what is others' is counted")
      return
    }
    #expect(reason.contains("counts all destinations of rule 0 of HTTPRoute cart together"), "\(reason)")
  }

  @Test(
    "What is none of an Envoy's answers is refused",
    arguments: ["", "\n", "<html><body>No</body></html>", "go_goroutines 8\n", "# TYPE envoy_server_live gauge\n"])
  func others(text: String) {
    #expect(throws: PrometheusText.Fault.self) { try IngressReading(Array(text.utf8)) }
    #expect(throws: PrometheusText.Fault.self) { try SelectorReading(Array(text.utf8)) }
  }

  @Test("Whatever an Envoy answers is read, or refused with a reason")
  func fuzz() throws {
    var generator = SeededGenerator(seed: 13)
    let bytes = Array(Envoy(local: 100, remote: 50, seconds: 3).text.utf8)
    var refused = 0
    for _ in 0..<1500 {
      var mutated = bytes
      for _ in 0..<Int.random(in: 1...20, using: &generator) {
        let at = Int.random(in: 0..<mutated.count, using: &generator)
        mutated[at] =
          Bool.random(using: &generator) ? UInt8.random(in: 0...255, using: &generator) : bytes[(at * 7) % bytes.count]
      }
      if Bool.random(using: &generator) { mutated.removeLast(Int.random(in: 0..<mutated.count, using: &generator)) }
      do {
        let reading = try IngressReading(mutated)
        #expect(reading.clusters.values.allSatisfy { $0.sent >= 0 && $0.sent.isFinite })
      } catch {
        refused += 1
        #expect(!"\(error)".isEmpty)
      }
    }
    #expect(refused > 100)
    for text in ["NaN", "-1", "Inf", "x", ""] {
      #expect(throws: PrometheusText.Fault.self) {
        try IngressReading(Array("envoy_cluster_upstream_rq_total{envoy_cluster_name=\"a\"} \(text)\n".utf8))
      }
    }
  }
}

extension CounterLooks {
  /// What was counted for a policy whose route is not known.
  func measurement(of policy: OverflowPolicy, at now: Moment) -> DemandMeasurement? {
    guard case .counted(let measurement) = finding(MeasuredPolicy(policy), at: now) else { return nil }
    return measurement
  }
}
