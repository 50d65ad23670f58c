/// A few replicas that a pick must not answer, for retries: those tried already. Holds four; a fifth takes the place of
/// the first.
public struct ExclusionList: Hashable, Sendable, ExpressibleByArrayLiteral {
  var first: Int32 = -1
  var second: Int32 = -1
  var third: Int32 = -1
  var fourth: Int32 = -1

  /// Makes a list of replicas.
  public init(arrayLiteral replicas: ReplicaID...) {
    for replica in replicas { insert(replica) }
  }

  /// Makes an empty list.
  public init() {}

  /// Whether it excludes nobody.
  public var isEmpty: Bool { first < 0 }

  /// Excludes a replica.
  public mutating func insert(_ replica: ReplicaID) {
    guard !contains(replica.slot) else { return }
    (first, second, third, fourth) = (Int32(truncatingIfNeeded: replica.slot), first, second, third)
  }

  /// Whether it excludes the replica in a slot.
  public func contains(_ slot: Int) -> Bool {
    first >= 0 && (first == slot || second == slot || third == slot || fourth == slot)
  }
}
