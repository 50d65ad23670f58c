package import Formats
import Model

extension Scenario {
  /// Reads a scenario from YAML, in the form that ``yaml`` has. What is left out is as in a scenario that is made without
  /// it.
  ///
  /// - Parameters:
  ///   - yaml: The text.
  ///   - file: Its name, for errors.
  /// - Throws: `FileError`, which names file, line and field, what was found and what was expected.
  package init(yaml: String, file: String) throws(FileError) {
    let whole = try YAMLField(text: yaml, file: file)
    let fields = try whole.fields([
      "name", "abstract", "servers", "workMs", "clients", "selectors", "clientNodes", "networkMs", "reports",
      "digestMs", "warmUpSeconds", "measuredSeconds", "timeoutSeconds", "capacity", "loads",
    ])
    guard let servers = fields["servers"] else { throw whole.expected("servers among its fields") }
    guard let work = fields["workMs"] else { throw whole.expected("workMs among its fields") }
    self.init(
      name: try fields["name"]?.text() ?? file, servers: [], workMs: try work.number(0.001...1e6), clients: [1],
      loads: [0.7])
    for field in try servers.list(atLeast: 1) { self.servers.append(try ServerGroup(field)) }
    if let field = fields["abstract"] { abstract = try field.text() }
    if let field = fields["clients"] { clients = try field.counts() }
    if let field = fields["selectors"] { selectors = try field.counts() }
    if let field = fields["clientNodes"] {
      for field in try field.list() { clientNodes.append(try ClientNode(field)) }
    }
    if let field = fields["networkMs"] { networkMs = try field.tiers() }
    if let field = fields["reports"] { reports = try ReportTiming(field) }
    if let field = fields["digestMs"] { digestMs = try field.number(1...1e6) }
    if let field = fields["warmUpSeconds"] { warmUpSeconds = try field.number(0...1e5) }
    if let field = fields["measuredSeconds"] { measuredSeconds = try field.number(0.1...1e5) }
    if let field = fields["timeoutSeconds"] { timeoutSeconds = try field.number(0.001...1e5) }
    if let field = fields["capacity"] { capacity = try field.number(0.001...1e9) }
    if let field = fields["loads"] {
      loads = []
      for field in try field.list(atLeast: 1) { loads.append(try field.number(0.01...10)) }
    }
    let most = 1e8
    let requests = requestsPerSecond * (warmUpSeconds + measuredSeconds) * (loads.max() ?? 1)
    guard requests <= most else {
      throw whole.expected(
        "at most \(Int(saturating: most)) requests in a run, which has \(ScenarioText.number(requests.rounded()))")
    }
  }
}

extension ServerGroup {
  fileprivate init(_ field: YAMLField) throws(FileError) {
    let fields = try field.fields([
      "count", "cores", "tellsCores", "speed", "noise", "failureShare", "nodes", "zone",
    ])
    self.init(
      count: try fields["count"]?.integer(1...100_000) ?? 1, cores: try fields["cores"]?.integer(1...10_000) ?? 1,
      speed: try fields["speed"]?.number(0.001...1000) ?? 1,
      failureShare: try fields["failureShare"]?.number(0...1) ?? 0)
    if let field = fields["tellsCores"] { tellsCores = try field.flag() }
    if let field = fields["noise"] { noise = try Noise(field) }
    if let field = fields["nodes"] {
      for field in try field.list(atLeast: 1) { nodes.append(try field.text()) }
    }
    zone = try fields["zone"]?.text()
  }
}

extension Noise {
  fileprivate init(_ field: YAMLField) throws(FileError) {
    let fields = try field.fields(["noisyShare", "noisy", "quiet", "redrawSeconds"])
    func factors(_ name: String) throws(FileError) -> [ClosedRange<Double>] {
      guard let field = fields[name] else { return [1...1] }
      var ranges: [ClosedRange<Double>] = []
      for field in try field.list(atLeast: 1) { ranges.append(try field.range(0.001...1000)) }
      return ranges
    }
    self.init(
      noisyShare: try fields["noisyShare"]?.number(0...1) ?? 1, noisy: try factors("noisy"),
      quiet: try factors("quiet"), redrawSeconds: try fields["redrawSeconds"]?.range(0.001...1e5) ?? 1...1)
  }
}

extension ClientNode {
  fileprivate init(_ field: YAMLField) throws(FileError) {
    let fields = try field.fields(["node", "zone"])
    guard let node = fields["node"] else { throw field.expected("node among its fields") }
    self.init(node: try node.text(), zone: try fields["zone"]?.text())
  }
}

extension ReportTiming {
  fileprivate init(_ field: YAMLField) throws(FileError) {
    let fields = try field.fields(["everyMs", "delayMs"])
    guard let every = fields["everyMs"] else { throw field.expected("everyMs among its fields") }
    self.init(everyMs: try every.number(1...1e6), delayMs: try fields["delayMs"]?.number(0...1e6) ?? 0)
  }
}

extension YAMLField {
  /// One count, or a list of them.
  fileprivate func counts() throws(FileError) -> [Int] {
    var counts: [Int] = []
    for field in try list(atLeast: 1) { counts.append(try field.integer(1...100_000)) }
    return counts
  }

  /// Milliseconds by tier.
  fileprivate func tiers() throws(FileError) -> [Double] {
    let names = ["node", "zone", "cluster", "remote"]
    let fields = try fields(names)
    var found: [Double] = []
    for name in names { found.append(try fields[name]?.number(0...1e6) ?? 0) }
    return found
  }
}
