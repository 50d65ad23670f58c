import Model
import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The completion bound")
struct CompletionTests {
  @Test(
    "Is a bound with few states, however its multipliers are, and steps make it no worse", arguments: UInt64(1)...30)
  func bounds(seed: UInt64) throws {
    let tier = PatternTier.random(seed: seed)
    let group = tier.groups[0]
    var random = SeededGenerator(seed: seed)
    let prices = (0..<tier.itemCount).map { _ in Double.random(in: -10...60, using: &random) }
    var best = 0.0
    tier.forEachPattern(of: group) { best = max(best, Pattern($0, tier).worth(prices)) }
    let first = PriceRelaxation.Multipliers(
      shareOfU: tier.edges.map { Double.random(in: 0...1, using: &random) * $0.gain },
      capacityPrice: group.capacity.map { _ in Double.random(in: 0...0.1, using: &random) })

    var last = Double.infinity
    for steps in [0, 5, 30] {
      let layout = PatternLayout(tier, limits: group.limits, order: PatternLayout.order(tier))
      let completion = Completion(tier, group, layout, CompletionTable(), mostStates: 4)
      let value = completion.prepare(prices, first, floor: best, steps: steps, WorkBudget()).value
      #expect(value >= best - 1e-9)
      #expect(value <= last + 1e-9)
      last = value
    }
  }

  @Test("Is exact where all edges are kept, and one resource has few levels", arguments: UInt64(1)...20)
  func isExact(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var problem = Problem(
      resources: ["cpu"], nodes: [Problem.Node(name: "a")],
      workloads: (0..<6).map { Problem.Workload(name: "w\($0)", replicas: 1 + random.below(3)) },
      requests: (0..<6).map { _ in Int64(50 * (1 + random.below(5))) }, allocatable: [800])
    problem.weights = Problem.Weights(leavingNode: 1)
    for u in 0..<6 {
      for v in u + 1..<6 where random.below(2) == 0 {
        problem.edges.append(Problem.Edge(u: u, v: v, traffic: Double(1 + random.below(100))))
      }
    }
    let tier = PatternTier(nodesOf: problem)
    let group = tier.groups[0]
    let prices = (0..<tier.itemCount).map { _ in Double.random(in: -10...40, using: &random) }
    var best = 0.0
    tier.forEachPattern(of: group) { best = max(best, Pattern($0, tier).worth(prices)) }
    let layout = PatternLayout(tier, limits: group.limits, order: PatternLayout.order(tier))
    let completion = Completion(tier, group, layout, CompletionTable(), mostStates: 1_000_000)
    #expect(completion.isKept.allSatisfy { $0 })
    let multipliers = PriceRelaxation.Multipliers(shareOfU: tier.edges.map(\.gain), capacityPrice: [1])
    let value = completion.prepare(prices, multipliers, floor: -1, steps: 0, WorkBudget()).value
    #expect(value >= best)
    #expect(value <= best + 0.01)
  }

  @Test("The order of items is one, and keeps the frontier of a ring at two")
  func order() {
    var problem = Problem(
      resources: ["cpu"], nodes: [Problem.Node(name: "a")],
      workloads: (0..<12).map { Problem.Workload(name: "w\($0)", replicas: 1) },
      requests: Array(repeating: 1, count: 12), allocatable: [12])
    problem.weights = Problem.Weights(leavingNode: 1)
    // Around the ring in steps of five.
    for step in 0..<12 {
      let (u, v) = (step * 5 % 12, (step + 1) * 5 % 12)
      problem.edges.append(Problem.Edge(u: min(u, v), v: max(u, v), traffic: 1))
    }
    let tier = PatternTier(nodesOf: problem)
    let order = PatternLayout.order(tier)
    #expect(order.sorted() == Array(0..<12))
    let layout = PatternLayout(tier, limits: tier.groups[0].limits, order: order)
    for step in 0..<12 {
      let frontier = layout.frontier[step * layout.wordCount..<(step + 1) * layout.wordCount]
      #expect(frontier.reduce(0) { $0 + $1.nonzeroBitCount } <= 2)
    }
  }
}
