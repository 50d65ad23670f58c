import CYaml

/// Turns YAML into JSON, document by document, as Kubernetes' own tools do before they read it.
///
/// It works on libyaml's events, with no tree in between: an alias copies the bytes that its anchor produced, so the
/// budget on copies bounds what a few nested aliases can blow up to.
///
/// Merge keys are read as kubectl reads them: `<<` stands for the fields of its mapping, or of each mapping in its list,
/// of which an earlier one goes before a later one. Of a field that a mapping has twice, by merging or as it is written,
/// the last one counts.
package struct YAMLTranscoder: ~Copyable {
  /// What is not YAML, or cannot be JSON, and where (line from 1).
  package struct SyntaxError: Error {
    package var line: Int
    package var message: String
  }

  /// One document as JSON.
  package struct Document {
    package var json: [UInt8]
    /// The line where it starts, from 1.
    package var line: Int
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  /// How many more bytes may be copied for anchors, aliases and merge keys.
  private var budget: Int

  /// Makes a transcoder of bytes that must outlive it.
  package init(_ bytes: UnsafeBufferPointer<UInt8>) {
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
  package mutating func next() throws(SyntaxError) -> Document? {
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
    /// Whether the value that comes next is that of a merge key.
    var isMerging = false
    /// How many mappings were merged that have fields.
    var merged = 0
    /// Where the names of fields are that are written here, without quotation marks.
    var names: [Range<Int>] = []
    var expectsKey: Bool { isMapping && count % 2 == 0 }
  }

  private mutating func document(startingAt first: Int) throws(SyntaxError) -> Document {
    var json: [UInt8] = []
    var anchors: [String: [UInt8]] = [:]
    var levels: [Level] = []
    while true {
      var event = try parse()
      defer { yaml_event_delete(&event) }
      let line = Int(event.start_mark.line) + 1
      let start: Int
      let anchor: String?
      switch event.type {
      case YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT:
        return Document(json: json, line: first)

      case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
        guard let level = levels.popLast() else { continue }
        json.append(level.isMapping ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        if Self.mayRepeat(level, json) { try keepLast(&json, from: level.start, line) }
        (start, anchor) = (level.start, level.anchor)

      case YAML_SCALAR_EVENT:
        let scalar = Scalar(event)
        let isKey = levels.last?.expectsKey ?? false
        if isKey, scalar.isMerge {
          levels[levels.count - 1].count += 1
          levels[levels.count - 1].isMerging = true
          continue
        }
        Self.separate(&json, &levels)
        start = json.count
        scalar.write(to: &json, isKey: isKey)
        if isKey { levels[levels.count - 1].names.append((start + 1)..<(json.count - 1)) }
        anchor = name(event.data.scalar.anchor)

      case YAML_ALIAS_EVENT:
        let alias = name(event.data.alias.anchor) ?? ""
        guard let bytes = anchors[alias] else {
          throw SyntaxError(line: line, message: "found the alias *\(alias), expected an anchor of that name before")
        }
        let isKey = levels.last?.expectsKey ?? false
        guard !isKey || bytes.first == UInt8(ascii: "\"") else {
          throw SyntaxError(line: line, message: "found an alias as field name, expected text")
        }
        try spend(bytes.count, line)
        Self.separate(&json, &levels)
        start = json.count
        json += bytes
        if isKey { levels[levels.count - 1].names.append((start + 1)..<(json.count - 1)) }
        anchor = nil

      case YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT:
        guard levels.last?.expectsKey != true else {
          throw SyntaxError(line: line, message: "found a collection as field name, expected text")
        }
        guard levels.count < JSONScanner.deepest else {
          throw SyntaxError(
            line: line,
            message: "found nesting deeper than \(JSONScanner.deepest), expected less"
          )
        }
        Self.separate(&json, &levels)
        let isMapping = event.type == YAML_MAPPING_START_EVENT
        let anchor = isMapping ? event.data.mapping_start.anchor : event.data.sequence_start.anchor
        levels.append(Level(isMapping: isMapping, anchor: name(anchor), start: json.count))
        json.append(isMapping ? UInt8(ascii: "{") : UInt8(ascii: "["))
        continue

      default:
        throw SyntaxError(line: line, message: "found no YAML: an event out of place")
      }

      // A value is complete.
      if let anchor {
        try spend(json.count - start, line)
        anchors[anchor] = Array(json[start...])
      }
      if let level = levels.indices.last, levels[level].isMerging {
        levels[level].isMerging = false
        levels[level].merged += try merge(&json, from: start, into: levels[level], line)
      }
    }
  }

  private mutating func spend(_ count: Int, _ line: Int) throws(SyntaxError) {
    budget -= count
    guard budget >= 0 else {
      throw SyntaxError(
        line: line,
        message: "found aliases that blow the input up, or as large mappings merged again and again, "
          + "expected less repetition"
      )
    }
  }

  /// Writes what stands between the value before and the one that comes, and counts the latter.
  private static func separate(_ json: inout [UInt8], _ levels: inout [Level]) {
    guard let level = levels.indices.last else { return }
    defer { levels[level].count += 1 }
    if levels[level].isMapping, !levels[level].expectsKey {
      if !levels[level].isMerging { json.append(UInt8(ascii: ":")) }
    } else if json.count > levels[level].start + 1 {
      json.append(UInt8(ascii: ","))
    }
  }

  private func name(_ anchor: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    anchor.map { String(cString: $0) }
  }
}

// MARK: - Merge keys

extension YAMLTranscoder {
  /// Puts the fields of the value that was written last in its place, and answers of how many mappings they are.
  private mutating func merge(
    _ json: inout [UInt8], from start: Int, into level: Level, _ line: Int
  ) throws(SyntaxError) -> Int {
    try spend(json.count - start, line)
    let value = Array(json[start...])
    json.removeSubrange(start...)
    let result = value.withUnsafeBufferPointer { bytes in
      Result { () throws(JSONScanner.SyntaxError) in try Self.mappings(in: bytes) }
    }
    guard let mappings = try Self.value(of: result, line) else {
      throw SyntaxError(line: line, message: "found a merge key (<<), expected a mapping or a list of mappings with it")
    }
    let filled = mappings.filter { $0.count > 2 }
    for mapping in filled.reversed() {
      if json.count > level.start + 1 { json.append(UInt8(ascii: ",")) }
      json += value[mapping.dropFirst().dropLast()]
    }
    return filled.count
  }

  /// Where the mappings are in a value: itself or the elements of the list; nil where there is something else.
  private static func mappings(
    in bytes: UnsafeBufferPointer<UInt8>
  ) throws(JSONScanner.SyntaxError) -> [Range<Int>]? {
    var scanner = JSONScanner(bytes)
    if scanner.next == UInt8(ascii: "{") { return [bytes.indices] }
    guard scanner.next == UInt8(ascii: "[") else { return nil }
    var mappings: [Range<Int>] = []
    try scanner.skipArray { scanner throws(JSONScanner.SyntaxError) in
      let start = scanner.position
      try scanner.skipValue(depth: 1)
      mappings.append(start..<scanner.position)
    }
    return mappings.allSatisfy { bytes[$0.lowerBound] == UInt8(ascii: "{") } ? mappings : nil
  }

  /// Whether some field of a mapping may be there twice. What was merged has each once.
  private static func mayRepeat(_ level: Level, _ json: [UInt8]) -> Bool {
    if level.merged > 0 { return level.merged > 1 || !level.names.isEmpty }
    guard level.names.count > 1 else { return false }
    return json.withUnsafeBufferPointer { bytes in
      var names = RepeatedNames()
      for name in level.names { names.add(bytes, name) }
      return names.areThere
    }
  }

  /// Leaves of the fields of the mapping that was written last those that count: of a name's, the last one.
  private mutating func keepLast(_ json: inout [UInt8], from start: Int, _ line: Int) throws(SyntaxError) {
    try spend(json.count - start, line)
    let mapping = Array(json[start...])
    json.removeSubrange(start...)
    let result = mapping.withUnsafeBufferPointer { bytes in
      Result { () throws(JSONScanner.SyntaxError) in
        var scanner = JSONScanner(bytes)
        return try scanner.lastFields()
      }
    }
    json.append(UInt8(ascii: "{"))
    for (place, field) in try Self.value(of: result, line).enumerated() {
      if place > 0 { json.append(UInt8(ascii: ",")) }
      json += mapping[(field.name.lowerBound - 1)...field.name.upperBound]
      json.append(UInt8(ascii: ":"))
      json += mapping[field.value]
    }
    json.append(UInt8(ascii: "}"))
  }

  /// What reading the JSON that was written has led to: an error, such as one of nesting, is one of the YAML.
  private static func value<Value>(
    of result: Result<Value, JSONScanner.SyntaxError>, _ line: Int
  ) throws(SyntaxError) -> Value {
    switch result {
    case .success(let value): return value
    case .failure(let error): throw SyntaxError(line: line, message: error.message)
    }
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
