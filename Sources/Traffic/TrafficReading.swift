/// Who talks to whom, as one or more sources say.
package struct TrafficReading: Sendable {
  /// What each source says.
  package private(set) var traffic = ObservedTraffic()
  /// What a user should know of the figures, a sentence each.
  package private(set) var warnings: [String] = []

  /// All sources together, as far as they use the same names.
  package var graph: TrafficGraph { traffic.graph }

  /// Makes a reading of nothing.
  package init() {}

  /// Puts together what the dumps of different kinds say that are one observation.
  ///
  /// - Parameter source: What the dumps are called in warnings; nil for their own names.
  package init(_ dumps: [TrafficDump], source: String? = nil) {
    for dump in dumps {
      traffic.add(dump, source: source)
      warnings += dump.warnings.map { "\(source ?? dump.source): \($0)" }
    }
  }

  /// Adds what another source says.
  package mutating func add(_ other: TrafficReading) {
    traffic.add(other.traffic)
    warnings += other.warnings
  }
}
