package import Model

/// Names a workload with its kind.
package struct WorkloadReference: Hashable, Sendable {
  /// The kind, such as `Deployment`.
  package var kind: String
  /// Namespace and name.
  package var name: WorkloadName

  /// Makes a reference.
  package init(kind: String, name: WorkloadName) {
    self.kind = kind
    self.name = name
  }
}

extension WorkloadReference: CustomStringConvertible {
  /// `Deployment shop/cart`.
  package var description: String { "\(kind) \(name)" }
}
