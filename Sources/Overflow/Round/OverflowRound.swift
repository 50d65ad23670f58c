/// Decides for many clusters at once where the excess of a service goes: the optimum of the linear program in
/// `models/overflow.mod`, found by successive shortest paths.
///
/// Whoever decides for one cluster has ``SplitGovernor``; this is for those who see all of them, and for planning in
/// advance. All that fits stays; what does not goes where it costs least over all clusters together, or is shed.
public struct OverflowRound: Sendable {
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

  // Kept from one service to the next, so that a round does not allocate.
  private var origins: [Int] = []
  private var sinks: [Int] = []
  private var rooms: [Double] = []
  private var flow: [Double] = []
  private var potential: [Double] = []
  private var distance: [Double] = []
  private var previous: [Int] = []
  private var isDone: [Bool] = []

  /// Less than this of a request per minute is nothing.
  private static let nothing = 1e-9

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
  public mutating func decide(demand: some Collection<Double>, capacity: some Collection<Double>) -> Outcome {
    precondition(demand.count == clusters && capacity.count == clusters, "a figure for each cluster")
    var outcome = Outcome(shed: Array(repeating: 0, count: clusters))
    origins.removeAll(keepingCapacity: true)
    sinks.removeAll(keepingCapacity: true)
    rooms.removeAll(keepingCapacity: true)
    var excess: [Double] = []
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
    sinks.append(clusters)
    rooms.append(.infinity)
    begin()
    for origin in origins.indices {
      while excess[origin] > Self.nothing { excess[origin] -= augment(from: origin, atMost: excess[origin]) }
    }
    for (row, origin) in origins.enumerated() {
      for (column, sink) in sinks.enumerated() {
        let amount = flow[row * sinks.count + column]
        guard amount > Self.nothing else { continue }
        outcome.cost += amount * cost(row, column)
        if sink == clusters {
          outcome.shed[origin] = amount
        } else {
          outcome.flows.append(Flow(from: origin, to: sink, perMinute: amount))
        }
      }
    }
    return outcome
  }

  private func cost(_ row: Int, _ column: Int) -> Double {
    sinks[column] == clusters ? shedCost : costs[origins[row] * clusters + sinks[column]]
  }

  private mutating func begin() {
    let nodes = origins.count + sinks.count
    flow.removeAll(keepingCapacity: true)
    flow.append(contentsOf: repeatElement(0, count: origins.count * sinks.count))
    potential.removeAll(keepingCapacity: true)
    potential.append(contentsOf: repeatElement(0, count: nodes))
    if distance.count < nodes {
      distance = Array(repeating: 0, count: nodes)
      previous = Array(repeating: 0, count: nodes)
      isDone = Array(repeating: false, count: nodes)
    }
  }

  /// Sends as much as goes along the cheapest way that is left, over what others have taken where they can go elsewhere.
  /// Dijkstra's algorithm on reduced costs, up to the first sink with room; answers how much was sent.
  private mutating func augment(from origin: Int, atMost excess: Double) -> Double {
    let (rows, nodes) = (origins.count, origins.count + sinks.count)
    for node in 0..<nodes {
      distance[node] = .infinity
      isDone[node] = false
    }
    distance[origin] = 0
    previous[origin] = -1
    var target = -1
    while true {
      var node = -1
      for other in 0..<nodes where !isDone[other] && distance[other] < (node < 0 ? .infinity : distance[node]) {
        node = other
      }
      // All that is shed can be, so that there is always a way.
      guard node >= 0 else { return excess }
      isDone[node] = true
      if node < rows {
        relax(row: node)
      } else if rooms[node - rows] > Self.nothing {
        target = node
        break
      } else {
        relax(column: node - rows)
      }
    }
    let reached = distance[target]
    for node in 0..<nodes { potential[node] += min(distance[node], reached) }
    return push(to: target, excess)
  }

  private mutating func relax(row: Int) {
    let rows = origins.count
    let base = distance[row] + potential[row]
    for column in sinks.indices where !isDone[rows + column] {
      let through = base + cost(row, column) - potential[rows + column]
      if through < distance[rows + column] {
        distance[rows + column] = max(through, distance[row])
        previous[rows + column] = row
      }
    }
  }

  private mutating func relax(column: Int) {
    let rows = origins.count
    let base = distance[rows + column] + potential[rows + column]
    for row in 0..<rows where !isDone[row] && flow[row * sinks.count + column] > Self.nothing {
      let through = base - cost(row, column) - potential[row]
      if through < distance[row] {
        distance[row] = max(through, distance[rows + column])
        previous[row] = rows + column
      }
    }
  }

  private mutating func push(to target: Int, _ excess: Double) -> Double {
    let rows = origins.count
    var amount = min(excess, rooms[target - rows])
    var node = target
    while previous[node] >= 0 {
      let before = previous[node]
      // Against a flow no more goes back than went.
      if node < rows { amount = min(amount, flow[node * sinks.count + before - rows]) }
      node = before
    }
    rooms[target - rows] -= amount
    node = target
    while previous[node] >= 0 {
      let before = previous[node]
      if node < rows {
        flow[node * sinks.count + before - rows] -= amount
      } else {
        flow[before * sinks.count + node - rows] += amount
      }
      node = before
    }
    return amount
  }
}
