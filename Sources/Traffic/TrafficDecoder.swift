/// Takes in the dumps of one kind, one after the other, and says what they hold together.
protocol TrafficDecoder: Sendable {
  /// Ends a dump.
  mutating func end()
  /// Ends the observation.
  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump
}

extension TrafficDecoder {
  mutating func end() {}
}
