/// Reads one family of formats as a stream of bytes.
protocol TrafficImporter: Sendable {
  /// Reads the next bytes.
  mutating func read(_ chunk: UnsafeRawBufferPointer) throws(TrafficError)
  /// Ends the dump.
  mutating func finish() throws(TrafficError) -> TrafficDump
}
