/// What of a table changes only when replicas come and go. Never changed: a table gets another one.
///
/// It is a class so that a table is small: a pick hands the table around.
final class Roster: Sendable {
  /// By slot; what is gone is still there until its slot is used again.
  let replicas: [Replica]
  /// By slot.
  let places: [Place]
  /// The slots of those that are not gone, by name.
  let slots: [String: Int]
  /// The slots of those that are.
  let free: [Int]
  let index: PlaceIndex
  let names: PlaceNames

  init(
    replicas: [Replica] = [], places: [Place] = [], slots: [String: Int] = [:], free: [Int] = [],
    index: PlaceIndex = PlaceIndex(), names: PlaceNames = PlaceNames()
  ) {
    self.replicas = replicas
    self.places = places
    self.slots = slots
    self.free = free
    self.index = index
    self.names = names
  }

  /// The same with more names.
  func with(_ names: PlaceNames) -> Roster {
    Roster(replicas: replicas, places: places, slots: slots, free: free, index: index, names: names)
  }
}
