/// Reads one traffic dump, piece by piece, into a traffic graph.
///
/// The bytes come in chunks of any size, cut anywhere; what comes out does not depend on where. The format is
/// recognized from the content unless it is given. CSV and JSON lines are read as streams, in memory that depends on
/// the number of endpoints and edges alone; a JSON document is held in memory until it is complete.
///
/// ```swift
/// var reader = TrafficReader(source: "traffic.csv")
/// try reader.read(chunk)  // as often as there are chunks
/// let dump = try reader.finish()
/// ```
public struct TrafficReader: Sendable {
  /// What a dump does not say itself.
  public struct Options: Hashable, Sendable {
    /// The time over which counted calls were counted; nil takes what the dump says, and one second where it says
    /// nothing.
    public var window: Duration?
    /// The metric that Prometheus series without a name stand for, such as `istio_requests_total`.
    public var metric: String?
    /// The largest JSON document that is held in memory, in bytes.
    public var documentLimit: Int

    /// Makes options; by default with documents of up to 4 GiB. A window must be longer than nothing.
    public init(window: Duration? = nil, metric: String? = nil, documentLimit: Int = 4 << 30) {
      precondition(window.map { $0 > .zero } ?? true, "a window must be longer than nothing")
      self.window = window
      self.metric = metric
      self.documentLimit = documentLimit
    }
  }

  /// The metrics of Prometheus that count traffic, as ``Options/metric`` takes them.
  public static let prometheusMetrics = TrafficMetric.allCases.map(\.rawValue)

  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  private let source: String
  private let format: TrafficFormat?
  private let options: Options

  /// The first bytes, until it is clear whether they are a byte order mark.
  private var head: [UInt8] = []
  private var isPastMark = false
  private var line = 1
  private var importer: (any TrafficImporter)?

  /// Makes a reader.
  ///
  /// - Parameters:
  ///   - source: The dump's name, for errors; usually its path.
  ///   - format: The format; nil recognizes it from the content.
  ///   - options: What the dump does not say itself.
  public init(source: String, format: TrafficFormat? = nil, options: Options = Options()) {
    self.source = source
    self.format = format
    self.options = options
  }

  /// Reads the next bytes of the dump.
  ///
  /// Throws ``TrafficError`` where they are no traffic dump of the format; the reader is of no use afterwards.
  public mutating func read(_ chunk: UnsafeRawBufferPointer) throws(TrafficError) {
    guard !isPastMark else { return try readPastMark(chunk) }
    head.append(contentsOf: chunk)
    guard head.count >= Self.byteOrderMark.count else { return }
    try readHead()
  }

  /// Ends the dump and answers what it holds.
  ///
  /// Throws ``TrafficError`` where the dump is incomplete or no format was recognized.
  public mutating func finish() throws(TrafficError) -> TrafficDump {
    if !isPastMark { try readHead() }
    guard let dump = try importer?.finish() else {
      throw TrafficError(code: .unrecognized, source: source, message: "found no content, expected a traffic dump")
    }
    return dump
  }

  private mutating func readHead() throws(TrafficError) {
    isPastMark = true
    let bytes = head.starts(with: Self.byteOrderMark) ? Array(head.dropFirst(Self.byteOrderMark.count)) : head
    head = []
    try bytes.withUnsafeBufferPointer { (buffer) throws(TrafficError) in
      try readPastMark(UnsafeRawBufferPointer(buffer))
    }
  }

  private mutating func readPastMark(_ chunk: UnsafeRawBufferPointer) throws(TrafficError) {
    guard importer == nil else {
      try importer?.read(chunk)
      return
    }
    guard let start = chunk.firstIndex(where: { !$0.isWhitespace }) else {
      line += chunk.count { $0 == .newline }
      return
    }
    line += chunk[..<start].count { $0 == .newline }
    importer = makeImporter(first: chunk[start])
    try importer?.read(UnsafeRawBufferPointer(rebasing: chunk[start...]))
  }

  /// JSON begins with a brace or a bracket; everything else is taken for a table, whose header then tells.
  private func makeImporter(first: UInt8) -> any TrafficImporter {
    let isTable =
      format.map { $0 == .csv || $0 == .alibaba } ?? !(first == UInt8(ascii: "{") || first == UInt8(ascii: "["))
    return isTable
      ? TableImporter(source: source, format: format, options: options, line: line)
      : DocumentImporter(source: source, format: format, options: options, line: line)
  }
}
