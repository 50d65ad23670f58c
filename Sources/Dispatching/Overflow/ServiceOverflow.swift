public import Overflow

/// What becomes of a service's requests that are too many for the own cluster: as many as it bears are served here, the
/// rest goes to neighbours, request by request.
public struct ServiceOverflow: Hashable, Sendable {
  /// The most neighbours that count; those that are listed beyond it get nothing.
  public static let mostNeighbours = 64

  /// Another cluster that serves the service.
  public struct Neighbour: Hashable, Sendable {
    /// The cluster's name.
    public var name: String
    /// What a request there costs, as hops do.
    public var cost: Double
    /// The most requests per minute that are sent there; nil for what it has room for.
    public var limitPerMinute: Double?
    /// What it bears, where it does not say what room it has; nil where that is not known.
    public var capacity: Capacity?
    /// Its gateway as `host:port`; nil where its replicas are known otherwise.
    public var gateway: String?

    /// Makes a neighbour.
    public init(
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
  public var cluster: String
  /// What the service bears in the own cluster, all selectors together.
  public var capacity: Capacity
  /// Other clusters.
  public private(set) var neighbours: [Neighbour]
  /// How often a request may be sent from one cluster to another; who was sent on as often is served here, or turned away.
  public var maxHops = 1
  /// Whether to count what would be done and do nothing.
  public var isDryRun = false
  /// How it is decided who gets how much.
  public var settings = OverflowSettings()

  /// Makes what is usual.
  public init(cluster: String, capacity: Capacity, neighbours: [Neighbour]) {
    self.cluster = cluster
    self.capacity = capacity
    self.neighbours = Array(neighbours.prefix(Self.mostNeighbours))
  }

  /// The gateways of neighbours, as replicas of the service.
  var gateways: [ServiceReplica] {
    neighbours.compactMap { neighbour in
      neighbour.gateway.map { ServiceReplica(address: $0, cluster: neighbour.name) }
    }
  }
}
