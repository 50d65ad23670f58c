internal import Model

/// One searching thread's local search: anneals the members, packs the fillers, and answers whole placements.
final class LocalSearch {
  private let problem: Problem
  private let search: SearchProblem
  private var state: SearchState
  private var annealing: Annealing
  /// Size of the changes that proposals make at first; temperatures are multiples of it.
  private let typicalChange: Double
  /// Set where fillers did not fit behind the members, so that all workloads have to be searched together.
  private(set) var fillersFailed = false

  /// Temperatures as multiples of the typical change. Found on power-law graphs and on a production cluster: hotter
  /// starts only lose time, and colder ends change nothing.
  private static let hot = 1.0
  private static let warm = 0.15
  private static let cold = 0.01

  /// Starts from a feasible assignment.
  ///
  /// - Parameters:
  ///   - packsFillers: whether to leave workloads without traffic out of the search and pack them afterwards.
  ///   - mayBreak: whether the search may pass through placements that break capacities and rules. It is slower, but
  ///     gets about where every node is full.
  init(_ problem: Problem, from start: Assignment, seed: UInt64, packsFillers: Bool, mayBreak: Bool) {
    self.problem = problem
    search = SearchProblem(problem, packsFillers: packsFillers)
    // A node that is over by a tenth costs as much as a tenth of all traffic: too much for any cold search.
    let weight = search.remoteCost + problem.weights.utilization
    state = SearchState(search, start, penaltyWeight: mayBreak ? max(weight, .leastNormalMagnitude) : nil)
    annealing = Annealing(seed: seed)
    typicalChange = annealing.typicalChange(&state, samples: 4000)
  }

  /// Anneals from hot (forgetting all) or from warm (around an incumbent), cooling as the slice passes, and answers the
  /// best placement found, or nil where none was complete.
  ///
  /// - Parameter keepsIncumbent: whether the incumbent counts as found.
  func run(
    _ slice: inout WorkSlice, from incumbent: Assignment, isHot: Bool, keepsIncumbent: Bool = true
  ) -> Assignment? {
    state.restore(search.snapshot(of: incumbent))
    var best = state.snapshot()
    var bestCost = keepsIncumbent ? state.cost : .infinity
    let start = typicalChange * (isHot ? Self.hot : Self.warm)
    let chunk = max(2000, min(50_000, state.replicaCount / 4))
    while let fraction = slice.fraction() {
      annealing.temperature = start * power(Self.cold * typicalChange / max(start, .leastNormalMagnitude), fraction)
      annealing.run(&state, proposals: chunk)
      slice.spend(chunk)
      if state.cost < bestCost && state.brokenCount == 0 {
        best = state.snapshot()
        bestCost = state.cost
      }
    }
    annealing.temperature = 0
    annealing.run(&state, proposals: chunk)
    state.recomputeCost()
    if state.cost < bestCost && state.brokenCount == 0 { best = state.snapshot() }
    return complete(best)
  }

  /// Adds the fillers to a placement of the members.
  private func complete(_ snapshot: [Int32]) -> Assignment? {
    let completion = search.complete(snapshot, seed: annealing.random.next())
    if completion.fillersFailed { fillersFailed = true }
    return completion.assignment
  }
}

extension SearchProblem {
  /// The node of each replica of the members.
  func snapshot(of assignment: Assignment) -> [Int32] {
    var snapshot: [Int32] = []
    for w in members {
      for place in assignment.placed[w] {
        for _ in 0..<place.replicas { snapshot.append(Int32(place.node)) }
      }
    }
    return snapshot
  }

  /// The members' part of an assignment, from the node of each of their replicas.
  func placed(_ snapshot: [Int32]) -> [[Problem.Placed]] {
    var r = 0
    return members.map { w in
      let nodes = snapshot[r..<r + problem.workloads[w].replicas].sorted()
      r += nodes.count
      var placed: [Problem.Placed] = []
      for n in nodes {
        if placed.last?.node == Int(n) {
          placed[placed.count - 1].replicas += 1
        } else {
          placed.append(Problem.Placed(node: Int(n), replicas: 1))
        }
      }
      return placed
    }
  }

  /// A whole placement: the members as they are, and the fillers packed into what they leave. Nil where these do not fit.
  func complete(_ snapshot: [Int32], seed: UInt64) -> (assignment: Assignment?, fillersFailed: Bool) {
    var packing = Packing(problem)
    for (m, places) in placed(snapshot).enumerated() {
      for place in places { packing.put(members[m], place.node, place.replicas) }
    }
    guard !fillers.isEmpty else { return (packing.assignment, false) }
    packing.pack(fillers)
    if packing.isComplete(fillers) && packing.misplaced == 0 { return (packing.assignment, false) }
    guard packing.isComplete(fillers) else { return (nil, true) }
    return (problem.repaired(packing.assignment, seed: seed, keepsTraffic: true), true)
  }
}

extension Problem {
  /// An assignment that keeps capacities, rules and the most moves, near one that does not; nil where none was found.
  ///
  /// - Parameters:
  ///   - keepsTraffic: whether traffic counts on the way, or only what is broken.
  ///   - stop: ends the repair without a placement.
  func repaired(
    _ assignment: Assignment, seed: UInt64, keepsTraffic: Bool, stop: StopCheck = StopCheck()
  ) -> Assignment? {
    var problem = self
    if !keepsTraffic {
      problem.edges = []
      problem.weights = Weights(leavingNode: 0, leavingZone: 0, maxMoves: weights.maxMoves)
    }
    let search = SearchProblem(problem, packsFillers: false)
    // One replica's worth of traffic must never pay for breaking a rule.
    let trafficWeight = search.remoteCost + weights.utilization
    var state = SearchState(search, assignment, penaltyWeight: keepsTraffic ? max(1, trafficWeight) : 1)
    var annealing = Annealing(seed: seed)
    let typical = annealing.typicalChange(&state, samples: 1000)
    let rounds = 40
    let proposals = max(20_000, 20 * state.replicaCount)
    for round in 0..<rounds where state.brokenCount > 0 {
      // Where moves count, a few of them should do: hot only where cold does not mend it.
      let passed = Double(round) / Double(rounds)
      annealing.temperature = typical * 0.3 * power(0.003, keepsTraffic && movesMatter ? 1 - passed : passed)
      for done in stride(from: 0, to: proposals, by: Self.repairChunk) {
        let chunk = min(Self.repairChunk, proposals - done)
        annealing.repair(&state, proposals: chunk)
        if state.brokenCount > 0, stop.spend(chunk) { return nil }
      }
    }
    guard state.brokenCount == 0, !state.isOverdrawn else { return nil }
    var placed = [[Placed]](repeating: [], count: workloads.count)
    for (m, places) in search.placed(state.snapshot()).enumerated() { placed[search.members[m]] = places }
    return Assignment(placed: placed)
  }

  /// After so many proposals a repair looks whether to stop.
  private static let repairChunk = 1_000_000

  /// A first placement that keeps everything: where the origin has the replicas as far as they can stay there, the rest
  /// by traffic. Where there is none, and moves matter, the origin is what runs now.
  ///
  /// - Parameters:
  ///   - repairs: how often to try to repair one that does not keep everything.
  ///   - stop: ends the search for one.
  func start(
    seed: UInt64, from origin: Assignment? = nil, repairs: Int = 4, stop: StopCheck = StopCheck()
  ) throws(PlacementError) -> Assignment {
    var packing = Packing(self, keepsRules: true, stop: stop)
    let origin = origin?.placed ?? (movesMatter ? current.map { $0 ?? [] } : [])
    for (w, places) in origin.enumerated() {
      var left = workloads[w].replicas
      for place in places {
        let room = max(packing.room(for: w, on: place.node), staying(workload: w, node: place.node))
        let stays = min(left, place.replicas, limit(workload: w, node: place.node), room)
        if stays > 0 { packing.put(w, place.node, stays) }
        left -= stays
      }
    }
    packing.packByTraffic(Array(workloads.indices))
    guard !stop.isStopped else { throw .outOfTime }
    guard packing.isComplete(Array(workloads.indices)) else {
      throw PlacementError(code: .infeasible, message: "no node may hold some of the replicas")
    }
    let assignment = packing.assignment
    if isFeasible(assignment) { return assignment }
    for attempt in 0..<repairs {
      let keepsMoves = movesMatter && attempt < 2
      if let repaired = repaired(
        assignment, seed: seed &+ UInt64(attempt), keepsTraffic: keepsMoves, stop: stop)
      {
        return repaired
      }
      guard !stop.isStopped else { throw .outOfTime }
    }
    throw PlacementError(
      code: .notFound, message: "no placement was found that keeps all capacities and rules; there may be one")
  }
}

extension PlacementError {
  /// The time was up before there was a placement.
  static var outOfTime: PlacementError {
    PlacementError(
      code: .notFound, message: "no placement was found before the time was up; there may be one")
  }
}
