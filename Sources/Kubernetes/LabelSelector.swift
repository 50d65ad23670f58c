/// Selects objects by their labels.
public struct LabelSelector: Codable, Hashable, Sendable {
  /// Labels that must be there with these values.
  public var matchLabels: [String: String]?
  /// Further requirements.
  public var matchExpressions: [LabelSelectorRequirement]?

  /// Whether all requirements hold. A selector without any matches everything.
  public func matches(_ labels: [String: String]) -> Bool {
    (matchLabels ?? [:]).allSatisfy { labels[$0.key] == $0.value }
      && (matchExpressions ?? []).allSatisfy { $0.matches(labels) }
  }

  /// The labels that it looks at; a selector that looks at none selects everything.
  public var keys: Set<String> { Set((matchLabels ?? [:]).keys).union((matchExpressions ?? []).map(\.key)) }
}

/// One requirement of a ``LabelSelector``.
public struct LabelSelectorRequirement: Codable, Hashable, Sendable {
  /// How a requirement relates a label to its values.
  public enum Operator: String, Codable, Hashable, Sendable, CaseIterable {
    /// The label is there with one of the values.
    case `in` = "In"
    /// The label is not there with any of the values.
    case notIn = "NotIn"
    /// The label is there.
    case exists = "Exists"
    /// The label is not there.
    case doesNotExist = "DoesNotExist"

    /// Reads the operator's name.
    public init(from decoder: any Decoder) throws { self = try Self.decode(from: decoder) }
  }

  /// The label.
  public var key: String
  /// The relation.
  public var `operator`: Operator
  /// The values, for `In` and `NotIn`.
  public var values: [String]?

  /// Whether the requirement holds for an object's labels.
  public func matches(_ labels: [String: String]) -> Bool {
    switch self.operator {
    case .in: labels[key].map { (values ?? []).contains($0) } ?? false
    case .notIn: labels[key].map { !(values ?? []).contains($0) } ?? true
    case .exists: labels[key] != nil
    case .doesNotExist: labels[key] == nil
    }
  }
}
