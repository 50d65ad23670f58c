/// A placement of all replicas: for each workload, the nodes that hold some of its replicas.
public struct Assignment: Hashable, Sendable {
  /// `placed[w]`, sorted by node, no zero counts, no node twice.
  public var placed: [[Problem.Placed]]

  /// Makes an assignment.
  public init(placed: [[Problem.Placed]]) {
    self.placed = placed
  }
}
