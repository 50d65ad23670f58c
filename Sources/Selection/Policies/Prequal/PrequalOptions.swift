/// What can be set in ``PrequalPolicy``; the defaults are those of the paper.
public struct PrequalOptions: Hashable, Sendable {
  /// Probes that a driver should send for each request, to replicas by chance.
  public var probesPerPick: Int
  /// The most probes that are kept.
  public var poolSize: Int
  /// How old a probe may get.
  public var longestAge: Duration
  /// As how many picks' answer a probe is good.
  public var uses: Int
  /// The quantile of requests in flight from which on a replica is hot.
  public var hotQuantile: Double

  /// Makes options.
  public init(
    probesPerPick: Int = 3, poolSize: Int = 16, longestAge: Duration = .seconds(1), uses: Int = 2,
    hotQuantile: Double = 0.84
  ) {
    self.probesPerPick = probesPerPick
    self.poolSize = poolSize
    self.longestAge = longestAge
    self.uses = uses
    self.hotQuantile = hotQuantile
  }
}
