import CYaml

/// Turns YAML into JSON, document by document, as Kubernetes' own tools do before they read it.
///
/// It works on libyaml's events, with no tree in between: an alias copies the bytes that its anchor produced, so the
/// budget on output bounds what a few nested aliases can blow up to.
struct YAMLTranscoder: ~Copyable {
  /// What is not YAML, or cannot be JSON, and where (line from 1).
  struct SyntaxError: Error {
    var line: Int
    var message: String
  }

  /// One document as JSON.
  struct Document {
    var json: [UInt8]
    /// The line where it starts, from 1.
    var line: Int
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  /// How many more bytes aliases may add.
  private var budget: Int

  /// Makes a transcoder of bytes that must outlive it.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    parser = .allocate(capacity: 1)
    yaml_parser_initialize(parser)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    budget = max(16 << 20, 4 * bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next document; nil after the last.
  mutating func next() throws(SyntaxError) -> Document? {
    while true {
      var event = try parse()
      defer { yaml_event_delete(&event) }
      switch event.type {
      case YAML_STREAM_END_EVENT: return nil
      case YAML_DOCUMENT_START_EVENT: return try document(startingAt: Int(event.start_mark.line) + 1)
      default: continue
      }
    }
  }

  private func parse() throws(SyntaxError) -> yaml_event_t {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else {
      let problem = parser.pointee.problem.map { String(cString: $0) } ?? "the parser gave up"
      let line = max(parser.pointee.problem_mark.line, parser.pointee.context_mark.line)
      throw SyntaxError(line: Int(line) + 1, message: "found no YAML: \(problem)")
    }
    return event
  }

  /// A collection that is being written.
  private struct Level {
    var isMapping: Bool
    var anchor: String?
    var start: Int
    /// Keys and values (or elements) so far.
    var count = 0
    var expectsKey: Bool { isMapping && count % 2 == 0 }
  }

  private mutating func document(startingAt first: Int) throws(SyntaxError) -> Document {
    var json: [UInt8] = []
    var anchors: [String: Range<Int>] = [:]
    var levels: [Level] = []
    while true {
      var event = try parse()
      defer { yaml_event_delete(&event) }
      let line = Int(event.start_mark.line) + 1
      switch event.type {
      case YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT:
        return Document(json: json, line: first)
      case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
        guard let level = levels.popLast() else { continue }
        json.append(level.isMapping ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        if let anchor = level.anchor { anchors[anchor] = level.start..<json.count }
        continue
      default:
        break
      }

      let isKey = levels.last?.expectsKey ?? false
      if let level = levels.indices.last {
        if levels[level].count > 0 {
          json.append(levels[level].isMapping && !isKey ? UInt8(ascii: ":") : UInt8(ascii: ","))
        }
        levels[level].count += 1
      }
      let start = json.count
      switch event.type {
      case YAML_SCALAR_EVENT:
        let scalar = Scalar(event)
        guard !isKey || !scalar.isMerge else {
          throw SyntaxError(line: line, message: "found a merge key (<<), expected the fields themselves")
        }
        scalar.write(to: &json, isKey: isKey)
        if let anchor = name(event.data.scalar.anchor) { anchors[anchor] = start..<json.count }
      case YAML_ALIAS_EVENT:
        let anchor = name(event.data.alias.anchor) ?? ""
        guard let range = anchors[anchor] else {
          throw SyntaxError(line: line, message: "found the alias *\(anchor), expected an anchor of that name before")
        }
        guard !isKey || json[range.lowerBound] == UInt8(ascii: "\"") else {
          throw SyntaxError(line: line, message: "found an alias as field name, expected text")
        }
        budget -= range.count
        guard budget >= 0 else {
          throw SyntaxError(line: line, message: "found aliases that blow the input up, expected less repetition")
        }
        json.append(contentsOf: json[range])
      case YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT:
        guard !isKey else {
          throw SyntaxError(line: line, message: "found a collection as field name, expected text")
        }
        guard levels.count < JSONScanner.deepest else {
          throw SyntaxError(
            line: line,
            message: "found nesting deeper than \(JSONScanner.deepest), expected less"
          )
        }
        let isMapping = event.type == YAML_MAPPING_START_EVENT
        let anchor = isMapping ? event.data.mapping_start.anchor : event.data.sequence_start.anchor
        json.append(isMapping ? UInt8(ascii: "{") : UInt8(ascii: "["))
        levels.append(Level(isMapping: isMapping, anchor: name(anchor), start: start))
      default:
        throw SyntaxError(line: line, message: "found no YAML: an event out of place")
      }
    }
  }

  private func name(_ anchor: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    anchor.map { String(cString: $0) }
  }
}

extension YAMLTranscoder {
  /// A scalar of the event that is being looked at.
  private struct Scalar {
    let bytes: UnsafeBufferPointer<UInt8>
    /// Without quotation marks and without a tag: it may be a number, a truth value or null.
    let isPlain: Bool

    init(_ event: yaml_event_t) {
      bytes = UnsafeBufferPointer(start: event.data.scalar.value, count: event.data.scalar.length)
      isPlain = event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && event.data.scalar.plain_implicit == 1
    }

    var isMerge: Bool { isPlain && bytes.elementsEqual("<<".utf8) }

    /// Writes the scalar as JSON. What is null or true is decided as in YAML 1.1, like Kubernetes' tools do; numbers
    /// that JSON writes otherwise stay text.
    func write(to json: inout [UInt8], isKey: Bool) {
      guard isPlain, !isKey else { return writeString(to: &json) }
      if bytes.count <= 5 {
        switch String(decoding: bytes, as: UTF8.self) {
        case "", "~", "null", "Null", "NULL": return json.append(contentsOf: "null".utf8)
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
          return json.append(contentsOf: "true".utf8)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
          return json.append(contentsOf: "false".utf8)
        default: break
        }
      }
      if isNumber { json.append(contentsOf: bytes) } else { writeString(to: &json) }
    }

    private var isNumber: Bool {
      guard let first = bytes.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else { return false }
      var scanner = JSONScanner(bytes)
      return (try? scanner.skipValue()) != nil && scanner.next == nil
    }

    private func writeString(to json: inout [UInt8]) {
      json.append(UInt8(ascii: "\""))
      for byte in bytes {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
          json.append(UInt8(ascii: "\\"))
          json.append(byte)
        case 0..<0x20:
          let digits = Array("0123456789abcdef".utf8)
          json.append(contentsOf: "\\u00".utf8)
          json.append(digits[Int(byte >> 4)])
          json.append(digits[Int(byte & 15)])
        default:
          json.append(byte)
        }
      }
      json.append(UInt8(ascii: "\""))
    }
  }
}
