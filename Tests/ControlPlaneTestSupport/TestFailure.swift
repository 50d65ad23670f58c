/// What keeps a test from going on.
public struct TestFailure: Error, CustomStringConvertible {
  /// What happened.
  public let description: String

  /// Makes a failure.
  public init(_ description: String) {
    self.description = description
  }
}
