/// What drivers of volumes can do on a node; it has the node's name.
public struct CSINode: Codable, Hashable, Sendable {
  /// The name.
  public var metadata: ObjectMeta
  /// The drivers.
  public var spec: CSINodeSpec?

  /// How many volumes each driver can attach; a driver without a limit is not in it.
  public var attachLimits: [String: Int] {
    var limits: [String: Int] = [:]
    for driver in spec?.drivers ?? [] {
      if let count = driver.allocatable?.count { limits[driver.name] = max(0, Int(count)) }
    }
    return limits
  }
}

/// The drivers of a node.
public struct CSINodeSpec: Codable, Hashable, Sendable {
  /// The drivers.
  public var drivers: [Driver]?

  /// A driver.
  public struct Driver: Codable, Hashable, Sendable {
    /// The name.
    public var name: String
    /// How many volumes it can attach; nil for any number.
    public var allocatable: Allocatable?
  }

  /// A number of volumes.
  public struct Allocatable: Codable, Hashable, Sendable {
    /// How many; nil for any number.
    public var count: Int32?
  }
}
