/// The name by which traffic and plans refer to a workload: `namespace/name`.
///
/// The kind (Deployment, StatefulSet, …) is not part of it, because traffic dumps do not record one.
public struct WorkloadName: Hashable, Sendable {
  /// The Kubernetes namespace.
  public var namespace: String
  /// The workload's name within its namespace.
  public var name: String

  /// Makes a name from its two parts.
  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  /// Parses `namespace/name`, or `name` alone in the namespace `default`.
  ///
  /// Answers nil where a part is empty or there is more than one slash.
  public init?(_ text: some StringProtocol) {
    // By bytes: a slash and a combining mark behind it are one character, which is no slash.
    let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }), let last = parts.last else { return nil }
    self.init(namespace: parts.count == 2 ? parts[0] : "default", name: last)
  }
}

extension WorkloadName: Comparable {
  /// Orders by namespace, then name.
  public static func < (a: WorkloadName, b: WorkloadName) -> Bool {
    (a.namespace, a.name) < (b.namespace, b.name)
  }
}

extension WorkloadName: CustomStringConvertible {
  /// `namespace/name`.
  public var description: String { "\(namespace)/\(name)" }
}
