import Model
package import Placement

/// A recipe for random problems; the same recipe and seed make the same problem. Every problem has a placement: one is
/// drawn first, and what constrains is drawn around it.
package struct RandomProblem: Hashable, Sendable {
  /// How traffic edges are drawn.
  package enum Graph: Hashable, Sendable {
    /// Pairs at random, with so many edges for each workload.
    case sparse(degree: Double)
    /// Each workload calls earlier ones, busy ones more likely; traffic falls off with a power law.
    case powerLaw(calls: Int)
  }

  /// How many workloads.
  package var workloads: Int
  /// How many nodes.
  package var nodes: Int
  /// The graph of traffic.
  package var graph: Graph
  /// How many replicas a workload has.
  package var replicas: ClosedRange<Int>
  /// How many kinds of resources.
  package var resources: Int
  /// How full the nodes are in all, from 0 to 1, as far as the placement drawn first allows it.
  package var fill: Double
  /// Whether all nodes have the same capacity.
  package var likeNodes: Bool
  /// How many zones.
  package var zones: Int
  /// How many rules of each kind.
  package var rulesOfEachKind: Int
  /// Whether some workloads may not run, or not with all replicas, on some nodes.
  package var limits: Bool
  /// Whether some of a node's capacity is reserved.
  package var reserved: Bool
  /// Whether workloads run somewhere already.
  package var current = false
  /// Whether what runs breaks constraints, as clusters come to: nodes are cordoned or too full, pods are evicted, rules
  /// came later. Such a problem may have no placement where moves are limited.
  package var isBroken = false
  /// Whether nodes offer none any more of a resource that is used there, and workloads have some replicas too many. Such
  /// a problem may have no placement where moves are limited.
  package var isStranded = false
  /// Whether some rules are of workloads that want to be together with themselves.
  package var selfAffinity = false
  /// How many matrices of traffic there are; 0 for none beside the edges' traffic.
  package var matrices = 0
  /// What several matrices count together.
  package var combination = Problem.Combination.mean
  /// The weights.
  package var weights = Problem.Weights()

  /// A recipe for so many workloads on so many nodes; what else it says is above.
  package init(
    workloads: Int,
    nodes: Int,
    graph: Graph = .sparse(degree: 2),
    replicas: ClosedRange<Int> = 1...1,
    resources: Int = 1,
    fill: Double = 0.8,
    likeNodes: Bool = true,
    zones: Int = 1,
    rulesOfEachKind: Int = 0,
    limits: Bool = false,
    reserved: Bool = false
  ) {
    self.workloads = workloads
    self.nodes = nodes
    self.graph = graph
    self.replicas = replicas
    self.resources = resources
    self.fill = fill
    self.likeNodes = likeNodes
    self.zones = zones
    self.rulesOfEachKind = rulesOfEachKind
    self.limits = limits
    self.reserved = reserved
  }

  /// Makes the recipe's problem of a seed.
  package func problem(seed: UInt64) -> Problem { make(seed: seed).problem }

  /// Makes the recipe's problem of a seed, and a placement that satisfies its constraints, which is not a good one.
  package func make(seed: UInt64) -> (problem: Problem, placement: Assignment) {
    var random = SeededGenerator(seed: seed)
    let requests = (0..<workloads * resources).map { _ in Int64.random(in: 1...9, using: &random) * 50 }
    let counts = (0..<workloads).map { _ in Int.random(in: replicas, using: &random) }
    let placement = draw(counts, requests, &random)

    var problem = Problem(
      resources: ["cpu", "memory", "disk", "gpu"].prefix(resources).map { $0 },
      nodes: (0..<nodes).map { Problem.Node(name: "node-\($0 + 1)", zone: $0 % zones) },
      zones: (0..<zones).map { "zone-\($0 + 1)" },
      workloads: counts.enumerated().map { Problem.Workload(name: "w\($0 + 1)", replicas: $1) },
      requests: requests,
      allocatable: Array(repeating: 0, count: nodes * resources)
    )
    problem.weights = weights
    problem.edges = edges(&random)
    drawMatrices(&problem, seed: seed)
    capacities(&problem, placement, &random)
    if limits { drawLimits(&problem, placement, &random) }
    if rulesOfEachKind > 0 { drawRules(&problem, placement, &random) }
    if current { drawCurrent(&problem, placement, &random) }
    if selfAffinity { drawSelfAffinity(&problem, &random) }
    if isBroken { breakConstraints(&problem, &random) }
    if isStranded { strand(&problem, &random) }
    return (problem, placement)
  }

  /// Each replica on the node that is least full, more or less.
  private func draw(_ counts: [Int], _ requests: [Int64], _ random: inout SeededGenerator) -> Assignment {
    var load = Array(repeating: Int64(0), count: nodes)
    var placed: [[Problem.Placed]] = []
    for w in 0..<workloads {
      var on = Array(repeating: 0, count: nodes)
      for _ in 0..<counts[w] {
        let some = (0..<2).map { _ in Int.random(in: 0..<nodes, using: &random) }
        let n = load[some[0]] <= load[some[1]] ? some[0] : some[1]
        on[n] += 1
        load[n] += (0..<resources).reduce(0) { $0 + requests[w * resources + $1] }
      }
      placed.append(on.indices.filter { on[$0] > 0 }.map { Problem.Placed(node: $0, replicas: on[$0]) })
    }
    return Assignment(placed: placed)
  }

  private func edges(_ random: inout SeededGenerator) -> [Problem.Edge] {
    guard workloads > 1 else { return [] }
    var traffic: [[Int]: Double] = [:]
    switch graph {
    case .sparse(let degree):
      for _ in 0..<Int(Double(workloads) * degree) {
        let u = Int.random(in: 0..<workloads, using: &random)
        let v = Int.random(in: 0..<workloads, using: &random)
        if u != v { traffic[[min(u, v), max(u, v)]] = Double(Int.random(in: 1...100, using: &random)) }
      }
    case .powerLaw(let calls):
      var ends = [0]
      for v in 1..<workloads {
        for _ in 0..<calls {
          guard let u = ends.randomElement(using: &random), u != v else { continue }
          let uniform = Double.random(in: 0.001..<1, using: &random)
          traffic[[u, v]] = (10 / uniform).rounded()
          ends += [u, v]
        }
      }
    }
    return traffic.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { Problem.Edge(u: $0.key[0], v: $0.key[1], traffic: $0.value) }
  }

  /// Draws the edges' traffic in each matrix, much of it in one of them alone; totals differ.
  private func drawMatrices(_ problem: inout Problem, seed: UInt64) {
    guard matrices > 0 else { return }
    var random = SeededGenerator(seed: ~seed)
    problem.combination = combination
    problem.matrices = (0..<matrices).map { Problem.TrafficMatrix(name: "m\($0 + 1)", weight: Double($0 + 1)) }
    for e in problem.edges.indices {
      let owner = random.below(matrices)
      problem.edges[e].trafficByMatrix = (0..<matrices).map { m in
        let busy = m == owner || random.below(4) == 0
        return busy ? (problem.edges[e].traffic * random.unit() * Double(2 * m + 1)).rounded(.up) : 0
      }
    }
    problem.combineTraffic()
  }

  private func capacities(_ problem: inout Problem, _ placement: Assignment, _ random: inout SeededGenerator) {
    let load = problem.load(placement)
    for k in 0..<resources {
      let loads = (0..<nodes).map { load[$0 * resources + k] }
      let even = Int64(Double(loads.reduce(0, +)) / Double(nodes) / fill)
      let needed = loads.max() ?? 0
      for n in 0..<nodes {
        let extra = Int64.random(in: 0...100, using: &random)
        problem.allocatable[n * resources + k] = likeNodes ? max(even, needed) : max(even / 2 + extra, loads[n] + extra)
        if reserved && n % 2 == 0 {
          problem.reserved[n * resources + k] = extra
          problem.allocatable[n * resources + k] += extra
        }
      }
    }
  }

  private func drawLimits(_ problem: inout Problem, _ placement: Assignment, _ random: inout SeededGenerator) {
    for w in 0..<workloads where Bool.random(using: &random) {
      var row: [Int32] = (0..<nodes).map { _ in [0, 1, .max].randomElement(using: &random) ?? 0 }
      for place in placement.placed[w] { row[place.node] = max(row[place.node], Int32(place.replicas)) }
      problem.workloads[w].limitRow = problem.limitRows.count
      problem.limitRows.append(row)
    }
  }

  /// Draws rules and keeps those that the placement satisfies.
  private func drawRules(_ problem: inout Problem, _ placement: Assignment, _ random: inout SeededGenerator) {
    problem.partitions = [
      Problem.Partition(name: "host", domain: (0..<nodes).map { Int32($0) }),
      Problem.Partition(name: "rack", domain: (0..<nodes).map { $0 == nodes - 1 ? -1 : Int32($0 / 2) }),
    ]
    for kind in 0..<4 {
      var kept = 0
      for _ in 0..<200 where kept < rulesOfEachKind {
        let partition = Int.random(in: 0..<2, using: &random)
        let domains = problem.partitions[partition].count
        let w = Int.random(in: 0..<workloads, using: &random)
        let other = (w + Int.random(in: 1..<max(2, workloads), using: &random)) % workloads
        let third = Int.random(in: 0..<workloads, using: &random)
        guard other != w else { continue }
        let rule: Problem.Rule
        switch kind {
        case 0: rule = .atMost(workload: w, partition: partition, count: Int.random(in: 1...2, using: &random))
        case 1: rule = .apart(workload: w, other: other, partition: partition)
        case 2:
          rule = .together(
            workload: w, others: Array(Set([other, third]).subtracting([w]).sorted()), partition: partition,
            present: (0..<domains).map { _ in Int.random(in: 0..<4, using: &random) == 0 })
        default:
          rule = .spread(
            workload: w, members: Array(Set([w, third]).sorted()), partition: partition,
            maxSkew: Int.random(in: 1...2, using: &random), minDomains: Int.random(in: 0...domains, using: &random),
            base: (0..<domains).map { _ in Int.random(in: 0..<2, using: &random) },
            eligible: (0..<domains).map { _ in Int.random(in: 0..<4, using: &random) > 0 })
        }
        problem.rules.append(rule)
        if problem.brokenConstraint(placement) == nil { kept += 1 } else { problem.rules.removeLast() }
      }
    }
  }

  /// Some run where the placement has them, some elsewhere, some with more or fewer replicas, some not at all.
  private func drawCurrent(_ problem: inout Problem, _ placement: Assignment, _ random: inout SeededGenerator) {
    for w in 0..<workloads {
      var places = placement.placed[w]
      switch Int.random(in: 0..<6, using: &random) {
      case 0: continue
      case 1: places = [Problem.Placed(node: Int.random(in: 0..<nodes, using: &random), replicas: counts(places))]
      case 2: places[0].replicas += 1
      case 3: places.removeFirst()
      default: break
      }
      problem.current[w] = places
    }
    // The placement drawn first has to stay within the limit.
    if let most = problem.weights.maxMoves, problem.moves(placement) > most {
      problem.current = placement.placed.map { $0 }
    }
  }

  /// Two workloads want to be with themselves, one of them with another too, and another with one of them.
  private func drawSelfAffinity(_ problem: inout Problem, _ random: inout SeededGenerator) {
    if problem.partitions.isEmpty {
      problem.partitions = [Problem.Partition(name: "rack", domain: (0..<nodes).map { Int32($0 / 2) })]
    }
    let partition = problem.partitions.count - 1
    let none = Array(repeating: false, count: problem.partitions[partition].count)
    let some = (0..<workloads).shuffled(using: &random)
    problem.rules.append(
      .together(workload: some[0], others: [], staying: [some[0]], partition: partition, present: none, first: true))
    guard workloads > 2 else { return }
    problem.rules += [
      .together(
        workload: some[1], others: workloads > 3 ? [some[3]] : [], staying: [some[1], some[2]], partition: partition,
        present: none, first: true),
      .together(workload: some[2], others: [some[1]], staying: [some[2]], partition: partition, present: none),
    ]
  }

  /// Moves what runs about, cordons a node, evicts from one and makes one too small.
  private func breakConstraints(_ problem: inout Problem, _ random: inout SeededGenerator) {
    for w in 0..<workloads where Int.random(in: 0..<3, using: &random) > 0 {
      var on = Array(repeating: 0, count: nodes)
      for _ in 0..<problem.workloads[w].replicas + Int.random(in: -1...1, using: &random) {
        on[min(Int.random(in: 0..<nodes, using: &random), Int.random(in: 0..<nodes, using: &random))] += 1
      }
      problem.current[w] = on.indices.filter { on[$0] > 0 }.map { Problem.Placed(node: $0, replicas: on[$0]) }
      if Int.random(in: 0..<4, using: &random) == 0 {
        problem.evictedFrom[w] = [Int.random(in: 0..<nodes, using: &random)]
      }
      var row = problem.limitRows[problem.workloads[w].limitRow]
      row[0] = 0
      for n in problem.evictedFrom[w] ?? [] { row[n] = 0 }
      problem.workloads[w].limitRow = problem.limitRows.count
      problem.limitRows.append(row)
    }
    for k in 0..<resources where nodes > 1 { problem.allocatable[resources + k] /= 2 }
  }

  private func strand(_ problem: inout Problem, _ random: inout SeededGenerator) {
    for i in problem.allocatable.indices where Int.random(in: 0..<4, using: &random) == 0 { problem.allocatable[i] = 0 }
    for w in 0..<workloads where Int.random(in: 0..<3, using: &random) == 0 {
      problem.workloads[w].replicas = Int.random(in: 1...problem.workloads[w].replicas, using: &random)
    }
  }

  private func counts(_ places: [Problem.Placed]) -> Int { places.reduce(0) { $0 + $1.replicas } }
}
