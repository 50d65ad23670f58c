/// Decides for many clusters at once where the excess of a service goes: the optimum of the linear program in
/// `models/overflow.mod`, found by successive shortest paths.
///
/// Whoever decides for one cluster has ``SplitGovernor``; this is for those who see all of them, and for planning in
/// advance. All that fits stays; what does not goes where it costs least over all clusters together, or is shed.
public struct OverflowRound: Hashable, Sendable {
  /// Requests of a service that go from one cluster to another.
  public struct Flow: Hashable, Sendable {
    /// The cluster that has too much.
    public var from: Int
    /// The one that takes it.
    public var to: Int
    /// Requests per minute.
    public var perMinute: Double
  }

  /// How one service is shared out.
  public struct Outcome: Hashable, Sendable {
    /// What goes where.
    public var flows: [Flow] = []
    /// What each cluster sheds, in requests per minute.
    public var shed: [Double]
    /// `Σ cost·flow + shedCost·shed`, in cost times requests per minute.
    public var cost = 0.0
  }

  private let clusters: Int
  /// What a request costs from one cluster to another, row by row.
  private let costs: [Double]
  private let shedCost: Double

  /// Less than this of a request per minute is nothing.
  static let nothing = 1e-9

  /// Makes a round for clusters.
  ///
  /// - Parameters:
  ///   - costs: what a request costs that goes from the cluster of the row to that of the column, at least 0; infinite
  ///     where it cannot go. As many columns as rows; the diagonal is not read.
  ///   - shedCost: what a request costs that nobody serves, at least 0: more than any way.
  public init(costs: [[Double]], shedCost: Double = 1000) {
    clusters = costs.count
    precondition(costs.allSatisfy { $0.count == costs.count }, "as many columns as rows")
    precondition(shedCost >= 0 && costs.allSatisfy { $0.allSatisfy { $0 >= 0 } }, "costs are not below zero")
    self.costs = costs.flatMap { $0 }
    self.shedCost = shedCost
  }

  /// Shares out one service.
  ///
  /// - Parameters:
  ///   - demand: requests per minute that arrive at each cluster.
  ///   - capacity: requests per minute that each can bear.
  public func decide(demand: some Collection<Double>, capacity: some Collection<Double>) -> Outcome {
    precondition(demand.count == clusters && capacity.count == clusters, "a figure for each cluster")
    var outcome = Outcome(shed: Array(repeating: 0, count: clusters))
    var origins: [Int] = []
    var sinks: [Int] = []
    var excess: [Double] = []
    var rooms: [Double] = []
    for (cluster, (demand, capacity)) in zip(demand, capacity).enumerated() {
      let difference = max(0, demand) - max(0, capacity)
      if difference > Self.nothing {
        origins.append(cluster)
        excess.append(difference)
      } else if difference < -Self.nothing {
        sinks.append(cluster)
        rooms.append(-difference)
      }
    }
    guard !origins.isEmpty else { return outcome }
    // The last sink takes what is shed.
    let ways = CheapestWays(rows: origins.count, columns: sinks.count + 1)
    defer { ways.free() }
    for (row, origin) in origins.enumerated() {
      for (column, sink) in sinks.enumerated() { ways.set(costs[origin * clusters + sink], row, column) }
      ways.set(shedCost, row, sinks.count)
    }
    ways.solve(excess, rooms + [.infinity])
    for (row, origin) in origins.enumerated() {
      for column in 0...sinks.count {
        let amount = ways.flow(row, column)
        guard amount > Self.nothing else { continue }
        if column == sinks.count {
          outcome.shed[origin] = amount
          outcome.cost += amount * shedCost
        } else {
          outcome.flows.append(Flow(from: origin, to: sinks[column], perMinute: amount))
          outcome.cost += amount * costs[origin * clusters + sinks[column]]
        }
      }
    }
    return outcome
  }
}
