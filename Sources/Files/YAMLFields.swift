import Yams

/// The fields of a mapping in a YAML file (JSON is YAML too), read one by one; whatever is not as expected is an error
/// that names file, line and field.
public struct YAMLFields {
  private let file: String
  private let path: String
  private let line: Int
  private let fields: [String: Node]

  /// Reads a file whose one document is a mapping.
  ///
  /// Throws ``FileError``.
  public init(_ text: String, file: String) throws(FileError) {
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      // Its description draws a picture over several lines; the first says where and what.
      let first = "\(error)".split(separator: "\n").first.map(String.init) ?? "found no YAML"
      throw FileError(code: .invalid, file: file, message: "found no YAML: \(first)")
    } catch {
      throw FileError(code: .invalid, file: file, message: "found no YAML: \(error)")
    }
    guard let node else { throw FileError(code: .invalid, file: file, message: "found nothing, expected a mapping") }
    try self.init(node, file: file, path: "")
  }

  private init(_ node: Node, file: String, path: String) throws(FileError) {
    self.file = file
    self.path = path
    line = node.mark?.line ?? 0
    guard case .mapping(let mapping) = node else {
      throw Self.error(file, line, path, "found \(Self.kind(node)), expected a mapping")
    }
    var fields: [String: Node] = [:]
    for (key, value) in mapping {
      guard let name = key.scalar?.string else {
        throw Self.error(file, key.mark?.line ?? line, path, "found a key that is no text")
      }
      fields[name] = value
    }
    self.fields = fields
  }

  /// The names of the fields, in order.
  public var names: [String] { fields.keys.sorted() }

  /// A text, or a list of texts, as a list; empty where it is missing.
  public func stringOrStrings(_ name: String) throws(FileError) -> [String] {
    guard let node = fields[name], case .scalar = node else { return try strings(name) }
    return [try string(name)].compactMap { $0 }
  }

  /// Makes sure that there are no other fields.
  public func expect(only names: [String]) throws(FileError) {
    for (name, node) in fields.sorted(by: { $0.key < $1.key }) where !names.contains(name) {
      throw Self.error(
        file, node.mark?.line ?? line, child(name), "found this field, expected one of \(names.joined(separator: ", "))"
      )
    }
  }

  /// A text; nil where it is missing.
  public func string(_ name: String) throws(FileError) -> String? {
    try scalar(name, "text") { $0 }
  }

  /// A number; nil where it is missing.
  public func number(_ name: String) throws(FileError) -> Double? {
    try scalar(name, "a number") { text in Double(text).flatMap { $0.isFinite ? $0 : nil } }
  }

  /// A whole number; nil where it is missing.
  public func integer(_ name: String) throws(FileError) -> Int? {
    try scalar(name, "a whole number") { Int($0) }
  }

  /// One of several words; nil where it is missing.
  public func word<Value>(_ name: String, _ words: [(String, Value)]) throws(FileError) -> Value? {
    try scalar(name, "one of \(words.map(\.0).joined(separator: ", "))") { text in words.first { $0.0 == text }?.1 }
  }

  /// A list of texts; empty where it is missing.
  public func strings(_ name: String) throws(FileError) -> [String] {
    try list(name) { node, path throws(FileError) in
      guard let text = node.scalar?.string else {
        throw Self.error(file, node.mark?.line ?? line, path, "found \(Self.kind(node)), expected text")
      }
      return text
    }
  }

  /// A list of mappings; empty where it is missing.
  public func mappings(_ name: String) throws(FileError) -> [YAMLFields] {
    try list(name) { node, path throws(FileError) in try YAMLFields(node, file: file, path: path) }
  }

  /// A mapping; nil where it is missing.
  public func mapping(_ name: String) throws(FileError) -> YAMLFields? {
    guard let node = fields[name], !Self.isNull(node) else { return nil }
    return try YAMLFields(node, file: file, path: child(name))
  }

  /// An error at a field, or at the mapping itself.
  public func error(_ message: String, at name: String? = nil) -> FileError {
    Self.error(file, name.flatMap { fields[$0]?.mark?.line } ?? line, name.map(child) ?? path, message)
  }

  private func scalar<Value>(_ name: String, _ expected: String, _ read: (String) -> Value?) throws(FileError) -> Value?
  {
    guard let node = fields[name], !Self.isNull(node) else { return nil }
    guard let text = node.scalar?.string else {
      throw error("found \(Self.kind(node)), expected \(expected)", at: name)
    }
    guard let value = read(text) else { throw error("found '\(text)', expected \(expected)", at: name) }
    return value
  }

  private func list<Value>(
    _ name: String, _ read: (Node, String) throws(FileError) -> Value
  ) throws(FileError) -> [Value] {
    guard let node = fields[name], !Self.isNull(node) else { return [] }
    guard case .sequence(let nodes) = node else {
      throw error("found \(Self.kind(node)), expected a list", at: name)
    }
    var values: [Value] = []
    for (index, node) in nodes.enumerated() { values.append(try read(node, "\(child(name))[\(index)]")) }
    return values
  }

  private func child(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  private static func isNull(_ node: Node) -> Bool {
    guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else { return false }
    return ["", "~", "null"].contains(scalar.string)
  }

  private static func kind(_ node: Node) -> String {
    switch node {
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "'\(scalar.string)'"
    default: "an alias"
    }
  }

  private static func error(_ file: String, _ line: Int, _ path: String, _ message: String) -> FileError {
    let place = line > 0 ? "line \(line): " : ""
    return FileError(code: .invalid, file: file, message: place + (path.isEmpty ? "" : "\(path): ") + message)
  }
}
