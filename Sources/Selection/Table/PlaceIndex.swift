/// Replicas in an order in which those of a node, of a zone and of a cluster stand side by side, so that a tier is a
/// range.
struct PlaceIndex: Sendable {
  private let clusters: [Range<Int32>]
  private let zones: [Range<Int32>]
  private let nodes: [Range<Int32>]
  /// The slots in that order.
  let order: [Int32]

  /// Puts slots in order; `places` has one for each slot.
  init(_ slots: [Int32] = [], places: [Place] = []) {
    func key(_ slot: Int32) -> (Int32, Int32, Int32, Int32) {
      let place = places[Int(slot)]
      return (place.cluster, place.zone, place.node, slot)
    }
    order = slots.sorted { key($0) < key($1) }
    let inOrder = order.map { places[Int($0)] }
    clusters = Self.ranges(inOrder.map(\.cluster))
    zones = Self.ranges(inOrder.map(\.zone))
    nodes = Self.ranges(inOrder.map(\.node))
  }

  /// For each number the positions where it stands.
  private static func ranges(_ numbers: [Int32]) -> [Range<Int32>] {
    var ranges = [Range<Int32>](repeating: 0..<0, count: Int((numbers.max() ?? -1) + 1))
    for (position, number) in numbers.enumerated() where number >= 0 {
      let known = ranges[Int(number)]
      ranges[Int(number)] = (known.isEmpty ? Int32(position) : known.lowerBound)..<Int32(position + 1)
    }
    return ranges
  }

  /// The positions of the replicas in a tier of a place or nearer.
  func range(_ tier: Tier, of place: Place) -> Range<Int> {
    let found =
      switch tier {
      case .node: Self.range(place.node, in: nodes)
      case .zone: Self.range(place.zone, in: zones)
      case .cluster: Self.range(place.cluster, in: clusters)
      case .remote: Int32(0)..<Int32(order.count)
      }
    return Int(found.lowerBound)..<Int(found.upperBound)
  }

  private static func range(_ number: Int32, in ranges: [Range<Int32>]) -> Range<Int32> {
    number >= 0 && number < ranges.count ? ranges[Int(number)] : 0..<0
  }
}
