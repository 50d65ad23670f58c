/// Decodes Hubble's flows: `{"flow": {…}}` or bare flows, one after the other.
///
/// Flows carry no bytes, so that what comes out is requests per second over the time that the flows cover. Counted are
/// flows that were forwarded and are no replies, as far as a field mask lets them say so. Of one edge, requests that a
/// proxy saw are counted where there are any, otherwise new TCP connections, otherwise packets.
///
/// Hubble sees a packet at several points on its way (leaving its pod, entering the overlay, reaching the other pod).
/// Each point sees it at most once, so that an edge counts what the point that saw most of it has seen: over all dumps,
/// for each node writes what it sees itself, and what goes from node to node is seen by two. Of a pod that one of them
/// names alone, the workload is what another one says it is.
struct HubbleDecoder: DocumentDecoder {
  private struct Key: Hashable {
    var source: Int
    var destination: Int
    var evidence: HubbleFlow.Evidence
    var point: String
    var direction: String
  }

  private let window: Duration?
  private var names = TrafficGraph()
  private var counts: [Key: Int] = [:]
  /// The best names of pods, by the indices of both.
  private var owners: [Int: (name: Int, kind: HubbleFlow.End.NameKind)] = [:]
  private var recent = RecentRecords()
  private var time = ObservedTime()
  private var tally = Tally()

  init(window: Duration?) {
    self.window = window
  }

  mutating func read(_ cursor: inout JSONCursor) throws(TrafficError) {
    guard cursor.kind() == .array else { return try readFlow(&cursor) }
    try cursor.beginArray()
    while try cursor.nextElement() { try readFlow(&cursor) }
  }

  private mutating func readFlow(_ cursor: inout JSONCursor) throws(TrafficError) {
    let start = cursor
    var flow: HubbleFlow?
    var seconds: Double?
    var isWrapped = false
    var isBare = false
    var ends = 0
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "flow":
        isWrapped = true
        flow = try HubbleFlow(&cursor)
      case "time": seconds = try readTimestamp(&cursor)
      case "lost_events":
        isWrapped = true
        tally.warn("Hubble lost events: there was more traffic than the flows show")
        try cursor.skip()
      case "node_status", "agent_event", "debug_event":
        isWrapped = true
        try cursor.skip()
      case "source" where cursor.kind() == .object, "destination" where cursor.kind() == .object:
        ends += 1
        try cursor.skip()
      default:
        isBare = isBare || key == "verdict"
        try cursor.skip()
      }
    }
    if var flow {
      flow.seconds = flow.seconds ?? seconds
      count(flow)
    }
    guard !isWrapped else { return }
    guard isBare || ends == 2 else {
      throw start.error(.unexpected, "found neither flow nor verdict, expected a flow of Hubble's")
    }
    var bare = start
    count(try HubbleFlow(&bare))
  }

  private mutating func count(_ flow: HubbleFlow) {
    tally.records += 1
    if let seconds = flow.seconds { time.add(sinceEpoch: seconds) }
    if let identity = flow.identity, !recent.insert(identity) { return tally.drop("occur twice") }
    if flow.isForwarded == nil { tally.warn("flows without a verdict are taken as forwarded, and those back as well") }
    guard flow.isForwarded ?? true else { return tally.drop("not forwarded") }
    // Where a packet leaves its pod, Hubble has not looked up its connection yet and cannot know.
    guard !(flow.isReply ?? (flow.point == "FROM_ENDPOINT")) else { return tally.drop("replies") }
    guard let source = flow.source, let destination = flow.destination else {
      return tally.drop("source or destination is missing")
    }
    let key = Key(
      source: index(of: source),
      destination: index(of: destination),
      evidence: flow.evidence,
      point: flow.point,
      direction: flow.direction
    )
    counts[key, default: 0] += 1
  }

  /// The index of an end: that of its workload, or the complement of its pod's until all names of it are known. A workload
  /// may be called as another one's pod is.
  private mutating func index(of end: HubbleFlow.End) -> Int {
    let index = names.index(of: end.endpoint)
    guard let pod = end.pod else { return index }
    let podIndex = names.index(of: pod)
    if end.nameKind != .pod, owners[podIndex].map({ $0.kind.rawValue > end.nameKind.rawValue }) ?? true {
      owners[podIndex] = (index, end.nameKind)
    }
    return end.nameKind == .workload ? index : ~podIndex
  }

  /// The end that an index stands for, once all names are known.
  private func place(_ index: Int) -> Int { index >= 0 ? index : owners[~index]?.name ?? ~index }

  mutating func end() {
    time.endDump()
  }

  private struct Pair: Hashable { var source, destination: Int }

  /// What counts of each pair of ends: the best evidence, at the point that saw most.
  private func best() -> [Pair: (evidence: HubbleFlow.Evidence, count: Int)] {
    var known: [Key: Int] = [:]
    for (var key, count) in counts {
      key.source = place(key.source)
      key.destination = place(key.destination)
      known[key, default: 0] += count
    }
    var best: [Pair: (evidence: HubbleFlow.Evidence, count: Int)] = [:]
    for (key, count) in known {
      let pair = Pair(source: key.source, destination: key.destination)
      guard let known = best[pair] else {
        best[pair] = (key.evidence, count)
        continue
      }
      if key.evidence.rawValue < known.evidence.rawValue || key.evidence == known.evidence && count > known.count {
        best[pair] = (key.evidence, count)
      }
    }
    return best
  }

  private mutating func warn(of evidence: [HubbleFlow.Evidence]) {
    let kinds = HubbleFlow.Evidence.allCases.compactMap { kind in
      let count = evidence.count { $0 == kind }
      return count > 0 ? "\(kind.noun) on \(count) edges" : nil
    }
    if kinds.count > 1 {
      tally.warn(
        "counted are \(kinds.joined(separator: ", ")), which do not compare: have a proxy see the requests of all, or "
          + "weigh the edges otherwise")
    }
    if window == nil, let warning = time.warning { tally.warn(warning) }
    if time.isUneven {
      tally.warn(
        "some dumps cover less than half of the time of others, and count too little: take the flows of all nodes over "
          + "the same time, as with hubble observe --since")
    }
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    let best = best()
    warn(of: best.values.map(\.evidence))
    let seconds = time.seconds(window: window)
    var graph = TrafficGraph()
    for pair in best.keys.sorted(by: { ($0.source, $0.destination) < ($1.source, $1.destination) }) {
      guard let (evidence, count) = best[pair] else { continue }
      graph.add(
        source: graph.index(of: names.endpoints[pair.source]),
        destination: graph.index(of: names.endpoints[pair.destination]),
        bytesPerSecond: nil,
        requestsPerSecond: Double(count) / seconds,
        countsPackets: evidence == .packet
      )
    }
    return tally.dump(of: graph, sources, format, noun: "flows")
  }
}

extension HubbleFlow.Evidence {
  fileprivate var noun: String {
    switch self {
    case .request: "requests"
    case .connection: "new connections"
    case .packet: "packets"
    }
  }
}
