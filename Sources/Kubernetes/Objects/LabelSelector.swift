/// Selects objects by their labels.
package struct LabelSelector: Codable, Hashable, Sendable {
  /// Labels that must be there with these values.
  package var matchLabels: [String: String]?
  /// Further requirements.
  package var matchExpressions: [LabelSelectorRequirement]?

  /// Whether all requirements hold. A selector without any matches everything.
  package func matches(_ labels: [String: String]) -> Bool {
    (matchLabels ?? [:]).allSatisfy { labels[$0.key] == $0.value }
      && (matchExpressions ?? []).allSatisfy { $0.matches(labels) }
  }

  /// The labels that it looks at; a selector that looks at none selects everything.
  package var keys: Set<String> { Set((matchLabels ?? [:]).keys).union((matchExpressions ?? []).map(\.key)) }
}

/// One requirement of a ``LabelSelector``.
package struct LabelSelectorRequirement: Codable, Hashable, Sendable {
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

    /// Reads the operator's name.
    package init(from decoder: any Decoder) throws { self = try Self.decode(from: decoder) }
  }

  /// The label.
  package var key: String
  /// The relation.
  package var `operator`: Operator
  /// The values, for `In` and `NotIn`.
  package var values: [String]?

  /// Whether the requirement holds for an object's labels.
  package func matches(_ labels: [String: String]) -> Bool {
    switch self.operator {
    case .in: labels[key].map { (values ?? []).contains($0) } ?? false
    case .notIn: labels[key].map { !(values ?? []).contains($0) } ?? true
    case .exists: labels[key] != nil
    case .doesNotExist: labels[key] == nil
    }
  }
}
