/// What is wrong with what the planner was given: a plan file, a map of names, a cluster without nodes, traffic
/// of several clusters.
public struct PlanningError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  public struct Code: Hashable, Sendable {
    private enum Value { case badPlan, badMap, badCluster, badTraffic }
    private var value: Value

    /// The bytes are no plan that this version can use with this cluster.
    public static let badPlan = Code(value: .badPlan)
    /// The bytes are no map of names, or one that does not fit the cluster.
    public static let badMap = Code(value: .badMap)
    /// The cluster lacks what a plan needs.
    public static let badCluster = Code(value: .badCluster)
    /// The traffic is of several clusters, and it is not clear which of them this is.
    public static let badTraffic = Code(value: .badTraffic)
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
