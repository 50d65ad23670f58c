/// Selects nodes: those that match one of its terms.
package struct NodeSelector: Codable, Hashable, Sendable {
  /// The terms; a node that matches one of them is selected.
  package var nodeSelectorTerms: [NodeSelectorTerm]?

  /// Whether a node is selected. A selector without terms selects none.
  package func matches(_ node: Node) -> Bool {
    (nodeSelectorTerms ?? []).contains { $0.matches(node) }
  }
}

/// One alternative of a ``NodeSelector``: all of its requirements must hold.
package struct NodeSelectorTerm: Codable, Hashable, Sendable {
  /// Requirements on the node's labels.
  package var matchExpressions: [NodeSelectorRequirement]?
  /// Requirements on the node's fields; Kubernetes knows `metadata.name` alone.
  package var matchFields: [NodeSelectorRequirement]?

  /// Whether a node satisfies all requirements. A term without any matches no node.
  package func matches(_ node: Node) -> Bool {
    let expressions = matchExpressions ?? []
    let fields = matchFields ?? []
    guard !expressions.isEmpty || !fields.isEmpty else { return false }
    return expressions.allSatisfy { $0.matches(node.labels) }
      && fields.allSatisfy { $0.matches(["metadata.name": node.metadata.name]) }
  }
}

/// One requirement of a ``NodeSelectorTerm``.
package struct NodeSelectorRequirement: Codable, Hashable, Sendable {
  /// How a requirement relates a label to its values.
  package enum Operator: String, Codable, Hashable, Sendable, CaseIterable {
    /// The label is there with one of the values.
    case `in` = "In"
    /// The label is not there with any of the values.
    case notIn = "NotIn"
    /// The label is there.
    case exists = "Exists"
    /// The label is not there.
    case doesNotExist = "DoesNotExist"
    /// The label is an integer above the value.
    case greaterThan = "Gt"
    /// The label is an integer below the value.
    case lessThan = "Lt"

    /// Reads the operator's name.
    package init(from decoder: any Decoder) throws { self = try Self.decode(from: decoder) }
  }

  /// The label or field.
  package var key: String
  /// The relation.
  package var `operator`: Operator
  /// The values; one integer for `Gt` and `Lt`.
  package var values: [String]?

  /// Whether the requirement holds for labels (or fields).
  package func matches(_ labels: [String: String]) -> Bool {
    switch self.operator {
    case .in: labels[key].map { (values ?? []).contains($0) } ?? false
    case .notIn: labels[key].map { !(values ?? []).contains($0) } ?? true
    case .exists: labels[key] != nil
    case .doesNotExist: labels[key] == nil
    case .greaterThan: compare(labels, >)
    case .lessThan: compare(labels, <)
    }
  }

  private func compare(_ labels: [String: String], _ holds: (Int64, Int64) -> Bool) -> Bool {
    guard let label = labels[key].flatMap({ Int64($0) }), let values, values.count == 1, let bound = Int64(values[0])
    else { return false }
    return holds(label, bound)
  }
}
