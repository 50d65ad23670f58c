/// What is known of a service in a cluster at one step.
public struct Observation: Hashable, Sendable {
  /// Requests per minute that arrived, before any split: counted behind it the decision would feed on itself.
  public var demandPerMinute: Double
  /// The time in which they were counted, in seconds.
  public var seconds: Double
  /// Requests per minute that the local cluster is said to bear.
  public var capacityPerMinute: Double
  /// What local responses took, in seconds; nil where that is not known.
  public var responseSeconds: Double?
  /// The share of the local responses that were errors, 0…1; nil where that is not known.
  public var errorShare: Double?
  /// Other clusters, always in the same order.
  public var neighbours: [Neighbour]

  /// Makes an observation.
  public init(
    demandPerMinute: Double, seconds: Double = 1, capacityPerMinute: Double, responseSeconds: Double? = nil,
    errorShare: Double? = nil, neighbours: [Neighbour]
  ) {
    self.demandPerMinute = demandPerMinute
    self.seconds = seconds
    self.capacityPerMinute = capacityPerMinute
    self.responseSeconds = responseSeconds
    self.errorShare = errorShare
    self.neighbours = neighbours
  }
}
