/// What is known about a replica beforehand.
public struct Replica: Hashable, Sendable {
  /// Its name, unique in a table; for instance `namespace/pod` or an address.
  public var name: String
  /// Other names that it is asked for and spoken of by.
  public var aliases: [String] = []
  /// The node that it runs on; nil where that is not known.
  public var node: String?
  /// The node's zone; nil where that is not known.
  public var zone: String?
  /// The cluster; nil where that is not known.
  public var cluster: String?
  /// Its share compared with the others', within the bounds of a weight.
  public var weight: Double
  /// How many requests it works on at a time, the rest waits; nil where nobody knows.
  public var concurrency: Int?
  /// A set of labels, one bit each; what a bit means is the caller's affair. See ``PickRequest/labels``.
  public var labels: UInt64
  /// All its labels by name, for the caller; nothing here looks at them.
  public var labelNames: [String]
  /// Where it is in its life.
  public var state: ReplicaState

  /// Makes a replica that is ready.
  public init(
    name: String, node: String? = nil, zone: String? = nil, cluster: String? = nil, weight: Double = 1,
    concurrency: Int? = nil, labels: UInt64 = 0, labelNames: [String] = [], state: ReplicaState = .ready
  ) {
    self.name = name
    self.node = node
    self.zone = zone
    self.cluster = cluster
    self.weight = weight
    self.concurrency = concurrency
    self.labels = labels
    self.labelNames = labelNames
    self.state = state
  }
}
