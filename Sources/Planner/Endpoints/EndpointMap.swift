import Formats
package import Foundation
import Traffic
import Yams

/// What a user says about names in a traffic dump: which workload one means, that one is outside of the cluster, or on
/// which node one is to be thought.
///
///     cart-svc: shop/cart              # a workload or a Service, by namespace/name or by a unique name
///     legacy/billing: outside          # leave it out of the plan, whatever is named so in the cluster
///     db.example.com: {node: node-1}   # an end of its own that stays on that node: its traffic counts
///
/// A name with its namespace wins over the name alone, which holds for every namespace; an end in another cluster is
/// `cluster/namespace/name`.
package struct EndpointMap: Sendable {
  enum Target: Hashable, Sendable {
    case named(String)
    case outside
    case node(String)
  }

  struct Entry: Hashable, Sendable {
    var target: Target
    /// Where the entry stands, `file:line`, for messages.
    var place: String
  }

  private(set) var entries: [String: Entry] = [:]

  /// What dumps call the cluster that is planned for, where they are of several; empty where the user does not say.
  package var clusterNames: Set<String> = []

  /// Makes a map that says nothing.
  package init() {}

  /// Reads a map from YAML (or JSON).
  ///
  /// - Throws: ``PlanningError/Code/badMap`` with file and line, what was found and what was expected.
  package init(_ data: Data, file: String) throws(PlanningError) {
    let root: Node?
    do throws(BoundedYAML.Fault) {
      root = try BoundedYAML.compose(String(decoding: data, as: UTF8.self))
    } catch {
      let place = error.line.map { "\(file):\($0)" } ?? file
      throw PlanningError(code: .badMap, message: "\(place): \(error.message)")
    }
    guard let root else { return }
    guard let mapping = root.mapping else {
      throw Self.wrong(root, file, "expected 'name: namespace/workload', 'name: outside' or 'name: {node: NODE}'")
    }
    for (key, value) in mapping {
      guard let name = key.string, !name.isEmpty else { throw Self.wrong(key, file, "expected a name") }
      let entry = Entry(target: try Self.target(value, of: name, file), place: Self.place(key, file))
      entries[name] = entry
    }
  }

  private static func target(_ node: Node, of name: String, _ file: String) throws(PlanningError) -> Target {
    if let text = node.string, node.scalar != nil, !text.isEmpty {
      return text == "outside" ? .outside : .named(text)
    }
    if let mapping = node.mapping, mapping.count == 1, let pinned = mapping["node"]?.string, !pinned.isEmpty {
      return .node(pinned)
    }
    throw wrong(node, file, "'\(name)' expects namespace/workload, outside or {node: NODE}")
  }

  private static func place(_ node: Node, _ file: String) -> String {
    node.mark.map { "\(file):\($0.line)" } ?? file
  }

  private static func wrong(_ node: Node, _ file: String, _ expected: String) -> PlanningError {
    let found =
      switch node {
      case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "'\(scalar.string.prefix(100))'"
      case .mapping: "an object"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    return PlanningError(code: .badMap, message: "\(place(node, file)): found \(found), \(expected)")
  }

  /// What is to be said of entries that no name in the traffic matches; nil where there are none.
  func remark(onTrafficOf graphs: [TrafficGraph]) -> String? {
    var rest = entries
    for graph in graphs {
      for endpoint in graph.endpoints {
        guard !rest.isEmpty else { return nil }
        for name in endpoint.namesInMap { rest[name] = nil }
      }
    }
    guard !rest.isEmpty else { return nil }
    let names = rest.keys.sorted().map { "'\($0.prefix(100))' (\(rest[$0]?.place ?? ""))" }
    return "no name in the traffic matches what the map says of \(ProblemWarnings.list(names, atMost: 3))"
  }
}

extension TrafficEndpoint {
  /// The names under which a map may speak of the endpoint; the first that it has counts.
  var namesInMap: [String] {
    if let cluster { return ["\(cluster)/\(self)"] }
    return [description, name] + (host.map { [$0] } ?? [])
  }
}
