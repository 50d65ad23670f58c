/// A Service: a name for the pods that its selector matches.
public struct Service: Codable, Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta
  /// What it stands for.
  public var spec: ServiceSpec?
}

/// What a Service stands for.
public struct ServiceSpec: Codable, Hashable, Sendable {
  /// Labels of the pods; nil or empty where the Service does not select pods.
  public var selector: [String: String]?
}
