/// A replica's number in a table. When a replica goes, its slot is used again, with the next generation: what still
/// refers to the old one is then recognized and ignored.
public struct ReplicaID: Hashable, Sendable {
  /// Its slot: below ``ReplicaTable/slotCount``, small, used again.
  public var slot: Int
  /// How often the slot was given away before.
  var generation: UInt32

  init(slot: Int, generation: UInt32) {
    self.slot = slot
    self.generation = generation
  }
}
