/// What keeps a test from going on.
package struct TestFailure: Error, CustomStringConvertible {
  /// What happened.
  package let description: String

  /// Makes a failure.
  package init(_ description: String) {
    self.description = description
  }
}
