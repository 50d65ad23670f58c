/// How many replicas run elsewhere than now, kept as replicas move. The figure is that of ``Problem/moves(_:)``.
struct MoveCounts {
  private let weight: Double
  private let most: Int
  private let nodeCount: Int
  /// Replicas that run on a node now, and that are planned there: `[member * nodeCount + node]`.
  private var now: [Int32]
  private var planned: [Int32]
  /// For each member: replicas that have left a node, and how many of those are not moves because it shrinks.
  private var left: [Int]
  private let shrinks: [Int]
  private let isRunning: [Bool]

  private var total = 0
  private var committed = 0
  /// Replicas that the members' current nodes cannot keep make a start beyond the most; then fewer moves is progress.
  private var start = 0

  init(_ search: SearchProblem) {
    let problem = search.problem
    weight = problem.weights.move
    most = problem.weights.maxMoves ?? .max
    nodeCount = problem.nodes.count
    now = Array(repeating: 0, count: search.members.count * nodeCount)
    planned = now
    left = Array(repeating: 0, count: search.members.count)
    var shrinks = left
    for (m, w) in search.members.enumerated() {
      guard let current = problem.current[w] else { continue }
      for place in current {
        now[m * nodeCount + place.node] += Int32(place.replicas)
        left[m] += place.replicas
      }
      shrinks[m] = max(0, left[m] - problem.workloads[w].replicas)
    }
    self.shrinks = shrinks
    isRunning = search.members.map { problem.current[$0] != nil }
    for m in search.members.indices { total += counted(m) }
    committed = total
  }

  /// The moves' part of the objective.
  var cost: Double { weight * Double(committed) }

  mutating func add(_ m: Int, node: Int, replicas: Int) {
    place(m, node, replicas)
    committed = total
  }

  mutating func move(_ m: Int, from: Int, to: Int, replicas: Int) {
    place(m, from, -replicas)
    place(m, to, replicas)
  }

  /// What the steps since the last commit cost; nil where there would be too many moves.
  func attemptedChange() -> Double? {
    if total > most && total >= committed && total != committed { return nil }
    return weight * Double(total - committed)
  }

  mutating func commit() { committed = total }

  private func counted(_ m: Int) -> Int { max(0, left[m] - shrinks[m]) }

  private mutating func place(_ m: Int, _ node: Int, _ replicas: Int) {
    guard isRunning[m] else { return }
    let i = m * nodeCount + node
    total -= counted(m)
    left[m] -= Int(max(0, now[i] - planned[i]))
    planned[i] += Int32(replicas)
    left[m] += Int(max(0, now[i] - planned[i]))
    total += counted(m)
  }
}
