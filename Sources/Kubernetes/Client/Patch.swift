package import Formats
import FoundationEssentials

/// A change to an object.
package struct Patch: Sendable {
  let contentType: String
  let body: [UInt8]
  var isForced = false
  /// Whether the patch may be applied twice without harm.
  let isRepeatable: Bool

  private init(_ contentType: String, _ content: some Encodable, isRepeatable: Bool = true) throws(APIError) {
    self.contentType = contentType
    self.isRepeatable = isRepeatable
    do {
      let encoder = JSONEncoder()
      // API servers read an apply as YAML, and their parsers do not know `\/`.
      encoder.outputFormatting = .withoutEscapingSlashes
      body = [UInt8](try encoder.encode(content))
    } catch {
      throw APIError(code: .invalidRequest, message: "cannot be written as JSON: \(error)", mayHaveTakenEffect: false)
    }
  }

  /// One step of a JSON patch (RFC 6902). Paths are JSON pointers, such as `/metadata/labels/app`; in a field's name `~`
  /// is written `~0` and `/` is `~1`.
  package struct Operation: Encodable, Hashable, Sendable {
    private var op: String
    private var path: String
    private var from: String?
    private var value: JSONValue?

    /// Adds a field or an element (`/-` appends); a field that is there is replaced.
    package static func add(_ path: String, _ value: JSONValue) -> Operation {
      Operation(op: "add", path: path, value: value)
    }
    /// Replaces what is there.
    package static func replace(_ path: String, _ value: JSONValue) -> Operation {
      Operation(op: "replace", path: path, value: value)
    }
    /// Removes what is there.
    package static func remove(_ path: String) -> Operation { Operation(op: "remove", path: path) }
    /// Lets the whole patch fail where something else is there.
    package static func test(_ path: String, _ value: JSONValue) -> Operation {
      Operation(op: "test", path: path, value: value)
    }
    /// Moves what is at one place to another.
    package static func move(from: String, to path: String) -> Operation {
      Operation(op: "move", path: path, from: from)
    }
    /// Copies what is at one place to another.
    package static func copy(from: String, to path: String) -> Operation {
      Operation(op: "copy", path: path, from: from)
    }
  }

  /// A JSON patch (RFC 6902): steps, all of which succeed or none.
  package static func json(_ operations: [Operation]) throws(APIError) -> Patch {
    try Patch("application/json-patch+json", operations, isRepeatable: false)
  }

  /// A merge patch (RFC 7386): the fields to be set, with `null` for those that are to go.
  package static func merge(_ fields: some Encodable) throws(APIError) -> Patch {
    try Patch("application/merge-patch+json", fields)
  }

  /// A server-side apply: the fields that the client's field manager wants, with `apiVersion`, `kind` and name. Fields
  /// that it set before and does not name any more go.
  ///
  /// - Parameters:
  ///   - object: The fields.
  ///   - force: Whether fields that another manager has set are taken from it; else that is ``APIError/isConflict``.
  package static func apply(_ object: some Encodable, force: Bool = false) throws(APIError) -> Patch {
    // YAML is what the content type says, and JSON is YAML.
    var patch = try Patch("application/apply-patch+yaml", object)
    patch.isForced = force
    return patch
  }
}
