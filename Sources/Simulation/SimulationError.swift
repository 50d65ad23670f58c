/// What is wrong with a scenario.
public struct SimulationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  public struct Code: Hashable, Sendable {
    private enum Value { case badScenario }
    private var value: Value

    /// The bytes are no scenario, or one that cannot be run.
    public static let badScenario = Code(value: .badScenario)
  }

  /// The kind of error.
  public var code: Code
  /// What was found where, and what was expected.
  public var message: String

  /// Makes an error.
  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
