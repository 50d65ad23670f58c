package import Formats
package import Placement

extension EdgeProblem {
  /// Reads a problem from YAML:
  ///
  /// ```yaml
  /// clusters: [north, east, cloud]
  /// costs: {default: 20, north: {east: 6}, east: {north: 6}}
  /// services:
  /// - name: cart
  ///   demandPerMinute: {north: 1080, east: 300}
  ///   capacityPerMinute: {north: 540, east: 540, cloud: 3000}
  /// ```
  ///
  /// A figure that is left out is 0; a cost is the same both ways where only one is given.
  ///
  /// - Parameters:
  ///   - yaml: The text.
  ///   - file: Its name, for errors.
  /// - Throws: `FileError`, which names file, line and field, what was found and what was expected.
  package init(yaml: String, file: String) throws(FileError) {
    let whole = try YAMLField(text: yaml, file: file)
    let fields = try whole.fields(["clusters", "costs", "services", "shedCost"])
    guard let names = fields["clusters"] else { throw whole.expected("clusters among its fields") }
    guard let list = fields["services"] else { throw whole.expected("services among its fields") }
    var clusters: [String] = []
    for field in try names.list(atLeast: 1) {
      let name = try field.text()
      guard name != "default", !clusters.contains(name) else {
        throw field.expected("a name that no other cluster has, and not 'default'")
      }
      clusters.append(name)
    }
    guard clusters.count <= Self.mostClusters else { throw names.expected("at most \(Self.mostClusters) clusters") }
    let costs = try fields["costs"].map { field throws(FileError) in try Self.costs(field, clusters) }
    self.init(
      clusters: clusters, services: [], costs: costs ?? Self.even(Self.usualCost, clusters.count),
      shedCost: try fields["shedCost"]?.number(0...1e9) ?? 1000)
    for field in try list.list(atLeast: 1) { services.append(try Service(field, clusters)) }
  }

  private static let mostClusters = 500
  private static let usualCost = 20.0

  private static func even(_ cost: Double, _ count: Int) -> [[Double]] {
    Array(repeating: Array(repeating: cost, count: count), count: count)
  }

  private static func costs(_ field: YAMLField, _ clusters: [String]) throws(FileError) -> [[Double]] {
    let rows = try field.fields(clusters + ["default"])
    var costs = even(try rows["default"]?.number(0...1e6) ?? usualCost, clusters.count)
    for isReverse in [true, false] {
      for (a, from) in clusters.enumerated() {
        guard let columns = try rows[from]?.fields(clusters) else { continue }
        for (b, to) in clusters.enumerated() {
          guard let cost = try columns[to]?.number(0...1e6) else { continue }
          if isReverse { costs[b][a] = cost } else { costs[a][b] = cost }
        }
      }
    }
    return costs
  }
}

extension EdgeProblem.Service {
  fileprivate init(_ field: YAMLField, _ clusters: [String]) throws(FileError) {
    let fields = try field.fields(["name", "demandPerMinute", "capacityPerMinute"])
    guard let name = fields["name"] else { throw field.expected("name among its fields") }
    func figures(_ key: String) throws(FileError) -> [Double] {
      guard let field = fields[key] else { throw field.expected("\(key) among its fields") }
      let known = try field.fields(clusters)
      var figures: [Double] = []
      for cluster in clusters { figures.append(try known[cluster]?.number(0...1e12) ?? 0) }
      return figures
    }
    self.init(
      name: try name.text(), demand: try figures("demandPerMinute"), capacity: try figures("capacityPerMinute"))
  }
}
