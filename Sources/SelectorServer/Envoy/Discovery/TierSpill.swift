import Model
import Selection

/// Who shares requests with the nearest replicas while those are not enough.
///
/// Envoy sends all to the first priority while it is healthy, however loaded. So the nearest tier alone is the first
/// priority while it has room; when it is dearer than a farther one with the price of the way (``SpillOptions``, as for a
/// pick), that one comes in, with a part of its weight that grows until costs are even, and shrinks when it is not needed.
struct TierSpill: Sendable {
  /// The open replicas of a tier.
  struct Load: Sendable {
    /// What one more request costs there, on average.
    var cost: Double
    /// Whether they would start on a request at once, on average.
    var hasRoom: Bool
  }

  /// Where the replicas of a tier stand.
  struct Standing: Hashable, Sendable {
    /// Envoy's priority; 0 comes first, and there are no holes.
    var priority: UInt32
    /// What part of their weight counts.
    var part: Double
  }

  private let options: SpillOptions
  private var costs: [Tier: Double] = [:]
  /// Of tiers that came in, the part of their weight that counts.
  private var parts: [Tier: Double] = [:]

  /// A farther tier comes in with so much of its weight, and with so much more or less each time.
  private static let (first, more, less) = (0.25, 0.15, 0.05)
  /// Below so much of what would let it in, a farther tier goes back.
  private static let ease = 0.75

  init(_ options: SpillOptions) {
    self.options = options
  }

  /// Learns how the tiers are. To be called about once a second.
  ///
  /// - Parameter isLoadKnown: whether anybody says how loaded replicas are. Where nobody does, who is nearest may be
  ///   overrun without anybody's notice: then all but other clusters come in.
  mutating func follow(_ loads: [Tier: Load], isLoadKnown: Bool) {
    let tiers = loads.keys.sorted()
    // unique: they are the keys of a dictionary.
    costs = Dictionary(
      uniqueKeysWithValues: loads.map { tier, load in
        (tier, costs[tier].map { $0 + (load.cost - $0) / 2 } ?? load.cost)
      })
    parts = parts.filter { loads[$0.key] != nil }
    guard isLoadKnown else {
      for tier in tiers.dropFirst() { parts[tier] = tier < .remote ? 1 : 0 }
      return
    }
    guard var last = tiers.first else { return }
    for tier in tiers.dropFirst() {
      guard let near = costs[last], let far = costs[tier] else { continue }
      let price = options.price(from: last, to: tier) * (loads[last]?.hasRoom == true ? options.leavingRoom : 1)
      var part = parts[tier] ?? 0
      if near > price * far {
        part = min(1, max(Self.first, part + Self.more))
      } else if near < Self.ease * price * far {
        part = part > Self.less ? part - Self.less : 0
      }
      parts[tier] = part
      guard part > 0 else { break }
      last = tier
    }
    // Those beyond one that did not come in stay out.
    for tier in tiers where tier > last && parts[tier] ?? 0 > 0 { parts[tier] = 0 }
  }

  /// Where the replicas of each tier stand.
  ///
  /// - Parameters:
  ///   - tiers: the tiers that have replicas.
  ///   - open: those of them that have replicas that take requests; the others stand with the next.
  func standings(_ tiers: Set<Tier>, open: Set<Tier>) -> [Tier: Standing] {
    var standings: [Tier: Standing] = [:]
    var priority: UInt32 = 0
    var isFirst = true
    for tier in tiers.sorted() {
      let part = parts[tier] ?? 0
      let comesIn = isFirst || (priority == 0 && part > 0)
      if open.contains(tier) {
        if !comesIn { priority += 1 }
        standings[tier] = Standing(priority: priority, part: isFirst || !comesIn ? 1 : part)
        isFirst = false
      } else {
        standings[tier] = Standing(priority: priority, part: 1)
      }
    }
    return standings
  }
}
