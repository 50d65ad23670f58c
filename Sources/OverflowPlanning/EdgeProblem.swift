/// Clusters that help each other out, and what is asked of each.
public struct EdgeProblem: Hashable, Sendable {
  /// A service that several clusters have.
  public struct Service: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Requests per minute that arrive at each cluster, in the clusters' order.
    public var demand: [Double]
    /// Requests per minute that each cluster can bear.
    public var capacity: [Double]

    /// Makes a service.
    public init(name: String, demand: [Double], capacity: [Double]) {
      self.name = name
      self.demand = demand
      self.capacity = capacity
    }
  }

  /// The clusters' names.
  public var clusters: [String]
  /// The services.
  public var services: [Service]
  /// What a request costs that goes from the cluster of the row to that of the column.
  public var costs: [[Double]]
  /// What a request costs that nobody serves.
  public var shedCost: Double

  /// Makes a problem.
  public init(clusters: [String], services: [Service], costs: [[Double]], shedCost: Double = 1000) {
    self.clusters = clusters
    self.services = services
    self.costs = costs
    self.shedCost = shedCost
  }
}
