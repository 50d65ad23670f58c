import Model

/// Replicas in an order in which those of a node, of a zone and of a cluster stand side by side, so that a tier is a
/// range.
struct PlaceIndex: Sendable {
  /// The slots in that order.
  let order: [Int32]
  /// Nodes, zones and clusters by their numbers, each at its number's remainder or behind; at least half are free.
  private var places: [(number: UInt64, positions: Range<Int32>)]

  /// Puts slots in order; `places` has one for each slot.
  init(_ slots: [Int32] = [], places: [Place] = []) {
    order = slots.sorted { one, other in
      let (a, b) = (places[Int(truncatingIfNeeded: one)], places[Int(truncatingIfNeeded: other)])
      return (a.cluster, a.zone, a.node, one) < (b.cluster, b.zone, b.node, other)
    }
    let inOrder = order.map { places[Int(truncatingIfNeeded: $0)] }
    let runs = [\Place.cluster, \.zone, \.node].flatMap { Self.runs(inOrder, $0) }
    var room = 2
    while room < 2 * runs.count { room *= 2 }
    self.places = Array(repeating: (0, 0..<0), count: room)
    for run in runs { self.places[find(run.number)] = run }
  }

  /// For each number that is known the positions where it stands.
  private static func runs(_ places: [Place], _ number: KeyPath<Place, UInt64>)
    -> [(number: UInt64, positions: Range<Int32>)]
  {
    var runs: [(number: UInt64, positions: Range<Int32>)] = []
    for (position, place) in places.enumerated() where place[keyPath: number] != 0 {
      let next = Int32(truncatingIfNeeded: position + 1)
      if let last = runs.last, last.number == place[keyPath: number] {
        runs[runs.count - 1].positions = last.positions.lowerBound..<next
      } else {
        runs.append((place[keyPath: number], (next - 1)..<next))
      }
    }
    return runs
  }

  /// Where a number is, or where there would be room for it.
  private func find(_ number: UInt64) -> Int {
    let mask = places.count - 1
    var at = Int(truncatingIfNeeded: number) & mask
    while places[at].number != number, places[at].number != 0 { at = (at + 1) & mask }
    return at
  }

  /// The positions of the replicas in a tier of a place or nearer, for each tier.
  func ranges(of place: Place) -> TierRanges {
    TierRanges(
      node: range(place.node), zone: range(place.zone), cluster: range(place.cluster), remote: 0..<order.count)
  }

  private func range(_ number: UInt64) -> Range<Int> {
    guard number != 0 else { return 0..<0 }
    let found = places[find(number)].positions
    return Int(truncatingIfNeeded: found.lowerBound)..<Int(truncatingIfNeeded: found.upperBound)
  }
}

/// Where the replicas of each tier, and nearer ones, stand.
struct TierRanges: Sendable {
  fileprivate var node: Range<Int>
  fileprivate var zone: Range<Int>
  fileprivate var cluster: Range<Int>
  fileprivate var remote: Range<Int>

  /// Leaves out what stands elsewhere.
  mutating func clamp(to positions: Range<Int>) {
    node = node.clamped(to: positions)
    zone = zone.clamped(to: positions)
    cluster = cluster.clamped(to: positions)
    remote = remote.clamped(to: positions)
  }

  subscript(tier: Tier) -> Range<Int> {
    switch tier {
    case .node: node
    case .zone: zone
    case .cluster: cluster
    case .remote: remote
    }
  }
}
