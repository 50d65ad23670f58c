import Formats
import Foundation
import Model
import Overflow
import Placement
import PlacementTestSupport
import Planner
import Testing

struct EdgePlanTests {
  /// Clusters by chance on a square, some of them with a rush.
  static func problem(_ count: Int, services: Int, rush: Double, seed: UInt64) -> EdgeProblem {
    var generator = SeededGenerator(seed: seed)
    let places = (0..<count).map { _ in (generator.unit(), generator.unit()) }
    let costs = places.map { a in
      places.map { b in (1 + 20 * hypot(a.0 - b.0, a.1 - b.1)).rounded() }
    }
    let services = (0..<services).map { k in
      let capacity = (0..<count).map { _ in (100 + generator.unit() * 900).rounded() }
      let demand = capacity.map {
        ($0 * (generator.unit() < rush ? 1 + 1.5 * generator.unit() : generator.unit())).rounded()
      }
      return EdgeProblem.Service(name: "service-\(k)", demand: demand, capacity: capacity)
    }
    return EdgeProblem(clusters: (0..<count).map { "c\($0)" }, services: services, costs: costs)
  }

  private static func outcomes(_ problem: EdgeProblem) -> [OverflowRound.Outcome] {
    let round = OverflowRound(costs: problem.costs, shedCost: problem.shedCost)
    return problem.services.map { round.decide(demand: $0.demand, capacity: $0.capacity) }
  }

  @Test(
    "A round finds the optimum of the linear program",
    arguments: [(2, 0.5), (3, 0.4), (5, 0.3), (8, 0.6), (20, 0.2), (30, 0.5)])
  func round(count: Int, rush: Double) throws {
    for seed in 1...4 {
      let problem = Self.problem(count, services: 5, rush: rush, seed: UInt64(seed))
      let plan = try EdgePlan(problem)
      let outcomes = Self.outcomes(problem)
      let cost = outcomes.reduce(0) { $0 + $1.cost }
      #expect(abs(cost - plan.cost) < 1e-6 * (1 + plan.cost), "seed \(seed)")
      for (service, outcome) in zip(problem.services, outcomes) {
        var load = zip(service.demand, service.capacity).map { min($0, $1) }
        var left = zip(service.demand, service.capacity).map { max(0, $0 - $1) }
        for flow in outcome.flows {
          load[flow.to] += flow.perMinute
          left[flow.from] -= flow.perMinute
          #expect(flow.perMinute > 0)
        }
        for k in load.indices {
          #expect(load[k] <= service.capacity[k] + 1e-6)
          #expect(abs(left[k] - outcome.shed[k]) < 1e-6)
        }
      }
    }
  }

  @Test("For one cluster that has too much, the waterfall is the optimum", arguments: 1...20)
  func waterfall(seed: UInt64) throws {
    var problem = Self.problem(6, services: 1, rush: 0, seed: seed)
    problem.services[0].demand[0] = problem.services[0].capacity.reduce(0, +) * Double(seed) / 18
    let plan = try EdgePlan(problem)
    let service = problem.services[0]
    let neighbours = (1..<6).map { k in
      Neighbour(
        name: problem.clusters[k], cost: problem.costs[0][k],
        headroom: Headroom(
          perMinute: service.capacity[k] - service.demand[k], at: .start, lifetime: .seconds(10)))
    }
    let split = Split(
      demand: service.demand[0], capacity: service.capacity[0], neighbours: neighbours, at: .start)
    var cost = split.shed * service.demand[0] * problem.shedCost
    for (share, neighbour) in zip(split.remote, neighbours) { cost += share * service.demand[0] * neighbour.cost }
    #expect(abs(cost - plan.cost) <= 1e-6 * (1 + plan.cost))
  }

  @Test("Clusters that each decide for themselves come within a percent of the optimum where room is not contended")
  func governors() throws {
    // Three edges with a rush, far from each other, each with a neighbour of its own, and a cloud for all.
    let problem = EdgeProblem(
      clusters: ["a", "b", "c", "a2", "b2", "c2", "cloud"],
      services: [
        .init(
          name: "cart", demand: [900, 1100, 700, 100, 300, 500, 0],
          capacity: [540, 540, 540, 400, 500, 900, 10_000])
      ],
      costs: (0..<7).map { a in (0..<7).map { b in a % 3 == b % 3 && a != 6 && b != 6 ? 4 : b == 6 ? 20 : 30 } })
    let plan = try EdgePlan(problem)
    let service = problem.services[0]
    var governors = (0..<3).map { _ in SplitGovernor() }
    var received = Array(repeating: 0.0, count: 7)
    var cost = 0.0
    for second in 0..<120 {
      let now = Moment.seconds(Double(second))
      var next = Array(repeating: 0.0, count: 7)
      cost = 0
      for k in 0..<3 {
        let neighbours = (3..<7).map { j in
          Neighbour(
            name: problem.clusters[j], cost: problem.costs[k][j],
            headroom: Headroom(
              perMinute: service.capacity[j] - service.demand[j] - received[j], receivedPerMinute: received[j], at: now,
              lifetime: .seconds(10)))
        }
        let split = governors[k].decide(
          Observation(
            demandPerMinute: service.demand[k], capacityPerMinute: service.capacity[k], neighbours: neighbours),
          at: now)
        for (j, share) in split.remote.enumerated() {
          next[3 + j] += share * service.demand[k]
          cost += share * service.demand[k] * problem.costs[k][3 + j]
        }
        cost += split.shed * service.demand[k] * problem.shedCost
      }
      received = next
    }
    #expect(cost <= plan.cost * 1.01 + 1e-9 && cost >= plan.cost * 0.99)
  }

  @Test("Growth says how far demands can grow: at it nothing is shed, beyond it something is")
  func growth() throws {
    for seed in 1...10 {
      var problem = Self.problem(6, services: 3, rush: 0.3, seed: UInt64(seed))
      let growth = try #require(try EdgePlan(problem).growth)
      for (factor, isShed) in [(0.999, false), (1.001, true)] {
        var grown = problem
        for k in grown.services.indices {
          grown.services[k].demand = problem.services[k].demand.map { $0 * growth * factor }
        }
        let shed = try EdgePlan(grown).shed.flatMap { $0 }.reduce(0, +)
        #expect((shed > 1e-6) == isShed, "seed \(seed): \(shed) shed at \(factor) of \(growth)")
      }
      problem.services = problem.services.map {
        .init(name: $0.name, demand: [0, 0, 0, 0, 0, 0], capacity: $0.capacity)
      }
      #expect(try EdgePlan(problem).growth == nil)
    }
  }

  @Test("The model in MathProg has the same optimum, of the example and of others", .enabled(if: Glpsol.isExpected))
  func model() throws {
    let file = Glpsol.models.deletingLastPathComponent().appendingPathComponent("manifests/examples/edges.yaml")
    let problem = try EdgeProblem(yaml: String(contentsOf: file, encoding: .utf8), file: "edges.yaml")
    let plan = try EdgePlan(problem)
    #expect(abs(plan.cost - 4200) < 1e-6)
    #expect(abs(try #require(plan.growth) - 2.25) < 1e-9)
    let example = Glpsol.models.appendingPathComponent("edges.dat")
    #expect(abs(try #require(try Glpsol.solve("overflow.mod", example).cost) - 4200) < 1e-6)
    for seed in 1...5 {
      let problem = Self.problem(6, services: 3, rush: 0.4, seed: UInt64(seed))
      let plan = try EdgePlan(problem)
      let cost = try Glpsol.solve("overflow.mod", text: Self.data(problem, grows: false)).cost
      #expect(abs(try #require(cost) - plan.cost) < 1e-5 * (1 + plan.cost))
      let factor = try Glpsol.solve("overflow.mod", text: Self.data(problem, grows: true)).cost
      #expect(abs(try #require(factor) + (try #require(plan.growth))) < 1e-6)
    }
  }

  private static func data(_ problem: EdgeProblem, grows: Bool) -> String {
    var text = "data;\nset CLUSTERS := \(problem.clusters.joined(separator: " "));\n"
    text += "set SERVICES := \(problem.services.map(\.name).joined(separator: " "));\n"
    text += "param grow := \(grows ? 1 : 0);\nparam shedCost := \(problem.shedCost);\n"
    for (name, values) in [("demand", \EdgeProblem.Service.demand), ("capacity", \.capacity)] {
      text += "param \(name) :=\n"
      for service in problem.services {
        for (cluster, value) in zip(problem.clusters, service[keyPath: values]) {
          text += "  \(service.name) \(cluster) \(value)\n"
        }
      }
      text += ";\n"
    }
    text += "param cost :=\n"
    for (a, row) in zip(problem.clusters, problem.costs) {
      for (b, cost) in zip(problem.clusters, row) where a != b { text += "  \(a) \(b) \(cost)\n" }
    }
    return text + ";\nend;\n"
  }

  @Test(
    "A file that is wrong is named with its line and field",
    arguments: [
      ("clusters: []\nservices: []", "clusters"),
      ("clusters: [a]\nservices: []", "services"),
      ("clusters: [a, a]\nservices: [{name: x}]", "no other cluster"),
      ("clusters: [a]\nservices: [{name: x}]", "demandPerMinute"),
      ("clusters: [a]\nservices: [{name: x, demandPerMinute: {b: 1}, capacityPerMinute: {}}]", "b"),
      ("clusters: [a]\nservices: [{name: x, demandPerMinute: {a: -1}, capacityPerMinute: {}}]", "-1"),
      ("clusters: [a]\ncosts: {a: {a: x}}\nservices: [{name: x, demandPerMinute: {}, capacityPerMinute: {}}]", "x"),
    ])
  func wrong(yaml: String, part: String) {
    let error = #expect(throws: FileError.self) { try EdgeProblem(yaml: yaml, file: "edges.yaml") }
    #expect("\(error.map { "\($0)" } ?? "")".contains("edges.yaml"))
    #expect("\(error.map { "\($0)" } ?? "")".contains(part))
  }
}
