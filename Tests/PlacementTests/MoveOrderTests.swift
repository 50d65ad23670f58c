import Model
import Placement
import PlacementTestSupport
import Testing

@Suite("Order of moves")
struct MoveOrderTests {
  /// A problem with one resource: nodes of these capacities, a workload for each replica list.
  private func problem(
    capacities: [Int64], _ workloads: [(request: Int64, now: [Int]?, replicas: Int)]
  ) -> Problem {
    var problem = Problem(
      resources: ["cpu"],
      nodes: capacities.indices.map { .init(name: "node-\($0)") },
      workloads: workloads.enumerated().map { .init(name: "w\($0)", replicas: $1.replicas) },
      requests: workloads.map(\.request),
      allocatable: capacities
    )
    problem.current = workloads.map { $0.now.map(placed) }
    return problem
  }

  private func placed(_ counts: [Int]) -> [Problem.Placed] {
    counts.enumerated().filter { $0.element > 0 }.map { .init(node: $0.offset, replicas: $0.element) }
  }

  private func assignment(_ counts: [[Int]]) -> Assignment { Assignment(placed: counts.map(placed)) }

  @Test("A chain is taken from its free end")
  func chain() {
    let problem = problem(capacities: [4, 4, 4], [(4, [1, 0, 0], 1), (4, [0, 1, 0], 1)])
    let order = problem.moveOrder(to: assignment([[0, 1, 0], [0, 0, 1]]))
    #expect(
      order.steps == [
        .init(workload: 1, replicas: 1, from: 1, to: 2),
        .init(workload: 0, replicas: 1, from: 0, to: 1),
      ])
    #expect(order.blocked.isEmpty)
  }

  @Test("A replica that frees a wanted node goes before one that frees nothing")
  func usefulFirst() {
    // Node 0 has room for one: the replica of w0 must take it, or w2 could never leave for node 1.
    let problem = problem(
      capacities: [4, 2, 4], [(2, [0, 1, 0], 1), (2, [0, 0, 1], 1), (2, [1, 0, 0], 1)])
    let order = problem.moveOrder(to: assignment([[1, 0, 0], [1, 0, 0], [0, 1, 0]]))
    #expect(order.steps.map(\.workload) == [0, 2, 1])
    #expect(order.interruptions.isEmpty)
  }

  @Test("A replica that frees nothing waits for one that frees a wanted node and does not fit yet")
  func uselessWaits() {
    // On node 0 there is room for w0 at once, but w1 needs it, together with what w2 leaves: w3 waits for w1's node.
    let problem = problem(
      capacities: [4, 2, 1, 1],
      [(1, [0, 0, 0, 1], 1), (2, [0, 1, 0, 0], 1), (1, [1, 0, 0, 0], 1), (2, [1, 0, 0, 0], 1)]
    )
    let order = problem.moveOrder(to: assignment([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]]))
    #expect(order.steps.map(\.workload) == [2, 1, 3, 0])
    #expect(order.interruptions.isEmpty)
  }

  @Test("Two that swap full nodes: one is interrupted and named, the one with other replicas running")
  func swap() {
    let problem = problem(
      capacities: [4, 4, 4], [(4, [1, 0, 0], 1), (4, [0, 1, 1], 2)])
    let order = problem.moveOrder(to: assignment([[0, 1, 0], [1, 0, 1]]))
    #expect(
      order.steps == [
        .init(workload: 1, replicas: 1, from: 1, to: 0, part: .stop),
        .init(workload: 0, replicas: 1, from: 0, to: 1),
        .init(workload: 1, replicas: 1, from: 1, to: 0, part: .start),
      ])
    #expect(order.interruptions == [.init(workload: 1, replicas: 1, from: 1, to: 0, part: .stop)])
    #expect(order.moveCount == 2)
    #expect(order.blocked.isEmpty)
  }

  @Test("New replicas come from nowhere, removed ones go first")
  func scaling() {
    let problem = problem(capacities: [4, 4], [(2, [2, 0], 1), (2, [1, 0], 2), (1, nil, 1)])
    let order = problem.moveOrder(to: assignment([[0, 1], [1, 1], [1, 0]]))
    #expect(order.steps.first == .init(workload: 0, replicas: 1, from: 0, to: nil))
    #expect(
      Set(order.steps.dropFirst()) == [
        .init(workload: 0, replicas: 1, from: 0, to: 1),
        .init(workload: 1, replicas: 1, from: nil, to: 1),
        .init(workload: 2, replicas: 1, from: nil, to: 0),
      ])
    #expect(order.moveCount == 1)
  }

  @Test("What the placement itself puts too much on a node is blocked, and nothing else")
  func overCapacity() {
    let problem = problem(capacities: [4, 4], [(3, [1, 0], 1), (3, [0, 1], 1), (1, [1, 0], 1)])
    let order = problem.moveOrder(to: assignment([[0, 1], [0, 1], [0, 1]]))
    #expect(order.steps == [.init(workload: 2, replicas: 1, from: 0, to: 1)])
    #expect(order.blocked == [.init(workload: 0, replicas: 1, from: 0, to: 1)])
  }

  @Test("Where nothing changes there are no steps")
  func nothing() {
    let problem = problem(capacities: [4, 4], [(1, [2, 1], 3)])
    let order = problem.moveOrder(to: assignment([[2, 1]]))
    #expect(order.steps.isEmpty && order.blocked.isEmpty)
  }

  // MARK: - Properties

  /// A random problem with a placement that runs and another to go to, both within capacity.
  private func randomCase(seed: UInt64, workloads: Int, nodes: Int, fill: Double) -> (Problem, Assignment) {
    var recipe = RandomProblem(workloads: workloads, nodes: nodes)
    recipe.replicas = 1...4
    recipe.resources = 2
    recipe.fill = fill
    recipe.likeNodes = seed % 2 == 0
    recipe.reserved = seed % 3 == 0
    var (problem, target) = recipe.make(seed: seed)
    var random = SeededGenerator(seed: seed &+ 1)
    var counts = target.placed.map { placed in
      placed.reduce(into: Array(repeating: 0, count: nodes)) { $0[$1.node] += $1.replicas }
    }
    var load = problem.load(target)
    func add(_ w: Int, _ n: Int, _ sign: Int64) {
      counts[w][n] += Int(sign)
      for k in 0..<2 { load[n * 2 + k] += sign * problem.requests[w * 2 + k] }
    }
    func isOver(_ n: Int) -> Bool { (0..<2).contains { load[n * 2 + $0] > problem.allocatable[n * 2 + $0] } }
    for _ in 0..<workloads * 20 {
      let (u, v) = (Int.random(in: 0..<workloads, using: &random), Int.random(in: 0..<workloads, using: &random))
      guard let a = counts[u].indices.filter({ counts[u][$0] > 0 }).randomElement(using: &random),
        let b = counts[v].indices.filter({ counts[v][$0] > 0 }).randomElement(using: &random), u != v, a != b
      else { continue }
      let isSwap = Bool.random(using: &random)
      add(u, a, -1)
      add(u, b, 1)
      if isSwap {
        add(v, b, -1)
        add(v, a, 1)
      }
      if isOver(a) || isOver(b) {
        add(u, a, 1)
        add(u, b, -1)
        if isSwap {
          add(v, b, 1)
          add(v, a, -1)
        }
      }
    }
    for w in 0..<workloads {
      switch Int.random(in: 0..<8, using: &random) {
      case 0: problem.current[w] = nil
      case 1:
        // One replica fewer than is wanted.
        let n = counts[w].firstIndex { $0 > 0 } ?? 0
        add(w, n, -1)
        problem.current[w] = placed(counts[w])
      case 2:
        // One more, where it fits.
        let n = Int.random(in: 0..<nodes, using: &random)
        add(w, n, 1)
        if isOver(n) { add(w, n, -1) }
        problem.current[w] = placed(counts[w])
      default: problem.current[w] = placed(counts[w])
      }
    }
    return (problem, target)
  }

  /// Replays an order step by step, starting before stopping. Answers what is wrong with it; nil where nothing is.
  private func fault(_ order: MoveOrder, _ problem: Problem, _ target: Assignment) -> String? {
    let (nodes, resources) = (problem.nodes.count, problem.resources.count)
    var counts = problem.current.map { current in
      (current ?? []).reduce(into: Array(repeating: 0, count: nodes)) { $0[$1.node] += $1.replicas }
    }
    var load = problem.load(Assignment(placed: problem.current.map { $0 ?? [] }))
    var stopped: [MoveOrder.Step: Int] = [:]
    for (i, step) in order.steps.enumerated() {
      var half = step
      half.part = .stop
      half.replicas = 1
      if step.part == .start { stopped[half, default: 0] -= step.replicas }
      if step.part == .stop { stopped[half, default: 0] += step.replicas }
      if stopped.values.contains(where: { $0 < 0 }) { return "step \(i) starts what was not stopped" }
      if let to = step.to, step.part != .stop {
        counts[step.workload][to] += step.replicas
        for k in 0..<resources {
          let request = problem.requests[step.workload * resources + k]
          load[to * resources + k] += Int64(step.replicas) * request
          if request > 0, load[to * resources + k] > problem.allocatable[to * resources + k] {
            return "step \(i) fills node \(to)"
          }
        }
      }
      if let from = step.from, step.part != .start {
        counts[step.workload][from] -= step.replicas
        for k in 0..<resources {
          load[from * resources + k] -= Int64(step.replicas) * problem.requests[step.workload * resources + k]
        }
        if counts[step.workload][from] < 0 { return "step \(i) stops what does not run" }
      }
    }
    if stopped.values.contains(where: { $0 != 0 }) { return "something stopped stays stopped" }
    for w in counts.indices where placed(counts[w]) != target.placed[w] { return "w\(w) ends up elsewhere" }
    if order.moveCount != problem.moves(target) { return "\(order.moveCount) moves" }
    return nil
  }

  @Test(
    "A replay never overfills a node, ends at the placement, and moves as many as the problem counts",
    arguments: [0.5, 0.8, 0.95, 1.0])
  func replay(fill: Double) {
    for seed in 0..<60 as Range<UInt64> {
      let (problem, target) = randomCase(seed: seed, workloads: 24, nodes: 6, fill: fill)
      let order = problem.moveOrder(to: target)
      #expect(order.blocked.isEmpty, "seed \(seed)")
      #expect(fault(order, problem, target) == nil, "seed \(seed)")
    }
  }

  /// Whether there is any order without an interruption, by trying all.
  private func canDoWithoutInterruption(_ problem: Problem, _ target: Assignment) -> Bool {
    let nodes = problem.nodes.count
    func counts(_ placed: [[Problem.Placed]]) -> [Int] {
      placed.flatMap { $0.reduce(into: Array(repeating: 0, count: nodes)) { $0[$1.node] += $1.replicas } }
    }
    let goal = counts(target.placed)
    func fits(_ state: [Int], _ n: Int) -> Bool {
      problem.resources.indices.allSatisfy { k in
        let i = n * problem.resources.count + k
        return problem.workloads.indices.reduce(problem.reserved[i]) {
          $0 + Int64(state[$1 * nodes + n]) * problem.requests[$1 * problem.resources.count + k]
        } <= problem.allocatable[i]
      }
    }
    var seen: Set<[Int]> = []
    var open = [counts(problem.current.map { $0 ?? [] })]
    while let state = open.popLast() {
      if state == goal { return true }
      guard seen.insert(state).inserted else { continue }
      for w in problem.workloads.indices {
        let row = w * nodes..<(w + 1) * nodes
        let surplus = row.reduce(0) { $0 + state[$1] - goal[$1] }
        let sources = row.filter { state[$0] > goal[$0] }
        if surplus > 0 {
          for source in sources {
            var next = state
            next[source] -= 1
            open.append(next)
          }
          continue
        }
        for to in row where state[to] < goal[to] {
          var next = state
          next[to] += 1
          guard fits(next, to % nodes) else { continue }
          if sources.isEmpty { open.append(next) }
          for source in sources {
            var next = next
            next[source] -= 1
            open.append(next)
          }
        }
      }
    }
    return false
  }

  @Test("It interrupts a replica hardly ever where a complete search finds an order that does not")
  func comparedWithCompleteSearch() {
    var (possible, missed) = (0, 0)
    for seed in 0..<150 as Range<UInt64> {
      let (problem, target) = randomCase(seed: seed, workloads: 5, nodes: 3, fill: 0.9)
      guard canDoWithoutInterruption(problem, target) else {
        #expect(!problem.moveOrder(to: target).interruptions.isEmpty, "seed \(seed)")
        continue
      }
      possible += 1
      if !problem.moveOrder(to: target).interruptions.isEmpty { missed += 1 }
    }
    #expect(possible > 20)
    #expect(Double(missed) <= 0.05 * Double(possible))
  }
}
