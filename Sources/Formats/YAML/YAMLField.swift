import Yams

/// A value in a YAML file (JSON is YAML too), and where it stands: whatever it is taken for, an error names file, line and
/// field, what was found and what was expected.
package struct YAMLField {
  /// Such as `servers[1].cores`; empty for the whole file.
  package let path: String
  private let node: Node
  private let file: String

  /// The whole of a text.
  ///
  /// Throws ``FileError`` where it is not YAML, or empty.
  package init(text: String, file: String) throws(FileError) {
    let node: Node?
    do throws(BoundedYAML.Fault) {
      node = try BoundedYAML.compose(text)
    } catch {
      throw Self.error(error, file)
    }
    guard let node else { throw FileError(code: .invalid, file: file, message: "is empty, expected a mapping") }
    self.init(path: "", node: node, file: file)
  }

  /// The documents of a text, which `---` separates; those that are empty are left out.
  ///
  /// Throws ``FileError`` where the text is not YAML, or there is no document in it.
  package static func documents(text: String, file: String) throws(FileError) -> [YAMLField] {
    var documents: [YAMLField] = []
    do throws(BoundedYAML.Fault) {
      for node in try BoundedYAML.composeAll(text) where node.null == nil {
        documents.append(YAMLField(path: "", node: node, file: file))
      }
    } catch {
      throw Self.error(error, file)
    }
    guard !documents.isEmpty else {
      throw FileError(code: .invalid, file: file, message: "is empty, expected a mapping")
    }
    return documents
  }

  private static func error(_ fault: BoundedYAML.Fault, _ file: String) -> FileError {
    FileError(code: .invalid, file: file, message: fault.isSyntax ? "is not YAML: \(fault)" : "\(fault)")
  }

  private init(path: String, node: Node, file: String) {
    self.path = path
    self.node = node
    self.file = file
  }

  /// An error here.
  package func error(_ message: String) -> FileError { error(message, at: node, path) }

  /// An error that says what was expected here.
  package func expected(_ what: String) -> FileError {
    let found =
      switch node {
      case .scalar(let scalar): "'\(scalar.string.prefix(100))'"
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    return error("found \(found), expected \(what)")
  }

  private func error(_ message: String, at node: Node, _ path: String) -> FileError {
    let line = node.mark.map { "line \($0.line): " } ?? ""
    return FileError(code: .invalid, file: file, message: line + (path.isEmpty ? "" : "\(path): ") + message)
  }

  /// The fields by name.
  ///
  /// - Parameter known: the names that there may be; nil for any.
  package func fields(_ known: [String]? = nil) throws(FileError) -> [String: YAMLField] {
    guard case .mapping(let mapping) = node else {
      throw expected("a mapping" + (known.map { " with \($0.joined(separator: ", "))" } ?? ""))
    }
    var fields: [String: YAMLField] = [:]
    for (key, value) in mapping {
      guard let name = key.scalar?.string else { throw error("found a key that is no text", at: key, path) }
      let inside = YAMLField(path: path.isEmpty ? name : "\(path).\(name)", node: value, file: file)
      if let known, !known.contains(name) {
        throw error("unknown, expected one of \(known.joined(separator: ", "))", at: key, inside.path)
      }
      fields[name] = inside
    }
    return fields
  }

  /// The elements of a list, at least so many, and no more than there may be.
  package func list(atLeast count: Int = 0, atMost most: Int = .max) throws(FileError) -> [YAMLField] {
    guard case .sequence(let sequence) = node, sequence.count >= count else {
      throw expected(count == 0 ? "a list" : "a list of at least \(count)")
    }
    guard sequence.count <= most else { throw error("found \(sequence.count) elements, expected at most \(most)") }
    return sequence.enumerated().map { YAMLField(path: "\(path)[\($0)]", node: $1, file: file) }
  }

  /// The elements of a list, or the value alone.
  package func elements() throws(FileError) -> [YAMLField] {
    if case .scalar = node { [self] } else { try list() }
  }

  /// A number in a range.
  package func number(_ range: ClosedRange<Double>) throws(FileError) -> Double {
    guard let number = node.float, range.contains(number) else {
      throw expected("a number from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))")
    }
    return number
  }

  /// A whole number in a range.
  package func integer(_ range: ClosedRange<Int>) throws(FileError) -> Int {
    guard let number = node.int, range.contains(number) else {
      throw expected("a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Two numbers in a range, the lower first.
  package func range(_ bounds: ClosedRange<Double>) throws(FileError) -> ClosedRange<Double> {
    let ends = try list()
    guard ends.count == 2 else { throw expected("a list of two numbers, such as [0.3, 0.7]") }
    let (low, high) = (try ends[0].number(bounds), try ends[1].number(bounds))
    guard low <= high else { throw expected("the lower number first") }
    return low...high
  }

  /// True or false.
  package func flag() throws(FileError) -> Bool {
    guard let flag = node.bool else { throw expected("true or false") }
    return flag
  }

  /// A text that is not empty.
  ///
  /// - Parameter most: the most Unicode scalars that it may have, as schemas of custom resources count them.
  package func text(atMost most: Int = .max) throws(FileError) -> String {
    guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw expected("a text") }
    guard scalar.string.unicodeScalars.count <= most else {
      throw error("found a text of \(scalar.string.unicodeScalars.count) characters, expected at most \(most)")
    }
    return scalar.string
  }

  /// What one of several words stands for.
  package func word<Value>(_ words: KeyValuePairs<String, Value>) throws(FileError) -> Value {
    let text = node.scalar?.string
    guard let found = words.first(where: { $0.key == text }) else {
      throw expected("one of \(words.map(\.key).joined(separator: ", "))")
    }
    return found.value
  }

  /// A number without needless digits.
  private static func text(_ number: Double) -> String {
    Int(exactly: number).map { "\($0)" } ?? "\(number)"
  }
}
