/// Where a byte lies in a JSON document, for an error message.
struct JSONPlace {
  /// The line, counted from 1 at the start of the dump.
  let line: Int
  /// The path, such as `$.data.result[3].value`.
  let path: String

  private enum Step {
    case key(String)
    case index(Int)
  }

  /// The path is at most this many steps deep; what lies deeper is left out.
  private static let depthLimit = 32

  /// Works out the place of a position by reading the document up to it.
  init(of position: Int, in document: JSONDocument) {
    let bytes = document.bytes
    let end = min(position, bytes.count)
    line = document.line + bytes[..<end].count { $0 == .newline }

    var steps: [Step] = []
    var isKey = false
    var index = 0
    while index < end {
      switch bytes[index] {
      case .quote:
        let start = index + 1
        index = start
        while index < bytes.count, bytes[index] != .quote { index += bytes[index] == .backslash ? 2 : 1 }
        if isKey, !steps.isEmpty {
          let key = UnsafeRawBufferPointer(rebasing: bytes[start..<min(index, bytes.count)].prefix(60))
          steps[steps.count - 1] = .key(key.text)
        }
      case UInt8(ascii: "{"):
        steps.append(.key(""))
        isKey = true
      case UInt8(ascii: "["):
        steps.append(.index(0))
        isKey = false
      case UInt8(ascii: ":"):
        isKey = false
      case .comma:
        switch steps.last {
        case .index(let element): steps[steps.count - 1] = .index(element + 1)
        case .key: isKey = true
        case nil: break
        }
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        _ = steps.popLast()
        isKey = false
      default:
        break
      }
      index += 1
    }

    var path = "$"
    for step in steps.prefix(Self.depthLimit) {
      switch step {
      case .key(let key) where key.isEmpty: break
      case .key(let key): path += ".\(key)"
      case .index(let element): path += "[\(element)]"
      }
    }
    self.path = steps.count > Self.depthLimit ? path + "…" : path
  }
}
