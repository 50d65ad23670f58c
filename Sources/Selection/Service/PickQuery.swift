/// A request for a pick, decoded.
package struct PickQuery: Sendable {
  /// Where the request comes from.
  package var from: Place
  /// A hash of what ties requests to one replica; nil where any will do. See ``PickQuery/hash(_:)``.
  package var key: UInt64?
  /// Addresses that were tried already; the last four count.
  package var excluded: [String]
  /// Labels that a replica must have.
  package var labels: [String]
  /// Addresses that alone will do; nil where any will.
  package var subset: [String]?
  /// Whether the retry budget must allow it.
  package var isRetry: Bool
  /// How many more replicas to name, at most ``PickAnswer/mostAlternatives``.
  package var alternatives: Int
  /// How often the request was sent from one cluster to another already.
  package var hops: Int
  /// For how long the pick stays open that nobody completes.
  package var life = PickLife.connected

  /// Makes a query.
  package init(
    from: Place = .unknown, key: UInt64? = nil, excluded: [String] = [], labels: [String] = [],
    subset: [String]? = nil, isRetry: Bool = false, alternatives: Int = 0, hops: Int = 0
  ) {
    self.from = from
    self.key = key
    self.excluded = excluded
    self.labels = labels
    self.subset = subset
    self.isRetry = isRetry
    self.alternatives = alternatives
    self.hops = hops
  }

  /// The hash of a key: FNV-1a of its bytes, the same in every selector.
  package static func hash(_ key: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in key { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return hash
  }
}
