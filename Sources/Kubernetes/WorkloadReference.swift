public import Topology

/// Names a workload with its kind.
public struct WorkloadReference: Hashable, Sendable {
  /// The kind, such as `Deployment`.
  public var kind: String
  /// Namespace and name.
  public var name: WorkloadName

  /// Makes a reference.
  public init(kind: String, name: WorkloadName) {
    self.kind = kind
    self.name = name
  }
}

extension WorkloadReference: CustomStringConvertible {
  /// `Deployment shop/cart`.
  public var description: String { "\(kind) \(name)" }
}
