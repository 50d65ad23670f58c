import Placement
import Testing

@testable import Planner

/// The label of a node's zone.
let zone = "topology.kubernetes.io/zone"

/// A case of a table: manifests beside three nodes, the limits of the first workload on each of these, and the rules.
struct RulesCase: CustomTestStringConvertible {
  /// Three nodes in two zones: a and b in east, c in west.
  static let nodes = node("a", zone: "east") + node("b", zone: "east") + node("c", zone: "west")

  var testDescription: String
  var manifests: String
  /// −1 for no limit.
  var limits: [Int32] = [-1, -1, -1]
  var rules: [Problem.Rule] = []
  var warnings: [String] = []

  /// Expects what the planner makes of the manifests.
  func check(_ location: SourceLocation = #_sourceLocation) throws {
    let cluster = ClusterProblem(try snapshot(Self.nodes + manifests))
    let problem = cluster.problem
    try #require(!problem.workloads.isEmpty, sourceLocation: location)
    let row = problem.limitRows[problem.workloads[0].limitRow]
    #expect(row.map { $0 == .max ? -1 : $0 } == limits, sourceLocation: location)
    #expect(problem.rules == rules, sourceLocation: location)
    #expect(cluster.warnings == warnings, sourceLocation: location)
  }
}
