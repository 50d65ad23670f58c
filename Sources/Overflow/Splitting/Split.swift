public import Model

/// Where the requests of a service go: shares that sum to 1.
public struct Split: Hashable, Sendable {
  /// The share that stays.
  public var local: Double
  /// The share that each neighbour gets, in their order.
  public var remote: [Double]
  /// The share that nobody has room for.
  public var shed: Double

  /// Makes a split.
  public init(local: Double, remote: [Double], shed: Double = 0) {
    self.local = local
    self.remote = remote
    self.shed = shed
  }

  /// Everything stays.
  public static func home(neighbours: Int) -> Split {
    Split(local: 1, remote: Array(repeating: 0, count: neighbours))
  }

  /// The share that leaves.
  public var out: Double { remote.reduce(0, +) }

  /// Fills what there is, the cheapest first: the local cluster, then neighbours by cost, each up to its room, and sheds
  /// the rest. For one cluster that is the optimum of the linear program in `models/overflow.mod`.
  ///
  /// Neighbours of equal cost fill in proportion to their room; one whose headroom is known comes before one of which
  /// nothing is.
  ///
  /// - Parameters:
  ///   - demand: requests per minute that arrive, before any split.
  ///   - capacity: requests per minute that stay at most.
  public init(
    demand: Double, capacity: Double, neighbours: [Neighbour], settings: OverflowSettings = OverflowSettings(),
    at now: Moment
  ) {
    guard demand > 0, demand.isFinite else {
      self = .home(neighbours: neighbours.count)
      return
    }
    let stays = capacity > 0 ? min(demand, capacity) : 0
    let rooms = neighbours.map { $0.room(settings, at: now) }
    let (remote, rest) = Self.pour(demand - stays, into: neighbours, rooms: rooms, at: now)
    self.init(local: stays / demand, remote: remote.map { $0 / demand }, shed: rest / demand)
  }

  /// Pours requests per minute over neighbours, each up to its room; answers what each gets, and what is left.
  static func pour(
    _ excess: Double, into neighbours: [Neighbour], rooms: [Double], at now: Moment
  ) -> (taken: [Double], rest: Double) {
    var taken = Array(repeating: 0.0, count: neighbours.count)
    var rest = excess
    let order = neighbours.indices.sorted { a, b in
      let (x, y) = (neighbours[a], neighbours[b])
      if x.cost < y.cost || y.cost < x.cost { return x.cost < y.cost }
      let (isKnownX, isKnownY) = (x.isKnown(at: now), y.isKnown(at: now))
      return isKnownX != isKnownY ? isKnownX : a < b
    }
    var begin = 0
    while begin < order.count, rest > 0 {
      let first = neighbours[order[begin]]
      var end = begin
      var room = 0.0
      repeat {
        room += rooms[order[end]]
        end += 1
      } while end < order.count && neighbours[order[end]].cost == first.cost
        && neighbours[order[end]].isKnown(at: now) == first.isKnown(at: now)
      if room > 0 {
        let poured = min(rest, room)
        for k in begin..<end { taken[order[k]] = poured * (rooms[order[k]] / room) }
        rest -= poured
      }
      begin = end
    }
    return (taken, max(0, rest))
  }
}
