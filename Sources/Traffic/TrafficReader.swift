/// Reads the traffic dumps of one observation, each piece by piece, into traffic graphs.
///
/// The bytes of a dump come in chunks of any size, cut anywhere; what comes out does not depend on where. The format is
/// recognized from the content unless it is given. CSV and JSON lines are read as streams, in memory that depends on
/// the number of endpoints and edges alone; a JSON document is held in memory until it is complete.
///
/// Dumps that one reader reads are taken for parts of one observation: what several of them tell of the same traffic
/// counts once. Each format's part in ``Traffic`` says how.
///
/// ```swift
/// var reader = TrafficReader()
/// for file in files {
///   reader.begin(file.name)
///   try reader.read(chunk)  // as often as there are chunks
///   try reader.end()
/// }
/// let dumps = reader.finish()
/// ```
package struct TrafficReader: Sendable {
  /// What dumps do not say themselves.
  package struct Options: Hashable, Sendable {
    /// The time over which counted calls were counted, in all dumps together; nil takes what the dumps say, and one
    /// second where they say nothing.
    package var window: Duration?
    /// The metric that Prometheus series without a name stand for, such as `istio_requests_total`.
    package var metric: String?
    /// The largest JSON document that is held in memory, in bytes.
    package var documentLimit: Int

    /// Makes options; by default with documents of up to 4 GiB. A window must be longer than nothing.
    package init(window: Duration? = nil, metric: String? = nil, documentLimit: Int = 4 << 30) {
      precondition(window.map { $0 > .zero } ?? true, "a window must be longer than nothing")
      self.window = window
      self.metric = metric
      self.documentLimit = documentLimit
    }
  }

  /// The metrics of Prometheus that count traffic, as ``Options/metric`` takes them.
  package static let prometheusMetrics = TrafficMetric.allCases.map(\.rawValue)

  private let format: TrafficFormat?
  private let options: Options
  private var observation: Observation
  /// Cuts up the dump that is being read; nil between two.
  private var scanner: DumpScanner?

  /// Makes a reader.
  ///
  /// - Parameters:
  ///   - format: The format of all dumps; nil recognizes each from its content.
  ///   - options: What the dumps do not say themselves.
  package init(format: TrafficFormat? = nil, options: Options = Options()) {
    self.format = format
    self.options = options
    observation = Observation(format: format, window: options.window)
  }

  /// Begins a dump.
  ///
  /// - Parameters:
  ///   - source: The dump's name, for errors; usually its path.
  ///   - metric: What ``Options/metric`` is for this dump alone; nil takes that one.
  package mutating func begin(_ source: String, metric: String? = nil) {
    scanner = DumpScanner(source: source, format: format, documentLimit: options.documentLimit)
    observation.begin(source, metric: metric ?? options.metric)
  }

  /// Reads the next bytes of the dump that was begun.
  ///
  /// Throws ``TrafficError`` where they are no traffic dump of the format; the reader is of no use afterwards.
  package mutating func read(_ chunk: UnsafeRawBufferPointer) throws(TrafficError) {
    precondition(scanner != nil, "a dump must be begun before it is read")
    try scanner?.read(chunk, into: &observation)
  }

  /// Ends the dump.
  ///
  /// Throws ``TrafficError`` where the dump is incomplete or no format was recognized; the reader is of no use
  /// afterwards.
  package mutating func end() throws(TrafficError) {
    precondition(scanner != nil, "a dump must be begun before it is ended")
    try scanner?.finish(into: &observation)
    scanner = nil
  }

  /// Returns what the dumps that were read say together: one result for each kind of dump among them, in order of first
  /// appearance. The reader is of no use afterwards.
  package mutating func finish() -> [TrafficDump] {
    observation.finish()
  }
}
