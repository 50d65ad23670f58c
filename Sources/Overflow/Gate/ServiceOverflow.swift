/// What becomes of a service's requests that are too many for the own cluster: as many as it bears are served here, the
/// rest goes to neighbours, request by request.
package struct ServiceOverflow: Hashable, Sendable {
  /// The most neighbours that count; those that are listed beyond it get nothing.
  package static let mostNeighbours = 64

  /// Another cluster that serves the service.
  package struct Neighbour: Hashable, Sendable {
    /// The cluster's name.
    package var name: String
    /// What a request there costs, as hops do.
    package var cost: Double
    /// The most requests per minute that are sent there; nil for what it has room for.
    package var limitPerMinute: Double?
    /// What it bears, where it does not say what room it has; nil where that is not known.
    package var capacity: Capacity?
    /// Its gateway as `host:port`; nil where its replicas are known otherwise.
    package var gateway: String?

    /// Makes a neighbour.
    package init(
      name: String, cost: Double = 20, limitPerMinute: Double? = nil, capacity: Capacity? = nil, gateway: String? = nil
    ) {
      self.name = name
      self.cost = cost
      self.limitPerMinute = limitPerMinute
      self.capacity = capacity
      self.gateway = gateway
    }
  }

  /// The name of the own cluster. Replicas that name none are in it.
  package var cluster: String
  /// What the service bears in the own cluster, all selectors together.
  package var capacity: Capacity
  /// Other clusters.
  package private(set) var neighbours: [Neighbour]
  /// How often a request may be sent from one cluster to another; who was sent on as often is served here, or turned away.
  package var maxHops = 1
  /// Whether to count what would be done and do nothing.
  package var isDryRun = false
  /// How it is decided who gets how much.
  package var settings = OverflowSettings()

  /// Makes what is usual.
  package init(cluster: String, capacity: Capacity, neighbours: [Neighbour]) {
    self.cluster = cluster
    self.capacity = capacity
    self.neighbours = Array(neighbours.prefix(Self.mostNeighbours))
  }
}
