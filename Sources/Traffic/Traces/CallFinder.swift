/// Finds the calls between services in the spans of traces, and counts each once.
///
/// A call is the span of a callee (kind server or consumer) whose parent is of another service, or is a caller's span
/// (client or producer) of the same. A span without such a kind is a callee where its parent is of another service. A
/// caller's span without a callee's is a call to what sends no spans: a peer, under the name that the span gives it.
///
/// Messages go through a broker: a producer's span is a call to it, a consumer's is one from it, under the name that one
/// of the two gives it. A consumer's span within another one of its service (processing within receiving) is none.
///
/// The spans of one trace may come in any order and in any number of documents and dumps. Each takes about a hundred bytes.
/// Spans of one id and kind are one, though two collectors may know more or less of who sent it.
struct CallFinder: Sendable {
  private struct Record {
    var key: UInt64
    var parent: UInt64?
    var kind: SpanKind
    var endpoint: Int32
    /// Index of the name of the other side, or of the broker between; -1 where the span gives none.
    var peer: Int32
    var size: CallSize
    /// The next record under the same key, where both sides of a call share one span id, as in Zipkin; -1 at the end.
    var next: Int32 = -1
    /// Whether another span stands for the same call.
    var isAnswered = false
  }

  private let window: Duration?
  private var names = TrafficGraph()
  private var records: [Record] = []
  private var firstByKey: [UInt64: Int32] = [:]
  private var time = ObservedTime()
  private(set) var tally = Tally()

  init(window: Duration?) {
    self.window = window
  }

  /// Takes in a span.
  mutating func add(_ span: Span) {
    tally.records += 1
    guard let endpoint = span.attributes.endpoint else { return tally.drop("its service has no name") }
    time.add(from: span.start, to: span.end)

    let trace = SpanID(span.traceID)
    let parent = SpanID(span.parentID)
    var record = Record(
      key: SpanID.key(trace: trace, span: SpanID(span.id)),
      parent: parent.isNone ? nil : SpanID.key(trace: trace, span: parent),
      kind: span.kind,
      endpoint: Int32(truncatingIfNeeded: names.index(of: endpoint)),
      peer: -1,
      size: span.attributes.size
    )
    if span.kind.isCaller || span.kind == .consumer, let peer = span.attributes.peer {
      record.peer = Int32(truncatingIfNeeded: names.index(of: peer))
    }
    insert(record)
  }

  /// Ends a dump.
  mutating func endDump() {
    time.endDump()
  }

  /// Counts the calls in all spans taken in, as a graph of rates.
  mutating func finish() -> (graph: TrafficGraph, tally: Tally) {
    var calls = SizedCalls()
    for index in records.indices where records[index].kind == .consumer { shareBroker(index) }
    for index in records.indices { countCallee(index, in: &calls) }
    for index in records.indices { countUnanswered(index, in: &calls) }
    var graph = calls.graph()
    graph.scale(by: 1 / time.seconds(window: window))
    tally.warn("traces are often sampled: the rates are those of the calls that were traced")
    if calls.unsized > 0 {
      tally.warn(
        "\(calls.unsized) calls do not say how large they are: they are taken to be as large as others between the same "
          + "ends")
    }
    if window == nil, let warning = time.warning { tally.warn(warning) }
    return (graph, tally)
  }

  // MARK: Records

  private mutating func insert(_ record: Record) {
    guard let first = firstByKey[record.key] else {
      firstByKey[record.key] = Int32(records.count)
      records.append(record)
      return
    }
    // There are as many as kinds at most.
    var index = Int(first)
    while records[index].kind != record.kind {
      guard records[index].next >= 0 else {
        records[index].next = Int32(records.count)
        records.append(record)
        return
      }
      index = Int(records[index].next)
    }
    tally.drop("occur twice")
    complete(index, by: record)
  }

  /// Takes over what the same span says in another dump, where that is more.
  private mutating func complete(_ index: Int, by other: Record) {
    records[index].parent = records[index].parent ?? other.parent
    records[index].size = records[index].size.completed(by: other.size)
    if records[index].peer < 0 { records[index].peer = other.peer }
    let (known, told) = (names.endpoints[Int(records[index].endpoint)], names.endpoints[Int(other.endpoint)])
    func detail(_ endpoint: TrafficEndpoint) -> Int {
      (endpoint.namespace == nil ? 0 : 1) + (endpoint.cluster == nil ? 0 : 1)
    }
    if detail(told) > detail(known) { records[index].endpoint = other.endpoint }
  }

  /// The records under a key.
  private func indices(under key: UInt64) -> [Int] {
    var found: [Int] = []
    var index = firstByKey[key] ?? -1
    while index >= 0 {
      found.append(Int(index))
      index = records[Int(index)].next
    }
    return found
  }

  // MARK: Calls

  /// The broker of messages of which nobody says where they went.
  static let unknownBroker = TrafficEndpoint(namespace: nil, name: "message broker", isOutside: true)

  /// Gives the consumer of a message and its producer the broker that one of them names, or names better: by its host.
  private mutating func shareBroker(_ consumer: Int) {
    guard let producer = callerOf(consumer), records[producer].kind == .producer else { return }
    func quality(_ record: Record) -> Int {
      record.peer < 0 ? 0 : names.endpoints[Int(record.peer)].host == nil ? 1 : 2
    }
    let (sent, received) = (quality(records[producer]), quality(records[consumer]))
    if received < sent { records[consumer].peer = records[producer].peer }
    if sent < received { records[producer].peer = records[consumer].peer }
  }

  private mutating func broker(of record: Record) -> Int32 {
    if record.peer < 0 {
      tally.warn("spans of messages do not say where they went: their broker is not known; --map can say what it is")
    }
    return record.peer >= 0 ? record.peer : Int32(truncatingIfNeeded: names.index(of: Self.unknownBroker))
  }

  private mutating func countConsumer(_ record: Record, _ caller: Int?, in calls: inout SizedCalls) {
    var size = record.size
    if let caller {
      let isSameService = records[caller].endpoint == record.endpoint
      guard !isSameService || records[caller].kind != .consumer else { return }
      if records[caller].kind == .producer { size = size.completed(by: records[caller].size) }
    } else if record.peer < 0 {
      return tally.drop(
        record.parent == nil ? "calls from what has neither a span nor a name" : "the caller's span is missing")
    }
    let broker = broker(of: record)
    add(from: broker, to: record.endpoint, size, in: &calls)
  }

  private mutating func countCallee(_ index: Int, in calls: inout SizedCalls) {
    let record = records[index]
    if record.kind == .consumer { return countConsumer(record, callerOf(index), in: &calls) }
    guard let caller = callerOf(index) else {
      if record.kind.isCallee, record.parent != nil { tally.drop("the caller's span is missing") }
      return
    }
    let isSameService = records[caller].endpoint == record.endpoint
    if record.kind.isCaller, isSameService, records[caller].kind.isCaller {
      // A client within a client, such as a sidecar's span within the application's: one call, told by the inner.
      records[caller].isAnswered = true
      return
    }
    guard !isSameService || record.kind.isCallee && records[caller].kind.isCaller else { return }
    records[caller].isAnswered = true
    let size = records[caller].kind.isCaller ? record.size.completed(by: records[caller].size) : record.size
    add(from: records[caller].endpoint, to: record.endpoint, size, in: &calls)
  }

  /// The span that called a span: one that shares its id, or its parent.
  private func callerOf(_ index: Int) -> Int? {
    let record = records[index]
    if record.kind.isCallee,
      let shared = indices(under: record.key).first(where: { $0 != index && records[$0].kind.isCaller })
    {
      return shared
    }
    guard let parent = record.parent else { return nil }
    // Where two sides share the parent's id, a callee was called by the caller's side; others belong to their own.
    let candidates = indices(under: parent).filter { $0 != index }
    return candidates.first { record.kind.isCallee && records[$0].kind.isCaller }
      ?? candidates.first { records[$0].endpoint == record.endpoint }
      ?? candidates.first
  }

  private mutating func countUnanswered(_ index: Int, in calls: inout SizedCalls) {
    let record = records[index]
    guard record.kind.isCaller, !record.isAnswered else { return }
    guard record.peer >= 0 || record.kind == .producer else {
      return tally.drop("calls to what has neither a span nor a name")
    }
    let peer = record.kind == .producer ? broker(of: record) : record.peer
    add(from: record.endpoint, to: peer, record.size, in: &calls)
  }

  private func add(from source: Int32, to destination: Int32, _ size: CallSize, in calls: inout SizedCalls) {
    calls.add(from: names.endpoints[Int(source)], to: names.endpoints[Int(destination)], size)
  }
}
