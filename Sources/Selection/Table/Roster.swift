import Model

/// What of a table changes only when replicas come and go. Never changed: a table gets another one.
///
/// It can be handed to whoever prepares the next change, while picks go on; see ``prepare(_:)``.
public final class Roster: Sendable {
  /// By slot; what is gone is still there until its slot is used again.
  let replicas: [Replica]
  /// By slot.
  let places: [Place]
  /// The slots of those that are not gone, by name.
  let slots: [String: Int]
  /// The same by other names, where no replica has that name for its own.
  let aliases: [String: Int]
  /// The slots of those that are.
  let free: [Int]
  let index: PlaceIndex
  let keys: KeyRing

  init(
    replicas: [Replica] = [], places: [Place] = [], slots: [String: Int] = [:], aliases: [String: Int] = [:],
    free: [Int] = [],
    index: PlaceIndex = PlaceIndex(), keys: KeyRing = KeyRing()
  ) {
    self.replicas = replicas
    self.places = places
    self.slots = slots
    self.aliases = aliases
    self.free = free
    self.index = index
    self.keys = keys
  }

  /// Prepares to take what is known beforehand about the replicas for what there is now, whatever their load is. Changes
  /// nothing. Replicas of the same name keep their slots; those that are not listed, or gone, are gone; of two replicas
  /// of one name the later counts. A weight out of bounds counts as the nearest within.
  ///
  /// This is the long part of a change, some microseconds for each replica; ``ReplicaSelector/apply(_:at:)`` is the short
  /// one.
  public func prepare(_ wanted: [Replica]) -> RosterChange {
    var (replicas, places, slots, free) = (self.replicas, self.places, self.slots, self.free)
    var departed: [Int] = []
    let staying = wanted.filter { $0.state != .gone }
    let stayingNames = Set(staying.map(\.name))
    for (name, slot) in slots where !stayingNames.contains(name) {
      slots[name] = nil
      replicas[slot].state = .gone
      departed.append(slot)
    }
    // In an order of their own: that of a dictionary is another one each time.
    departed.sort()
    free += departed
    var joined: [Int] = []
    for var replica in staying {
      // The ring has as many points as weights say: whoever made the replica, they are within bounds here.
      replica.weight = Bounds.weight.clamped(replica.weight)
      let slot: Int
      if let known = slots[replica.name] {
        slot = known
        if replicas[slot] == replica { continue }
      } else {
        slot = free.popLast() ?? replicas.count
        slots[replica.name] = slot
        joined.append(slot)
      }
      let place = Place(node: replica.node, zone: replica.zone, cluster: replica.cluster)
      if slot == replicas.count {
        replicas.append(replica)
        places.append(place)
      } else {
        replicas[slot] = replica
        places[slot] = place
      }
    }
    var aliases: [String: Int] = [:]
    for replica in staying {
      for alias in replica.aliases where slots[alias] == nil { aliases[alias] = slots[replica.name] }
    }
    let present = slots.values.map { Int32(truncatingIfNeeded: $0) }
    let next = Roster(
      replicas: replicas, places: places, slots: slots, aliases: aliases, free: free,
      index: PlaceIndex(present, places: places),
      keys: KeyRing(present, replicas))
    return RosterChange(base: self, next: next, joined: joined, departed: departed)
  }
}

/// A change of a table's replicas that is prepared and not made yet.
public struct RosterChange: Sendable {
  /// What it was prepared for. Kept so that it is not freed under the lock of whoever makes the change.
  let base: Roster
  let next: Roster
  /// The slot that a replica will have; nil where there will be none of the name.
  public func slot(of name: String) -> Int? { next.slots[name] }

  /// Slots of replicas that come, and of those that go.
  let joined: [Int]
  let departed: [Int]
}
