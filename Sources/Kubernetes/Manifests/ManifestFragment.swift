import Formats
import FoundationEssentials

/// One JSON value of an input that is an object or a list of objects: its outline, with the parts still as text.
struct ManifestFragment {
  /// Where a fragment comes from.
  struct Input {
    /// The input's name.
    var source: String
    /// All of the JSON text that the fragment is in.
    var json: UnsafeBufferPointer<UInt8>
    /// For JSON made from YAML: the line where the document starts.
    var yamlLine: Int?
  }

  let input: Input
  /// Where the value is in the input.
  let range: Range<Int>
  /// The fields by that name.
  private(set) var kind: String?
  private(set) var apiVersion: String?
  /// Where the items are in the input, for a list.
  private(set) var items: [Range<Int>]?
  /// The path of the value in the input; empty for the whole.
  private var path = ""
  private var isBareArray = false

  /// Outlines the value where a scanner stands, and moves the scanner past it.
  init(of input: Input, passing scanner: inout JSONScanner, path: String = "") throws(ManifestError) {
    var kind: String?
    var apiVersion: String?
    var items: [Range<Int>]?
    let start = scanner.position
    let first = scanner.next
    do {
      switch first {
      case UInt8(ascii: "["):
        items = try Self.elements(&scanner)
      case UInt8(ascii: "{"):
        try scanner.skipObject { scanner, key throws(JSONScanner.SyntaxError) in
          switch scanner.next {
          case UInt8(ascii: "[") where scanner.holds("items", in: key):
            items = try Self.elements(&scanner)
          case UInt8(ascii: "\"") where scanner.holds("kind", in: key):
            kind = try scanner.text(scanner.skipString())
          case UInt8(ascii: "\"") where scanner.holds("apiVersion", in: key):
            apiVersion = try scanner.text(scanner.skipString())
          default:
            try scanner.skipValue(depth: 1)
          }
        }
      default:
        try scanner.skipValue()
      }
    } catch {
      throw ManifestError(
        code: .syntax,
        source: input.source,
        line: input.yamlLine ?? scanner.line(of: error.offset),
        message: error.message
      )
    }
    self.input = input
    range = start..<scanner.position
    self.path = path
    self.kind = kind
    self.apiVersion = apiVersion
    isBareArray = first == UInt8(ascii: "[")
    if isBareArray || kind?.hasSuffix("List") == true { self.items = items ?? [] }
    guard isBareArray || first == UInt8(ascii: "{") else {
      throw error("found \(excerpt(range)), expected a Kubernetes object")
    }
  }

  private static func elements(_ scanner: inout JSONScanner) throws(JSONScanner.SyntaxError) -> [Range<Int>] {
    var elements: [Range<Int>] = []
    try scanner.skipArray(depth: 1) { scanner throws(JSONScanner.SyntaxError) in
      let start = scanner.position
      try scanner.skipValue(depth: 2)
      elements.append(start..<scanner.position)
    }
    return elements
  }

  /// Outlines one of the items. In a list such as `PodList` they may leave out what they are.
  func item(_ index: Int) throws(ManifestError) -> ManifestFragment {
    let place = isBareArray ? "\(path)[\(index)]" : path.isEmpty ? "items[\(index)]" : "\(path).items[\(index)]"
    var scanner = JSONScanner(input.json, at: items?[index].lowerBound ?? range.lowerBound)
    var item = try ManifestFragment(of: input, passing: &scanner, path: place)
    if item.kind == nil, let kind, kind != "List" {
      item.kind = String(kind.dropLast("List".count))
      item.apiVersion = apiVersion
    }
    return item
  }

  /// Reads the value as an object of a kind. Of fields of one name the last counts, as for Kubernetes.
  func decode<Object: Decodable>(_ type: Object.Type) throws(ManifestError) -> Object {
    do {
      if let json = rewritten { return try JSONDecoder().decode(type, from: Data(json)) }
      let slice = UnsafeMutableRawBufferPointer(
        mutating: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input.json)[range]))
      guard let base = slice.baseAddress else { throw error("found nothing, expected an object") }
      return try JSONDecoder().decode(type, from: Data(bytesNoCopy: base, count: slice.count, deallocator: .none))
    } catch let error as DecodingError {
      throw self.error(error)
    } catch {
      throw self.error("found \(excerpt(range)): \(error)")
    }
  }
}

extension ManifestFragment {
  /// The value with each field once, where some come twice: the decoder takes the first of them.
  private var rewritten: [UInt8]? {
    // What was YAML has each field once already.
    guard input.yamlLine == nil else { return nil }
    var scanner = JSONScanner(input.json, at: range.lowerBound)
    guard (try? scanner.skipFindingRepeats()) == true else { return nil }
    scanner.position = range.lowerBound
    var json: [UInt8] = []
    do { try scanner.copyLastFields(to: &json) } catch { return nil }
    return json
  }
}

// MARK: - Errors

extension ManifestFragment {
  /// The error that the value, or a field of it, is not as expected.
  func error(_ message: String, field: String = "") -> ManifestError {
    ManifestError(
      code: .schema,
      source: input.source,
      line: input.yamlLine ?? JSONScanner(input.json).line(of: range.lowerBound),
      path: path.isEmpty || field.isEmpty ? path + field : "\(path).\(field)",
      message: message
    )
  }

  private func error(_ error: DecodingError) -> ManifestError {
    switch error {
    case .keyNotFound(let key, let context):
      mismatch(context.codingPath + [key], expected: "a value")
    case .valueNotFound(let type, let context), .typeMismatch(let type, let context):
      mismatch(context.codingPath, expected: Self.name(type))
    case .dataCorrupted(let context):
      // This module's own initializers put here what they expect; the decoder's words are of numbers out of range and
      // of broken text.
      mismatch(context.codingPath, expected: context.debugDescription)
    @unknown default:
      mismatch([], expected: "an object of its kind")
    }
  }

  private func mismatch(_ keys: [any CodingKey], expected: String) -> ManifestError {
    var field = ""
    for key in keys {
      if let index = key.intValue {
        field += "[\(index)]"
      } else if key.stringValue.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }) {
        field += (field.isEmpty ? "" : ".") + key.stringValue
      } else {
        field += "[\"\(key.stringValue)\"]"
      }
    }
    let found = find(keys)
    var result = error("found \(found.map(excerpt) ?? "nothing"), expected \(expected)", field: field)
    if input.yamlLine == nil, let found {
      result.line = JSONScanner(input.json).line(of: found.lowerBound)
    }
    return result
  }

  /// Where the value at a path below this one is in the input.
  private func find(_ keys: [any CodingKey]) -> Range<Int>? {
    var place: Range<Int>? = range
    for key in keys {
      guard let parent = place else { return nil }
      place = nil
      var scanner = JSONScanner(input.json, at: parent.lowerBound)
      if scanner.next == UInt8(ascii: "[") {
        var index = 0
        try? scanner.skipArray { scanner throws(JSONScanner.SyntaxError) in
          let start = scanner.position
          try scanner.skipValue()
          if index == key.intValue { place = start..<scanner.position }
          index += 1
        }
      } else if scanner.next == UInt8(ascii: "{") {
        try? scanner.skipObject { scanner, name throws(JSONScanner.SyntaxError) in
          let start = scanner.position
          try scanner.skipValue()
          if scanner.text(name) == key.stringValue { place = start..<scanner.position }
        }
      }
    }
    return place
  }

  private func excerpt(_ range: Range<Int>) -> String {
    switch input.json[range.lowerBound] {
    case UInt8(ascii: "{"): "an object"
    case UInt8(ascii: "["): "a list"
    default:
      range.count <= 60
        ? JSONScanner(input.json).text(range)
        : JSONScanner(input.json).text(range.lowerBound..<(range.lowerBound + 57)) + "…"
    }
  }

  private static func name(_ type: any Any.Type) -> String {
    switch type {
    case is String.Type: "a string"
    case is Int32.Type: "an integer"
    case is Bool.Type: "true or false"
    case is [Any].Type: "a list"
    default: "\(type)".hasPrefix("Array<") ? "a list" : "an object"
    }
  }
}
