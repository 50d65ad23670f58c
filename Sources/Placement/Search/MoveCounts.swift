/// How many replicas run elsewhere than now, kept as replicas move. The figure is that of ``Problem/moves(_:)``.
struct MoveCounts {
  /// What the problem says that a move costs.
  let weight: Double
  /// What a move costs in the search.
  var price: Double
  /// How many moves there may be.
  private var most: Int
  private let mostOfAll: Int
  /// Where replicas run now: those of member `m` are `now[firstNow[m] ..< firstNow[m + 1]]`, sorted by node.
  private let now: [Problem.Placed]
  private let firstNow: [Int]
  /// For each member: replicas that have left a node, and how many of those are not moves because it shrinks.
  private var left: [Int]
  private let shrinks: [Int]
  private let isRunning: [Bool]

  private var total = 0
  private var committed = 0

  init(_ search: SearchProblem) {
    let problem = search.problem
    weight = problem.weights.move
    price = weight
    mostOfAll = problem.weights.maxMoves ?? .max
    most = mostOfAll
    var now: [Problem.Placed] = []
    var first = [0]
    var left = Array(repeating: 0, count: search.members.count)
    var shrinks = left
    for (m, w) in search.members.enumerated() {
      let current = problem.current[w] ?? []
      now += current.sorted { $0.node < $1.node }
      first.append(now.count)
      left[m] = current.reduce(0) { $0 + $1.replicas }
      shrinks[m] = max(0, left[m] - problem.workloads[w].replicas)
    }
    self.now = now
    firstNow = first
    self.left = left
    self.shrinks = shrinks
    isRunning = search.members.map { problem.current[$0] != nil }
    for m in search.members.indices { total += counted(m) }
    committed = total
  }

  /// The moves' part of the objective.
  var cost: Double { price * Double(committed) }

  /// Notes that a node holds another number of a member's replicas than before.
  mutating func change(_ m: Int, node: Int, from before: Int, to after: Int) {
    guard isRunning[m] else { return }
    let runs = running(m, node)
    total -= counted(m)
    left[m] += max(0, runs - after) - max(0, runs - before)
    total += counted(m)
  }

  /// What the steps since the last commit cost; nil where there would be too many moves.
  func attemptedChange() -> Double? {
    if total > most && total >= committed && total != committed { return nil }
    return price * Double(total - committed)
  }

  mutating func commit() { committed = total }

  /// Whether there are more moves than allowed.
  var isOverdrawn: Bool { committed > mostOfAll }

  /// Allows a part of the moves that are left; all of them with one part.
  mutating func allow(partOf parts: Int) {
    most = committed + max(0, mostOfAll - committed) / parts
    if parts == 1 { most = mostOfAll }
  }

  private func counted(_ m: Int) -> Int { max(0, left[m] - shrinks[m]) }

  /// How many replicas of a member run on a node now.
  private func running(_ m: Int, _ node: Int) -> Int {
    var (low, high) = (firstNow[m], firstNow[m + 1])
    while low < high {
      let middle = (low + high) / 2
      if now[middle].node < node { low = middle + 1 } else { high = middle }
    }
    return low < firstNow[m + 1] && now[low].node == node ? now[low].replicas : 0
  }
}
