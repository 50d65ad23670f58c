import FoundationEssentials

/// Takes the JSON of a list apart while it comes in: the text of each item, one after the other, and at last the list
/// without its items. Nothing more is kept in memory than one item.
struct ListSplitter {
  /// The list without its items.
  struct Outline: Decodable {
    struct Metadata: Decodable {
      var resourceVersion: String?
      var `continue`: String?
    }

    var metadata: Metadata

    private enum Field: String, CodingKey { case metadata, items }

    /// Reads the metadata, and insists on items, empty or null as they are by now: a list has them.
    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Field.self)
      metadata = try container.decode(Metadata.self, forKey: .metadata)
      guard container.contains(.items) else {
        throw DecodingError.keyNotFound(Field.items, .init(codingPath: [], debugDescription: "items"))
      }
    }
  }

  /// The most bytes that an item, or the list without its items, may have.
  let limit: Int

  /// Where in the text we are.
  private enum Place { case outside, items, item }
  private var place = Place.outside
  private var hasItems = false
  private var outline: [UInt8] = []
  private var item: [UInt8] = []
  /// How many objects and arrays are open.
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  init(limit: Int) {
    self.limit = limit
  }

  /// Takes bytes, and answers the items that they complete.
  mutating func feed(_ bytes: [UInt8]) throws(APIError) -> [[UInt8]] {
    var items: [[UInt8]] = []
    // Runs of bytes that go to the same place are copied at once.
    var start = 0
    for (index, byte) in bytes.enumerated() {
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""):
        isInString = true
        if place == .items { throw Self.noObject }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        if place == .items {
          guard byte == UInt8(ascii: "{") else { throw Self.noObject }
          start = index
          place = .item
        }
        depth += 1
        if place == .outside, depth == 2, byte == UInt8(ascii: "[") {
          try append(bytes[start...index], to: \.outline)
          start = index + 1
          if outlineEndsInItems {
            guard !hasItems else { throw Self.malformed("found items twice") }
            hasItems = true
            place = .items
          }
        }
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        guard depth >= 0 else { throw Self.malformed("found a bracket that closes nothing") }
        if place == .item, depth == 2 {
          try append(bytes[start...index], to: \.item)
          items.append(item)
          item = []
          start = index + 1
          place = .items
        } else if place == .items {
          start = index
          place = .outside
        }
      case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D:
        if place == .items { start = index + 1 }
      default:
        if place == .items { throw Self.noObject }
      }
    }
    switch place {
    case .outside: try append(bytes[start...], to: \.outline)
    case .item: try append(bytes[start...], to: \.item)
    case .items: break
    }
    return items
  }

  /// The list without its items, after the last byte.
  func finish() throws(APIError) -> Outline {
    guard depth == 0, !isInString, !outline.isEmpty else { throw Self.malformed("found the end in the middle of it") }
    guard let outline = try? JSONDecoder().decode(Outline.self, from: Data(outline)) else {
      throw Self.malformed("found \(String(decoding: outline.prefix(80), as: UTF8.self)), expected metadata and items")
    }
    return outline
  }

  private mutating func append(
    _ bytes: ArraySlice<UInt8>, to part: WritableKeyPath<ListSplitter, [UInt8]>
  ) throws(APIError) {
    guard self[keyPath: part].count + bytes.count <= limit else {
      throw Self.malformed("found an object of more than \(limit) bytes")
    }
    self[keyPath: part].append(contentsOf: bytes)
  }

  /// Whether the outline ends in `"items": [`, with the bracket just appended.
  private var outlineEndsInItems: Bool {
    var end = outline.count - 1
    func skipSpaceBack() {
      while end > 0, [0x20, 0x09, 0x0A, 0x0D].contains(outline[end - 1]) { end -= 1 }
    }
    skipSpaceBack()
    guard end > 0, outline[end - 1] == UInt8(ascii: ":") else { return false }
    end -= 1
    skipSpaceBack()
    return outline[..<end].suffix(7).elementsEqual("\"items\"".utf8)
  }

  private static var noObject: APIError { malformed("found an item that is no object") }

  private static func malformed(_ message: String) -> APIError {
    APIError(code: .invalidResponse, message: "a list: \(message)")
  }
}
