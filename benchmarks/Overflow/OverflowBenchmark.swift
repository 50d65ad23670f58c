import Foundation
import Model
import Overflow
import Placement

/// What decisions about overflow take, beside GLPK on the same linear program, and how soon and how steadily a governor
/// follows the load. See README.md.
@main
struct OverflowBenchmark {
  private static let rounds = 5

  static func main() throws {
    try everyCluster(rush: 0.1)
    try everyCluster(rush: 0.5)
    oneCluster()
    split()
    for capacity in [540.0, 6000, 60_000] { reaction(capacity) }
    for (perMinute, capacity) in [(1080.0, 540.0), (12_000, 6000), (120_000, 60_000)] { steady(perMinute, capacity) }
  }

  private static func milliseconds(_ work: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try work()
    return (ContinuousClock.now - start) / .milliseconds(1)
  }

  /// Lowest, median and highest of some figures.
  private static func range(_ values: [Double], _ digits: Int = 1) -> String {
    let sorted = values.sorted()
    let texts = [sorted[sorted.count / 2], sorted[0], sorted[sorted.count - 1]].map {
      String(format: "%.\(digits)f", $0)
    }
    return "\(texts[0]) (\(texts[1]) to \(texts[2]))"
  }

  // MARK: - Time

  /// 100 clusters on a square, 1,000 services, some of the clusters with a rush: all of them at once.
  private static func everyCluster(rush: Double) throws {
    var generator = SeededGenerator(seed: 1)
    let places = (0..<100).map { _ in (generator.unit(), generator.unit()) }
    let costs = places.map { a in places.map { b in 1 + 20 * hypot(a.0 - b.0, a.1 - b.1) } }
    let services = (0..<1000).map { number in
      let capacity = (0..<100).map { _ in 100 + generator.unit() * 900 }
      let demand = capacity.map {
        $0 * (generator.unit() < rush ? 1 + generator.unit() : generator.unit())
      }
      return EdgeProblem.Service(name: "\(number)", demand: demand, capacity: capacity)
    }
    let round = OverflowRound(costs: costs)
    var cost = 0.0
    var flows = 0
    let times = (0..<rounds).map { _ in
      (cost, flows) = (0, 0)
      return milliseconds {
        for service in services {
          let outcome = round.decide(demand: service.demand, capacity: service.capacity)
          cost += outcome.cost
          flows += outcome.flows.count
        }
      }
    }
    // GLPK takes so long that a few services stand for all.
    let few = EdgeProblem(clusters: places.indices.map { "\($0)" }, services: Array(services.prefix(3)), costs: costs)
    var plan: EdgePlan?
    let peer = try milliseconds { plan = try EdgePlan(few) } / 3 * 1000
    let same = few.services.reduce(0) { $0 + round.decide(demand: $1.demand, capacity: $1.capacity).cost }
    let gap = plan.map { same / $0.cost - 1 } ?? .nan
    print(
      "100 clusters × 1,000 services, \(Int(rush * 100)) % of the clusters full: \(range(times)) ms, \(flows) flows;",
      String(format: "GLPK on the same about %.0f ms (growth included), %.6f %% from its optimum", peer, gap * 100))
  }

  /// A controller of one cluster: 1,000 services, each with 99 neighbours that say what they have.
  private static func oneCluster() {
    var generator = SeededGenerator(seed: 2)
    var governors = (0..<1000).map { _ in SplitGovernor() }
    let demands = governors.map { _ in 300 + generator.unit() * 600 }
    let neighbours = (0..<99).map { k in
      Neighbour(
        name: "cluster-\(k)", cost: Double(1 + k),
        headroom: Headroom(perMinute: generator.unit() * 100, at: .start, lifetime: .seconds(1000)))
    }
    var out = 0.0
    let times = (0..<30).map { second in
      milliseconds {
        for k in governors.indices {
          let noise = 1 + (generator.unit() - 0.5) * 0.1
          let split = governors[k].decide(
            Observation(demandPerMinute: demands[k] * noise, capacityPerMinute: 540, neighbours: neighbours),
            at: .seconds(Double(second)))
          out += split.out
        }
      }
    }
    print("one cluster's round, 1,000 services with 99 neighbours each: \(range(Array(times.dropFirst(5)))) ms")
    precondition(out > 0)
  }

  // MARK: - Precision

  /// The largest difference from the shares over any 1,000 requests in a row, in percentage points.
  private static func split() {
    var worst = 0.0
    for seed in 1...20 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let weights = (0..<(2 + generator.below(8))).map { _ in generator.unit() }
      let sum = weights.reduce(0, +)
      var picker = SplitPicker(weights: weights)
      var picks: [Int] = []
      var within = weights.map { _ in 0 }
      for k in 0..<100_000 {
        let next = picker.next() ?? 0
        picks.append(next)
        within[next] += 1
        if k >= 1000 { within[picks[k - 1000]] -= 1 }
        guard k >= 999 else { continue }
        for (count, weight) in zip(within, weights) { worst = max(worst, abs(Double(count) / 10 - 100 * weight / sum)) }
      }
    }
    print(String(format: "a split over any 1,000 of 2,000,000 requests: at most %.2f percentage points off", worst))
  }

  // MARK: - Over time

  private struct Edge {
    var governor = SplitGovernor()
    var generator: SeededGenerator
    var capacity: Double
    var second = 0.0

    /// A second in which requests come by chance.
    mutating func step(_ perMinute: Double) -> Double {
      second += 1
      let mean = perMinute / 60
      let (u, v) = (max(generator.unit(), 1e-12), generator.unit())
      let count = max(0, (mean + (-2 * mean * log(u)).squareRoot() * cos(2 * .pi * v)).rounded())
      let neighbour = Neighbour(
        name: "b", cost: 4,
        headroom: Headroom(perMinute: 10 * capacity, at: .seconds(second), lifetime: .seconds(10)))
      return governor.decide(
        Observation(demandPerMinute: count * 60, capacityPerMinute: capacity, neighbours: [neighbour]),
        at: .seconds(second)
      ).out
    }
  }

  /// Seconds from a step of 50 % to 200 % of the capacity until half of what is too much, or more, goes out.
  private static func reaction(_ capacity: Double) {
    let seconds = (1...1000).map { seed in
      var edge = Edge(generator: SeededGenerator(seed: UInt64(seed)), capacity: capacity)
      for _ in 0..<120 { _ = edge.step(capacity / 2) }
      var seconds = 1.0
      while edge.step(capacity * 2) < 0.25 { seconds += 1 }
      return seconds
    }
    let late = seconds.count { $0 > 2 }
    print(
      "a step from 50 to 200 % of \(Int(capacity)) requests a minute, measured each second: \(range(seconds, 0)) s;",
      "\(late) of \(seconds.count) later than 2 s")
  }

  /// How often the split turns round in an hour of steady load.
  private static func steady(_ perMinute: Double, _ capacity: Double) {
    var turns = 0
    for seed in 1...20 {
      var edge = Edge(generator: SeededGenerator(seed: UInt64(seed)), capacity: capacity)
      for _ in 0..<180 { _ = edge.step(perMinute) }
      var (direction, before) = (0, edge.governor.split.out)
      for _ in 0..<3600 {
        let out = edge.step(perMinute)
        if abs(out - before) > 1e-9 {
          let next = out > before ? 1 : -1
          if direction != 0, next != direction { turns += 1 }
          direction = next
        }
        before = out
      }
    }
    print("20 hours at a steady \(Int(perMinute)) of \(Int(capacity)) requests a minute: turned round \(turns) times")
  }
}
