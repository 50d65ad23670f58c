public import Traffic

/// Who talks to whom, as one or more sources say.
public struct TrafficReading: Sendable {
  /// What each source says.
  public private(set) var traffic = ObservedTraffic()
  /// What a user should know of the figures, a sentence each.
  public private(set) var warnings: [String] = []

  /// All sources together, as far as they use the same names.
  public var graph: TrafficGraph { traffic.graph }

  /// Makes a reading of nothing.
  public init() {}

  /// Puts together what the dumps of different kinds say that are one observation.
  ///
  /// - Parameter source: What the dumps are called in warnings; nil for their own names.
  init(_ dumps: [TrafficDump], source: String? = nil) {
    for dump in dumps {
      traffic.add(dump, source: source)
      warnings += dump.warnings.map { "\(source ?? dump.source): \($0)" }
    }
  }

  /// Adds what another source says.
  public mutating func add(_ other: TrafficReading) {
    traffic.add(other.traffic)
    warnings += other.warnings
  }
}
