/// Why there is no plan.
public struct PlacementError: Error, Sendable, CustomStringConvertible {
  /// The kind of error.
  public struct Code: Hashable, Sendable {
    private enum Value { case infeasible, notFound, tooLarge, solver }
    private var value: Value

    /// Proven: no placement satisfies all constraints.
    public static let infeasible = Code(value: .infeasible)
    /// No placement was found before the time was up; there may be one.
    public static let notFound = Code(value: .notFound)
    /// There are more replicas than can be planned; see ``Problem/mostReplicas``.
    public static let tooLarge = Code(value: .tooLarge)
    /// The solver failed, or the library that it uses.
    public static let solver = Code(value: .solver)
  }

  /// The kind of error.
  public var code: Code
  /// What is wrong, in a sentence.
  public var message: String
  /// For ``Code/infeasible``: a small set of constraints that cannot hold together, a sentence each.
  public var conflicts: [String]

  /// Makes an error.
  public init(code: Code, message: String, conflicts: [String] = []) {
    self.code = code
    self.message = message
    self.conflicts = conflicts
  }

  /// The message and the conflicts, a line each.
  public var description: String { ([message] + conflicts.map { "  \($0)" }).joined(separator: "\n") }
}
