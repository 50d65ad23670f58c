import Yams

/// YAML that is written as it goes, in the style of a plan: objects without lists stand on one line where they fit.
///
/// Yams takes a few hundred microseconds for each object of a plan, which is half a minute for a large one.
enum PlanYAML {
  case text(String)
  case number(Int)
  case mapping([(key: String, value: PlanYAML)])
  case list([PlanYAML])

  /// The longest object that is written on one line, in characters.
  private static let lineLimit = 120

  /// Writes `key: value` as an entry of a mapping.
  func write(key: String, indent: Int, to output: inout String) {
    output += key
    if let line {
      output += ": \(line)\n"
      return
    }
    output += ":\n"
    switch self {
    case .list(let items): for item in items { item.writeItem(indent: indent, to: &output) }
    case .mapping(let pairs): Self.write(pairs, indent: indent + 2, isIndented: false, to: &output)
    case .text, .number: break
    }
  }

  private func writeItem(indent: Int, to output: inout String) {
    output += String(repeating: " ", count: indent) + "- "
    switch self {
    case .mapping(let pairs) where line == nil: Self.write(pairs, indent: indent + 2, isIndented: true, to: &output)
    default: output += "\(line ?? "")\n"
    }
  }

  /// - Parameter isIndented: whether the first pair follows what stands on its line already.
  private static func write(
    _ pairs: [(key: String, value: PlanYAML)], indent: Int, isIndented: Bool, to output: inout String
  ) {
    for (i, pair) in pairs.enumerated() {
      if i > 0 || !isIndented { output += String(repeating: " ", count: indent) }
      pair.value.write(key: pair.key, indent: indent, to: &output)
    }
  }

  /// The value on one line; nil where it does not fit on one.
  private var line: String? {
    switch self {
    case .text(let text): return Self.scalar(text)
    case .number(let number): return "\(number)"
    case .list(let items): return items.isEmpty ? "[]" : nil
    case .mapping(let pairs):
      var parts: [String] = []
      for pair in pairs {
        if case .list = pair.value { return nil }
        guard let line = pair.value.line else { return nil }
        parts.append("\(pair.key): \(line)")
      }
      let line = "{\(parts.joined(separator: ", "))}"
      return line.utf8.count <= Self.lineLimit ? line : nil
    }
  }

  /// Text as a scalar: as it is where nothing else could be read from it.
  private static func scalar(_ text: String) -> String {
    func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    let isPlain =
      text.utf8.first.map(isLetter) ?? false
      && text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || [0x2D, 0x2E, 0x2F, 0x5F].contains($0) }
      && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
    if isPlain { return text }
    let quoted = try? serialize(node: Node(text, Tag(.str), .doubleQuoted), width: -1, allowUnicode: true)
    return (quoted ?? "").trimmingSuffix { $0.isNewline }
  }
}

extension StringProtocol {
  fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
    var end = endIndex
    while end > startIndex, isTrimmed(self[index(before: end)]) { end = index(before: end) }
    return String(self[..<end])
  }
}

extension PlacementPlan.WorkloadReference {
  var text: PlanYAML { .mapping([("kind", .text(kind)), ("namespace", .text(namespace)), ("name", .text(name))]) }
}

extension PlacementPlan.Placement {
  var text: PlanYAML {
    let nodes = nodes.map { PlanYAML.mapping([("name", .text($0.name)), ("replicas", .number($0.replicas))]) }
    return .mapping([("workload", workload.text), ("nodes", .list(nodes))])
  }
}

extension PlacementPlan.Move {
  var text: PlanYAML {
    var pairs: [(key: String, value: PlanYAML)] = [("workload", workload.text), ("replicas", .number(replicas))]
    for (key, value) in [("from", from), ("to", to), ("part", part)] {
      if let value { pairs.append((key, .text(value))) }
    }
    return .mapping(pairs)
  }
}
