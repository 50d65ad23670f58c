/// What goes where when clusters are full, and how much more they can bear together: the optimum of the linear program in
/// `models/overflow.mod`, by GLPK.
package struct EdgePlan: Hashable, Sendable {
  /// Requests of a service that go from one cluster to another.
  package struct Flow: Hashable, Sendable {
    /// The service, by its place in the problem.
    package var service: Int
    /// The cluster that has too much.
    package var from: Int
    /// The one that takes it.
    package var to: Int
    /// Requests per minute.
    package var perMinute: Double
  }

  /// What goes where.
  package var flows: [Flow]
  /// Requests per minute that nobody serves, by service and cluster.
  package var shed: [[Double]]
  /// `Σ cost·flow + shedCost·shed`: the least there is.
  package var cost: Double
  /// How far all demands can grow together before anything must be shed; below 1 where something is shed already. Nil
  /// where nothing is asked for.
  package var growth: Double?

  /// Solves a problem. Takes its time on the calling thread: not for the cooperative pool.
  ///
  /// Throws `PlacementError` with code `solver` where the library fails.
  package init(_ problem: EdgeProblem) throws {
    flows = []
    shed = problem.services.map { _ in problem.clusters.map { _ in 0 } }
    cost = 0
    for (number, service) in problem.services.enumerated() {
      let program = try OverflowProgram(service, problem, grows: false)
      guard try program.solve() else { continue }
      let count = problem.clusters.count
      for from in 0..<count {
        shed[number][from] = program.shed(from)
        cost += problem.shedCost * shed[number][from]
        for to in 0..<count where to != from {
          let amount = program.sent(from, to)
          guard amount > 1e-7 else { continue }
          flows.append(Flow(service: number, from: from, to: to, perMinute: amount))
          cost += problem.costs[from][to] * amount
        }
      }
    }
    growth = try problem.services.compactMap { try Self.growth(of: $0, problem) }.min()
  }

  /// Services share nothing but the factor, so that the least of theirs is that of all.
  private static func growth(of service: EdgeProblem.Service, _ problem: EdgeProblem) throws -> Double? {
    guard service.demand.contains(where: { $0 > 0 }) else { return nil }
    let program = try OverflowProgram(service, problem, grows: true)
    return try program.solve() ? program.factor : nil
  }
}

/// The linear program of one service.
private final class OverflowProgram {
  private let program: LinearProgram
  private let count: Int
  private var values: [Double] = []

  /// - Parameter grows: whether the demands are to grow as far as they can, instead of costing as little as they can.
  init(_ service: EdgeProblem.Service, _ problem: EdgeProblem, grows: Bool) throws {
    count = problem.clusters.count
    program = try LinearProgram()
    // Columns: what goes from a to b (from a to a: what stays), what is shed, the factor.
    for a in 0..<count {
      for b in 0..<count {
        let home = grows || a != b ? 0 : min(service.demand[a], service.capacity[a])
        try program.addColumn(lower: home, objective: grows || a == b ? 0 : problem.costs[a][b])
      }
    }
    for _ in 0..<count { try program.addColumn(upper: grows ? 0 : .infinity, objective: grows ? 0 : problem.shedCost) }
    try program.addColumn(lower: grows ? 0 : 1, upper: grows ? .infinity : 1, objective: grows ? -1 : 0)
    var matrix: [(row: Int, column: Int, value: Double)] = []
    for a in 0..<count {
      let served = try program.addRow(lower: 0, upper: 0)
      for b in 0..<count { matrix.append((served, a * count + b, 1)) }
      matrix.append((served, count * count + a, 1))
      if service.demand[a] > 0 { matrix.append((served, count * count + count, -service.demand[a])) }
    }
    for b in 0..<count {
      let bearable = try program.addRow(upper: service.capacity[b])
      for a in 0..<count { matrix.append((bearable, a * count + b, 1)) }
    }
    try program.load(matrix)
  }

  /// Answers whether there is an optimum.
  func solve() throws -> Bool {
    guard try program.optimize() else { return false }
    values = try program.values()
    return true
  }

  func sent(_ from: Int, _ to: Int) -> Double { values[from * count + to] }
  func shed(_ cluster: Int) -> Double { max(0, values[count * count + cluster]) }
  var factor: Double { values[count * count + count] }
}
