import Formats
package import Foundation
import Yams

extension PlacementPlan {
  /// The plan as YAML: keys in the order of the format, the smallest objects on a line of their own.
  package func yaml() throws -> String {
    // The lists, which can be long, are put in afterwards.
    var frame = self
    frame.spec.placements = []
    frame.status?.moveOrder = status?.moveOrder.map { _ in [] }
    frame.status?.blockedMoves = status?.blockedMoves.map { _ in [] }
    let encoded = try YAMLEncoder().encode(frame)
    guard let node = try compose(yaml: encoded) else { return encoded }
    let lists: [String: [PlanYAML]] = [
      "  placements: []": spec.placements.map(\.text),
      "  moveOrder: []": (status?.moveOrder ?? []).map(\.text),
      "  blockedMoves: []": (status?.blockedMoves ?? []).map(\.text),
    ]
    var text = ""
    for line in try serialize(node: node.restyled(), width: -1).split(separator: "\n") {
      if let list = lists[String(line)] {
        text += "  "
        PlanYAML.list(list).write(key: line.dropFirst(2).prefix { $0 != ":" }.description, indent: 2, to: &text)
      } else {
        text += line + "\n"
      }
    }
    return text
  }

  /// The plan as JSON: indented, keys sorted, with a newline at the end.
  package func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }

  /// Reads a plan from YAML or JSON.
  ///
  /// - Parameters:
  ///   - data: the document; JSON where it begins with `{`.
  ///   - file: its name, for messages.
  /// - Throws: ``PlanningError/Code/badPlan`` with the place in the document, what was found and what was expected.
  package init(_ data: Data, file: String) throws(PlanningError) {
    do {
      if data.first(where: { !" \n\r\t".utf8.contains($0) }) == UInt8(ascii: "{") {
        self = try JSONDecoder().decode(PlacementPlan.self, from: data)
      } else {
        try BoundedYAML.check(String(decoding: data, as: UTF8.self))
        self = try YAMLDecoder().decode(PlacementPlan.self, from: data)
      }
    } catch {
      throw PlanningError(code: .badPlan, message: "\(file): \(describe(error))")
    }
    try check(file: file)
  }

  /// Checks what types alone do not say.
  private func check(file: String) throws(PlanningError) {
    func expect(_ holds: Bool, _ message: @autoclosure () -> String) throws(PlanningError) {
      guard !holds else { return }
      throw PlanningError(code: .badPlan, message: "\(file): \(message())")
    }
    try expect(
      apiVersion == Self.currentAPIVersion,
      "apiVersion: found '\(apiVersion)', expected '\(Self.currentAPIVersion)'"
    )
    try expect(kind == Self.kind, "kind: found '\(kind)', expected '\(Self.kind)'")
    var workloads: Set<WorkloadReference> = []
    for (p, placement) in spec.placements.enumerated() {
      let workload = placement.workload
      try expect(
        workloads.insert(workload).inserted,
        "spec.placements[\(p)]: \(workload) is placed a second time, expected each workload once"
      )
      var nodes: Set<String> = []
      for (n, node) in placement.nodes.enumerated() {
        let path = "spec.placements[\(p)].nodes[\(n)]"
        try expect(nodes.insert(node.name).inserted, "\(path): node '\(node.name)' a second time, expected it once")
        try expect(
          (1...Int(Int32.max)).contains(node.replicas),
          "\(path).replicas: found \(node.replicas), expected 1 or more"
        )
      }
    }
  }
}

extension PlacementPlan.WorkloadReference: CustomStringConvertible {
  /// `Kind namespace/name`.
  package var description: String { "\(kind) \(namespace)/\(name)" }
}

/// What a decoder found wrong, with the path in the document.
private func describe(_ error: any Error) -> String {
  guard let error = error as? DecodingError else { return "\(error)" }
  func place(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
    let path = (context.codingPath + (key.map { [$0] } ?? [])).reduce(into: "") { path, key in
      path += key.intValue.map { "[\($0)]" } ?? (path.isEmpty ? key.stringValue : ".\(key.stringValue)")
    }
    return path.isEmpty ? "the document" : path
  }
  switch error {
  case .keyNotFound(let key, let context):
    return "\(place(context, key)): found nothing, expected a value"
  case .valueNotFound(let type, let context):
    return "\(place(context)): found null, expected \(word(for: type))"
  case .typeMismatch(let type, let context):
    return "\(place(context)): found \(found(context)), expected \(word(for: type))"
  case .dataCorrupted(let context):
    let cause = context.underlyingError.map { "\($0)" } ?? context.debugDescription
    return "\(place(context)): \(cause)"
  @unknown default:
    return "\(error)"
  }
}

/// What a decoder says that it found instead of the expected type.
private func found(_ context: DecodingError.Context) -> String {
  let text = context.debugDescription
  guard let start = text.range(of: "found ")?.upperBound else { return "something else" }
  switch text[start...].replacing(" instead", with: "").trimmingCharacters(in: CharacterSet(charactersIn: ". ")) {
  case "Node": return "another kind of value"
  case "Scalar": return "a single value"
  case let words: return words
  }
}

/// What a user calls a type of the format.
private func word(for type: any Any.Type) -> String {
  switch type {
  case is String.Type: "text"
  case is Int.Type, is UInt64.Type: "a whole number"
  case is Double.Type: "a number"
  case is Bool.Type: "true or false"
  case is any (ExpressibleByArrayLiteral).Type: "a list"
  default: "an object"
  }
}

extension Node {
  /// The longest object that is written on one line, in characters.
  private static let lineLimit = 120

  /// Writes numbers without an exponent where that is shorter to read, and objects without lists on one line where they
  /// fit.
  fileprivate func restyled() -> Node {
    switch self {
    case .scalar(var scalar):
      if scalar.style == .any || scalar.style == .plain, scalar.string.contains("e"), let value = Double(scalar.string)
      {
        scalar.string = value.description
      }
      return .scalar(scalar)
    case .mapping(let mapping):
      let pairs = mapping.map { ($0.key, $0.value.restyled()) }
      let styled = Mapping(pairs, mapping.tag, .flow)
      let fits = Node.mapping(styled).lineLength.map { $0 <= Self.lineLimit } ?? false
      return .mapping(fits ? styled : Mapping(pairs, mapping.tag, .block))
    case .sequence(let sequence):
      return .sequence(Sequence(sequence.map { $0.restyled() }, sequence.tag, .block))
    case .alias:
      return self
    }
  }

  /// How many characters the node takes on a line; nil where it cannot stand on one.
  private var lineLength: Int? {
    switch self {
    case .scalar(let scalar): return scalar.string.count
    case .mapping(let mapping) where mapping.style == .flow:
      return mapping.reduce(0) { length, pair in
        guard let length, let key = pair.key.lineLength, let value = pair.value.lineLength else { return nil }
        return length + key + value + 4
      }
    case .mapping, .sequence, .alias: return nil
    }
  }
}
