/// What can be set in ``C3Policy``; the defaults are those of the paper.
public struct C3Options: Hashable, Sendable {
  /// How many askers pick side by side, each without knowing of the others: so many times one's own requests count.
  public var askers: Int
  /// The power with which a queue counts.
  public var exponent: Int
  /// How much of a mean a new value leaves of the old one, 0..<1.
  public var kept: Double

  /// Makes options.
  public init(askers: Int = 1, exponent: Int = 3, kept: Double = 0.9) {
    self.askers = askers
    self.exponent = exponent
    self.kept = kept
  }
}
