/// What drivers of volumes can do on a node; it has the node's name.
package struct CSINode: Codable, Hashable, Sendable {
  /// The name.
  package var metadata: ObjectMeta
  /// The drivers.
  package var spec: CSINodeSpec?

  /// How many volumes each driver can attach; a driver without a limit is not in it.
  package var attachLimits: [String: Int] {
    var limits: [String: Int] = [:]
    for driver in spec?.drivers ?? [] {
      if let count = driver.allocatable?.count { limits[driver.name] = max(0, Int(count)) }
    }
    return limits
  }
}

/// The drivers of a node.
package struct CSINodeSpec: Codable, Hashable, Sendable {
  /// The drivers.
  package var drivers: [Driver]?

  /// A driver.
  package struct Driver: Codable, Hashable, Sendable {
    /// The name.
    package var name: String
    /// How many volumes it can attach; nil for any number.
    package var allocatable: Allocatable?
  }

  /// A number of volumes.
  package struct Allocatable: Codable, Hashable, Sendable {
    /// How many; nil for any number.
    package var count: Int32?
  }
}
