/// The traffic term where the worst of several matrices counts, while it is being written down: a column `W` that costs
/// `T`, and for each matrix `m` with traffic `t[m,e]`, which `T_m` is the total of, a row
///
///     W  ≥  Σ_e t[m,e]/T_m · Σ_tier step(tier)·(1 − Σ_{d in tier} z[e,d])
///
/// so that all figures are of the size of hop costs. In a model of some nodes, shares that do not change are constants.
struct WorstMatrix {
  private let problem: Problem
  private let scales: [(matrix: Int, scale: Double)]
  private let total: Double
  /// What each matrix saves by local traffic.
  private var local: [Formulation.Sum]

  /// Answers nil where the sum over the edges says everything.
  init?(_ problem: Problem) {
    guard let scales = problem.worstScales else { return nil }
    self.problem = problem
    self.scales = scales
    total = problem.edges.reduce(0) { $0 + $1.traffic }
    local = scales.map { _ in Formulation.Sum() }
  }

  /// Takes in a share of an edge that is a column.
  mutating func addShare(of e: Int, column: Int, cost: Double) {
    for s in scales.indices {
      let part = part(of: e, s)
      if part > 0 { local[s].terms.append((column, cost * part)) }
    }
  }

  /// Takes in what an edge has local in one domain, where so many replicas of its ends stay.
  mutating func addShare(of e: Int, _ u: Double, _ v: Double, cost: Double) {
    guard u > 0, v > 0 else { return }
    let (ru, rv) = (problem.workloads[problem.edges[e].u].replicas, problem.workloads[problem.edges[e].v].replicas)
    let share = min(u / Double(ru), v / Double(rv))
    for s in scales.indices { local[s].constant += cost * part(of: e, s) * share }
  }

  /// Takes in what edges have local on the nodes where replicas stay, which come by node.
  mutating func addShares(between fixed: [[Problem.Placed]], cost: Double) {
    for (e, edge) in problem.edges.enumerated() {
      let (a, b) = (fixed[edge.u], fixed[edge.v])
      var (i, j) = (0, 0)
      while i < a.count && j < b.count {
        if a[i].node == b[j].node { addShare(of: e, Double(a[i].replicas), Double(b[j].replicas), cost: cost) }
        if a[i].node <= b[j].node { i += 1 } else { j += 1 }
      }
    }
  }

  /// Writes the column and the rows.
  func addRows(to formulation: inout Formulation) {
    let weights = problem.weights
    let remote = weights.leavingNode + (problem.zones.count > 1 ? weights.leavingZone : 0)
    let worst = formulation.addColumn(upper: .infinity, cost: total, follows: .least)
    for sum in local { formulation.addRow(.column(worst) + sum, atLeast: remote, defines: worst) }
  }

  /// `t[m,e] / T_m`.
  private func part(of e: Int, _ s: Int) -> Double {
    scales[s].scale * problem.edges[e].trafficByMatrix[scales[s].matrix] / total
  }
}
