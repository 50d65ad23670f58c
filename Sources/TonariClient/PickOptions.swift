/// What can be asked for besides the service.
public struct PickOptions: Hashable, Sendable {
  /// What ties requests to one replica: a session, a cache key. Empty: any replica will do. A fallback pick ignores it.
  public var key: [UInt8]
  /// Addresses that were tried already; the last four count.
  public var excluded: [String]
  /// Labels that a replica must have, each `name=value`.
  public var labels: [String]
  /// Whether this is a retry, which the service's retry budget must allow.
  public var isRetry: Bool
  /// How many more replicas to name, for retries without asking again; at most 3. A fallback pick names none.
  public var alternatives: Int
  /// How often the request was sent from one cluster to another already: what came with it as `x-tonari-hops`, from a
  /// peer that is trusted with it. One that was sent on as often as its policy of overflow allows is served in this cluster
  /// or refused.
  public var hops: Int
  /// How long to wait for the selector; nil for the client's own timeout.
  public var timeout: Duration?

  /// Makes options; by default any replica will do.
  public init(
    key: [UInt8] = [], excluded: [String] = [], labels: [String] = [], isRetry: Bool = false, alternatives: Int = 0,
    hops: Int = 0, timeout: Duration? = nil
  ) {
    self.key = key
    self.excluded = excluded
    self.labels = labels
    self.isRetry = isRetry
    self.alternatives = alternatives
    self.hops = hops
    self.timeout = timeout
  }
}
