/// What is wrong with the way to an API server: a kubeconfig, the files that it names, the environment of a pod.
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  package struct Code: Hashable, Sendable {
    private enum Value { case notFound, notRead, syntax, field, plugin }
    private var value: Value

    /// There is no configuration, or no entry of a name.
    package static let notFound = Code(value: .notFound)
    /// A file cannot be read.
    package static let notRead = Code(value: .notRead)
    /// A file is not YAML, or not a kubeconfig.
    package static let syntax = Code(value: .syntax)
    /// A field has a value that cannot be used.
    package static let field = Code(value: .field)
    /// A plugin that should give credentials did not.
    package static let plugin = Code(value: .plugin)
  }

  /// The kind of error.
  package var code: Code
  /// The file, or the variable of the environment; empty where it is neither.
  package var source: String
  /// The field, such as `users["admin"].user.client-key`; empty where it is none in particular.
  package var field: String
  /// What was found and what was expected.
  package var message: String

  /// Makes an error.
  package init(code: Code, source: String = "", field: String = "", message: String) {
    self.code = code
    self.source = source
    self.field = field
    self.message = message
  }

  /// `source: field: message`.
  package var description: String { [source, field, message].filter { !$0.isEmpty }.joined(separator: ": ") }
}
