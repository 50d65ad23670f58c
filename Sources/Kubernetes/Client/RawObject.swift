import Formats
import FoundationEssentials
package import Model

/// One object as the API server gave it: JSON text, and what names it. The rest is read where it is wanted.
package struct RawObject: Sendable {
  /// The object as JSON.
  package let json: [UInt8]
  /// Namespace and name.
  package private(set) var key = ObjectKey(name: "")
  /// The identity that the API server gave the object; empty where it has none.
  package private(set) var uid = ""
  /// The version of the object's state, to be handed back as it is; empty where it has none.
  package private(set) var resourceVersion = ""

  /// Takes an object's JSON text.
  ///
  /// Throws ``APIError`` where it is no JSON object.
  package init(json: [UInt8]) throws(APIError) {
    self.json = json
    let result = json.withUnsafeBufferPointer { bytes in
      Result { () throws(JSONScanner.SyntaxError) in try ObjectHead(bytes) }
    }
    do {
      let head = try result.get()
      key = ObjectKey(namespace: head.namespace, name: head.name)
      uid = head.uid
      resourceVersion = head.resourceVersion
    } catch {
      throw APIError(code: .invalidResponse, message: "an object: byte \(error.offset): \(error.message)")
    }
  }

  /// Takes an object's value.
  package init(_ value: some Encodable) throws {
    try self.init(json: [UInt8](JSONEncoder().encode(value)))
  }

  /// Reads the object as a type.
  ///
  /// Throws ``APIError`` that names the field which is not as expected.
  package func decode<Object: Decodable>(_ type: Object.Type = Object.self) throws(APIError) -> Object {
    do {
      return try json.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return try JSONDecoder().decode(type, from: Data()) }
        let data = Data(bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: bytes.count, deallocator: .none)
        return try JSONDecoder().decode(type, from: data)
      }
    } catch {
      throw APIError(code: .invalidResponse, message: fault(in: type) ?? "object \(key): \(error)")
    }
  }

  /// What is wrong with the object as a value of a type, field by field.
  private func fault<Object: Decodable>(in type: Object.Type) -> String? {
    json.withUnsafeBufferPointer { bytes -> String? in
      do {
        var scanner = JSONScanner(bytes)
        let input = ManifestFragment.Input(source: "object \(key)", json: bytes)
        _ = try ManifestFragment(of: input, passing: &scanner).decode(type)
        return nil
      } catch {
        return (error as? ManifestError)?.description
      }
    }
  }
}

/// What names an object, read from its JSON text on one way through it.
private struct ObjectHead {
  var name = ""
  var namespace = ""
  var uid = ""
  var resourceVersion = ""

  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONScanner.SyntaxError) {
    var scanner = JSONScanner(bytes)
    scanner.skipSpace()
    guard scanner.next == UInt8(ascii: "{") else { throw scanner.unexpected("'{'") }
    try scanner.skipObject { scanner, key throws(JSONScanner.SyntaxError) in
      if scanner.holds("metadata", in: key), scanner.next == UInt8(ascii: "{") {
        try self.readMetadata(&scanner)
      } else {
        try scanner.skipValue(depth: 1)
      }
    }
    scanner.skipSpace()
    guard scanner.next == nil else { throw scanner.unexpected("the end of the object") }
  }

  private mutating func readMetadata(_ scanner: inout JSONScanner) throws(JSONScanner.SyntaxError) {
    try scanner.skipObject(depth: 1) { scanner, key throws(JSONScanner.SyntaxError) in
      guard scanner.next == UInt8(ascii: "\"") else { return try scanner.skipValue(depth: 2) }
      let value = try scanner.skipString()
      if scanner.holds("name", in: key) {
        name = scanner.text(value)
      } else if scanner.holds("namespace", in: key) {
        namespace = scanner.text(value)
      } else if scanner.holds("uid", in: key) {
        uid = scanner.text(value)
      } else if scanner.holds("resourceVersion", in: key) {
        resourceVersion = scanner.text(value)
      }
    }
  }
}
