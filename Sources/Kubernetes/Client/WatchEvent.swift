import Formats
import FoundationEssentials

/// What a watch tells.
package enum WatchEvent: Sendable {
  /// An object is there that was not.
  case added(RawObject)
  /// An object has changed.
  case modified(RawObject)
  /// An object is gone; this is how it was at last, with the version of its end.
  case deleted(RawObject)
  /// Nothing else has changed up to this version.
  case bookmark(resourceVersion: String)

  /// The version that the watch has come to.
  package var resourceVersion: String {
    switch self {
    case .added(let object), .modified(let object), .deleted(let object): object.resourceVersion
    case .bookmark(let resourceVersion): resourceVersion
    }
  }

  /// Reads one line of a watch.
  ///
  /// Throws ``APIError``: the server's where the line holds one.
  init(line: [UInt8]) throws(APIError) {
    let (type, json) = try Self.parts(of: line)
    guard let json else { throw Self.malformed("found no object") }
    switch type {
    case "ADDED": self = .added(try RawObject(json: json))
    case "MODIFIED": self = .modified(try RawObject(json: json))
    case "DELETED": self = .deleted(try RawObject(json: json))
    case "BOOKMARK": self = .bookmark(resourceVersion: try RawObject(json: json).resourceVersion)
    case "ERROR":
      let status = (try? JSONDecoder().decode(APIStatus.self, from: Data(json))) ?? APIStatus()
      throw APIError(
        code: .refused,
        message: "\(status.reason ?? "an error"): \(status.message ?? "no reason given")",
        status: status,
        retryAfter: status.details?.retryAfterSeconds.map { .seconds(max(0, $0)) }
      )
    default: throw Self.malformed("found the type '\((type ?? "").prefix(40))'")
    }
  }

  private static func parts(of line: [UInt8]) throws(APIError) -> (type: String?, object: [UInt8]?) {
    let result = line.withUnsafeBufferPointer { bytes in
      Result { () throws(JSONScanner.SyntaxError) in
        var type: String?
        var object: Range<Int>?
        var scanner = JSONScanner(bytes)
        scanner.skipSpace()
        guard scanner.next == UInt8(ascii: "{") else { throw scanner.unexpected("'{'") }
        try scanner.skipObject { scanner, key throws(JSONScanner.SyntaxError) in
          let start = scanner.position
          if scanner.holds("type", in: key), scanner.next == UInt8(ascii: "\"") {
            type = scanner.text(try scanner.skipString())
          } else {
            try scanner.skipValue(depth: 1)
            if scanner.holds("object", in: key) { object = start..<scanner.position }
          }
        }
        scanner.skipSpace()
        guard scanner.next == nil else { throw scanner.unexpected("the end of the line") }
        return (type, object)
      }
    }
    do {
      let (type, object) = try result.get()
      return (type, object.map { [UInt8](line[$0]) })
    } catch {
      throw malformed("byte \(error.offset): \(error.message)")
    }
  }

  private static func malformed(_ message: String) -> APIError {
    APIError(code: .invalidResponse, message: "a line of a watch: \(message)")
  }
}
