/// What is wrong with an input that should hold Kubernetes objects.
package struct ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  package struct Code: Hashable, Sendable {
    private enum Value { case syntax, schema, duplicate }
    private var value: Value

    /// The bytes are neither JSON nor YAML, or nest too deep or expand too far.
    package static let syntax = Code(value: .syntax)
    /// A field has a value of the wrong shape.
    package static let schema = Code(value: .schema)
    /// An object is there twice that must not be.
    package static let duplicate = Code(value: .duplicate)
  }

  /// The kind of error.
  package var code: Code
  /// The input, as its reader named it: a file's name.
  package var source: String
  /// The line, from 1; nil where only the path is known.
  package var line: Int?
  /// The field, such as `items[3].spec.containers[0].resources.requests.cpu`; empty where only the line is known.
  package var path: String
  /// What was found and what was expected.
  package var message: String

  /// Makes an error.
  package init(code: Code, source: String, line: Int? = nil, path: String = "", message: String) {
    self.code = code
    self.source = source
    self.line = line
    self.path = path
    self.message = message
  }

  /// `source:line: path: message`.
  package var description: String {
    let place = line.map { "\(source):\($0)" } ?? source
    return path.isEmpty ? "\(place): \(message)" : "\(place): \(path): \(message)"
  }
}
