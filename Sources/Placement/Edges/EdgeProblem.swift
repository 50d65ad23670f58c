/// Clusters that help each other out, and what is asked of each.
package struct EdgeProblem: Hashable, Sendable {
  /// A service that several clusters have.
  package struct Service: Hashable, Sendable {
    /// Its name.
    package var name: String
    /// Requests per minute that arrive at each cluster, in the clusters' order.
    package var demand: [Double]
    /// Requests per minute that each cluster can bear.
    package var capacity: [Double]

    /// Makes a service.
    package init(name: String, demand: [Double], capacity: [Double]) {
      self.name = name
      self.demand = demand
      self.capacity = capacity
    }
  }

  /// The clusters' names.
  package var clusters: [String]
  /// The services.
  package var services: [Service]
  /// What a request costs that goes from the cluster of the row to that of the column.
  package var costs: [[Double]]
  /// What a request costs that nobody serves.
  package var shedCost: Double

  /// Makes a problem.
  package init(clusters: [String], services: [Service], costs: [[Double]], shedCost: Double = 1000) {
    self.clusters = clusters
    self.services = services
    self.costs = costs
    self.shedCost = shedCost
  }
}
