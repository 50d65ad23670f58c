import CYaml
package import Yams

/// Trees of YAML from outside, made in time and memory that the text's length bounds.
///
/// A few nested aliases stand for more than any memory holds. Yams keeps each anchor once, but hashes every key with all
/// that is in it. So the events are walked before a tree is made: keys are text, and what aliases stand for is counted.
package enum BoundedYAML {
  /// What is not YAML, or not taken, and where.
  package struct Fault: Error, CustomStringConvertible {
    /// The line, from 1; nil where it is in the message.
    package var line: Int?
    /// The column, from 1; nil where the line says enough.
    package var column: Int?
    /// Whether it is no YAML at all.
    package var isSyntax = false
    /// What was found, and what was expected.
    package var message: String

    /// The message, after its line.
    package var description: String {
      guard let line else { return message }
      return column.map { "\(line):\($0): \(message)" } ?? "line \(line): \(message)"
    }
  }

  /// Deeper than any file of ours, and shallow enough for the stack of any thread.
  static let deepest = 200

  /// How many values a text may stand for.
  private static func limit(_ text: String) -> Int { max(1 << 20, 2 * text.utf8.count) }

  /// The tree of a text of one document; nil where there is none.
  package static func compose(_ text: String) throws(Fault) -> Node? {
    try check(text)
    do {
      return try Yams.compose(yaml: text)
    } catch {
      throw Fault(isSyntax: true, message: excerpt("\(error)"))
    }
  }

  /// The trees of all documents of a text.
  package static func composeAll(_ text: String) throws(Fault) -> [Node] {
    try check(text)
    do {
      var documents = try Yams.compose_all(yaml: text)
      var nodes: [Node] = []
      while let node = documents.next() { nodes.append(node) }
      if let error = documents.error { throw error }
      return nodes
    } catch {
      throw Fault(isSyntax: true, message: excerpt("\(error)"))
    }
  }

  /// Walks a text before anything is made of it.
  package static func check(_ text: String) throws(Fault) {
    let bytes = Array(text.utf8)
    let result = bytes.withUnsafeBufferPointer { bytes in
      Result { () throws(Fault) in
        var walk = YAMLWalk(bytes, limit: limit(text))
        try walk.run()
      }
    }
    try result.get()
  }

  /// The beginnings of a message's first lines: Yams quotes the line that is wrong, however long.
  static func excerpt(_ message: String) -> String {
    message.split(separator: "\n").prefix(6).map { $0.count > 160 ? "\($0.prefix(160))…" : "\($0)" }
      .joined(separator: "\n")
  }
}

/// A walk over the events of a text.
private struct YAMLWalk: ~Copyable {
  private struct Level {
    var isMapping: Bool
    var anchor: String?
    /// Keys and values, or elements, so far.
    var count = 0
    /// How many values it stands for so far.
    var size = 1
    var expectsKey: Bool { isMapping && count % 2 == 0 }
  }

  /// What an alias stands for.
  private struct Anchored {
    var size: Int
    var isText: Bool
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let limit: Int
  private var levels: [Level] = []
  private var anchors: [String: Anchored] = [:]
  /// How many values all of the text stands for so far.
  private var size = 0

  /// Makes a walk over bytes that must outlive it.
  init(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int) {
    parser = .allocate(capacity: 1)
    yaml_parser_initialize(parser)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    self.limit = limit
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  mutating func run() throws(BoundedYAML.Fault) {
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
      defer { yaml_event_delete(&event) }
      if event.type == YAML_STREAM_END_EVENT { return }
      try take(event)
    }
  }

  private func syntaxError() -> BoundedYAML.Fault {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "the parser gave up"
    let (mark, context) = (parser.pointee.problem_mark, parser.pointee.context_mark)
    let place = mark.line < context.line ? context : mark
    // The parser looks ahead, and has a limit of its own.
    if problem.contains("nesting level") { return tooDeep(Int(clamping: place.line) + 1) }
    return BoundedYAML.Fault(
      line: Int(clamping: place.line) + 1, column: Int(clamping: place.column) + 1, isSyntax: true, message: problem)
  }

  private mutating func take(_ event: yaml_event_t) throws(BoundedYAML.Fault) {
    let line = Int(clamping: event.start_mark.line) + 1
    switch event.type {
    case YAML_DOCUMENT_START_EVENT:
      anchors = [:]
    case YAML_SCALAR_EVENT:
      try complete(Anchored(size: 1, isText: true), name(event.data.scalar.anchor), line)
    case YAML_ALIAS_EVENT:
      let alias = name(event.data.alias.anchor) ?? ""
      guard let value = anchors[alias] else {
        throw fault(line, "found the alias *\(alias.prefix(100)), expected an anchor of that name before")
      }
      guard value.isText || levels.last?.expectsKey != true else { throw noText(line) }
      try complete(value, nil, line)
    case YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT:
      guard levels.last?.expectsKey != true else { throw noText(line) }
      guard levels.count < BoundedYAML.deepest else { throw tooDeep(line) }
      let isMapping = event.type == YAML_MAPPING_START_EVENT
      let anchor = isMapping ? event.data.mapping_start.anchor : event.data.sequence_start.anchor
      levels.append(Level(isMapping: isMapping, anchor: name(anchor)))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
      guard let level = levels.popLast() else { return }
      try complete(Anchored(size: level.size, isText: false), level.anchor, line)
    default:
      return
    }
  }

  /// Counts a value that is there in full.
  private mutating func complete(_ value: Anchored, _ anchor: String?, _ line: Int) throws(BoundedYAML.Fault) {
    if let anchor { anchors[anchor] = value }
    if let last = levels.indices.last {
      levels[last].count += 1
      levels[last].size += value.size
      try expect(levels[last].size, line)
    } else {
      size += value.size
      try expect(size, line)
    }
  }

  private func expect(_ size: Int, _ line: Int) throws(BoundedYAML.Fault) {
    guard size <= limit else {
      throw fault(line, "found aliases that blow the input up, expected less repetition")
    }
  }

  private func tooDeep(_ line: Int) -> BoundedYAML.Fault {
    fault(line, "found nesting deeper than \(BoundedYAML.deepest), expected less")
  }

  private func noText(_ line: Int) -> BoundedYAML.Fault { fault(line, "found a key that is no text") }

  private func fault(_ line: Int, _ message: String) -> BoundedYAML.Fault {
    BoundedYAML.Fault(line: line, message: message)
  }

  private func name(_ anchor: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    anchor.map { String(cString: $0) }
  }
}
