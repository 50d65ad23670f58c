/// What is wrong with what the planner was given: a plan file, a map of names, a cluster without nodes, traffic
/// of several clusters.
package struct PlanningError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  package struct Code: Hashable, Sendable {
    private enum Value { case badPlan, badMap, badCluster, badTraffic }
    private var value: Value

    /// The bytes are no plan that this version can use with this cluster.
    package static let badPlan = Code(value: .badPlan)
    /// The bytes are no map of names, or one that does not fit the cluster.
    package static let badMap = Code(value: .badMap)
    /// The cluster lacks what a plan needs.
    package static let badCluster = Code(value: .badCluster)
    /// The traffic is of several clusters, and it is not clear which of them this is.
    package static let badTraffic = Code(value: .badTraffic)
  }

  /// The kind of error.
  package var code: Code
  /// What was found where, and what was expected.
  package var message: String

  /// Makes an error.
  package init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  package var description: String { message }
}
