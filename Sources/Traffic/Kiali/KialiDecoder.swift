/// Decodes the graph that Kiali's API gives, of any graph type.
///
/// HTTP and gRPC traffic is in requests per second, TCP traffic and an edge's throughput in bytes per second. An end is
/// outside where Kiali does not know it (`unknown`, `PassthroughCluster`) or knows it from a ServiceEntry; Kiali's own `isOutside` only says
/// that a workload lies in a namespace that was not asked for, so that it is still a workload of the cluster.
///
/// An edge between two namespaces is in the graphs of both: what several graphs show counts once.
struct KialiDecoder: DocumentDecoder {
  private var graph = TrafficGraph()
  private var tally = Tally()

  mutating func read(_ cursor: inout JSONCursor) throws(TrafficError) {
    let start = cursor
    var elements: JSONCursor?
    var isServiceGraph = false
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "graphType": isServiceGraph = try cursor.text() == "service"
      case "elements":
        elements = cursor
        try cursor.skip()
      default: try cursor.skip()
      }
    }
    guard var elements else { throw start.error(.unexpected, "found no elements, expected a graph of Kiali's") }
    try readElements(&elements, isServiceGraph: isServiceGraph)
  }

  private mutating func readElements(_ cursor: inout JSONCursor, isServiceGraph: Bool) throws(TrafficError) {
    let start = cursor
    var nodes: JSONCursor?
    var edges: JSONCursor?
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      if key == "nodes" { nodes = cursor }
      if key == "edges" { edges = cursor }
      try cursor.skip()
    }

    var drawn = KialiGraph()
    var indices: [String: Int] = [:]
    if var nodes {
      try eachData(of: &nodes) { (cursor) throws(TrafficError) in
        guard let (id, node) = try readNode(&cursor, isServiceGraph: isServiceGraph) else { return }
        indices[id] = drawn.nodes.count
        drawn.nodes.append(node)
      }
    }
    if var edges {
      try eachData(of: &edges) { (cursor) throws(TrafficError) in
        tally.records += 1
        guard let edge = try readEdge(&cursor, nodes: indices) else { return }
        drawn.edges.append(edge)
      }
    }
    guard let split = drawn.split() else {
      throw start.error(.tooLarge, "found services with too many edges in and out to split their traffic")
    }
    graph.unite(split)
  }

  /// Reads an array of `{"data": …}`, handing on the cursor at each value.
  private func eachData(
    of cursor: inout JSONCursor,
    _ body: (inout JSONCursor) throws(TrafficError) -> Void
  ) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() {
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        if key == "data" { try body(&cursor) } else { try cursor.skip() }
      }
    }
  }

  // MARK: Nodes

  /// Reads a node; nil where it is only a box around others.
  private func readNode(
    _ cursor: inout JSONCursor,
    isServiceGraph: Bool
  ) throws(TrafficError) -> (id: String, node: KialiGraph.Node)? {
    let start = cursor
    var id: String?
    var type = ""
    var cluster: String?
    var namespace: String?
    var workload: String?
    var app: String?
    var service: String?
    var isServiceEntry = false
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "id": id = try cursor.string()
      case "nodeType": type = try cursor.string()
      case "cluster": cluster = try cursor.string()
      case "namespace": namespace = try cursor.string()
      case "workload": workload = try cursor.string()
      case "app": app = try cursor.string()
      case "service": service = try cursor.string()
      case "isServiceEntry":
        // An object with the entry's hosts; a boolean or a string in older versions.
        if cursor.kind() == .boolean {
          isServiceEntry = try cursor.boolean()
        } else {
          isServiceEntry = true
          try cursor.skip()
        }
      default: try cursor.skip()
      }
    }
    guard let id else { throw start.error(.unexpected, "found a node without id") }
    guard type != "box" else { return nil }

    let isService = type == "service"
    let names = isService ? [service] : [workload, app, service]
    let name = names.compactMap { $0 }.first { !$0.isEmpty } ?? "unknown"
    let isUnknown = type == "unknown" || name == "unknown"
    let isOutside = isUnknown || isServiceEntry || TrafficEndpoint.isPassthrough(name)
    let endpoint = TrafficEndpoint(
      cluster: isOutside || cluster == "unknown" || cluster == "" ? nil : cluster,
      namespace: namespace == "unknown" || namespace == "" ? nil : namespace,
      name: name,
      isOutside: isOutside
    )
    return (id, KialiGraph.Node(endpoint: endpoint, isService: isService && !isServiceGraph))
  }

  // MARK: Edges

  private mutating func readEdge(
    _ cursor: inout JSONCursor,
    nodes: [String: Int]
  ) throws(TrafficError) -> KialiGraph.Edge? {
    let start = cursor
    var ends: [Int?] = [nil, nil]
    var rates = (bytes: Double?.none, requests: Double?.none)
    var throughput: Double?
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "source": ends[0] = try readEnd(&cursor, nodes)
      case "target": ends[1] = try readEnd(&cursor, nodes)
      case "throughput": throughput = try readRate(&cursor)
      case "traffic": try readTraffic(&cursor, into: &rates)
      default: try cursor.skip()
      }
    }
    guard let source = ends[0], let target = ends[1] else {
      throw start.error(.unexpected, "found an edge without source or target")
    }
    guard throughput != nil || rates.bytes != nil || rates.requests != nil else {
      tally.drop("no traffic")
      return nil
    }
    return KialiGraph.Edge(
      source: source, target: target, bytesPerSecond: throughput, requestsPerSecond: rates.requests,
      connectionBytesPerSecond: rates.bytes)
  }

  private func readEnd(_ cursor: inout JSONCursor, _ nodes: [String: Int]) throws(TrafficError) -> Int {
    let start = cursor
    guard let node = nodes[try cursor.string()] else { throw start.unexpected("the id of a node") }
    return node
  }

  /// Reads `{"protocol": "http", "rates": {"http": "20.00", …}}`.
  private func readTraffic(
    _ cursor: inout JSONCursor,
    into rates: inout (bytes: Double?, requests: Double?)
  ) throws(TrafficError) {
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      guard key == "rates" else {
        try cursor.skip()
        continue
      }
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        switch key {
        case "http", "grpc": rates.requests = (rates.requests ?? 0) + (try readRate(&cursor))
        case "tcp": rates.bytes = (rates.bytes ?? 0) + (try readRate(&cursor))
        default: try cursor.skip()
        }
      }
    }
  }

  private func readRate(_ cursor: inout JSONCursor) throws(TrafficError) -> Double {
    let start = cursor
    let rate = try cursor.numberOrText()
    guard rate.isRate else { throw start.unexpected("a rate of 0 or more") }
    return rate
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    tally.dump(of: graph, sources, format, noun: "edges")
  }
}
