import Model
import Selection
import Testing

@testable import SelectorServer

@Suite("What spills from the nearest replicas to farther ones")
struct TierSpillTests {
  private typealias Load = TierSpill.Load
  private typealias Standing = TierSpill.Standing

  private func standings(_ spill: TierSpill) -> [Tier: Standing] {
    spill.standings([.node, .zone, .cluster], open: [.node, .zone, .cluster])
  }

  private static let calm = [
    Tier.node: Load(cost: 0.01, hasRoom: true), .zone: Load(cost: 0.01, hasRoom: true),
    .cluster: Load(cost: 0.01, hasRoom: true),
  ]

  @Test("is nothing while there is room: each tier is a priority of its own")
  func calm() {
    var spill = TierSpill(SpillOptions())
    for _ in 0..<20 { spill.follow(Self.calm, isLoadKnown: true) }
    #expect(
      standings(spill) == [
        .node: Standing(priority: 0, part: 1), .zone: Standing(priority: 1, part: 1),
        .cluster: Standing(priority: 2, part: 1),
      ])
  }

  @Test("is everything but other clusters' where nobody says how loaded replicas are")
  func blind() {
    var spill = TierSpill(SpillOptions())
    var loads = Self.calm
    loads[.remote] = Load(cost: 0.01, hasRoom: true)
    spill.follow(loads, isLoadKnown: false)
    let tiers = Set(Tier.allCases)
    #expect(
      spill.standings(tiers, open: tiers) == [
        .node: Standing(priority: 0, part: 1), .zone: Standing(priority: 0, part: 1),
        .cluster: Standing(priority: 0, part: 1), .remote: Standing(priority: 1, part: 1),
      ])
  }

  @Test("grows while the nearest are too dear, stays while costs are even, and ends when they have room")
  func spills() throws {
    var spill = TierSpill(SpillOptions())
    var loads = Self.calm
    spill.follow(loads, isLoadKnown: true)
    loads[.node] = Load(cost: 0.1, hasRoom: false)
    spill.follow(loads, isLoadKnown: true)
    let first = standings(spill)
    #expect(first[.zone] == Standing(priority: 0, part: 0.25))
    #expect(first[.cluster]?.priority == 1)
    for _ in 0..<3 { spill.follow(loads, isLoadKnown: true) }
    let more = try #require(standings(spill)[.zone])
    #expect(more.priority == 0 && more.part > 0.5)

    // What it is spilled for: the near ones are as dear as the others with the price of the way.
    loads[.node]?.cost = 0.018
    for _ in 0..<3 { spill.follow(loads, isLoadKnown: true) }
    let even = standings(spill)[.zone]
    for _ in 0..<20 { spill.follow(loads, isLoadKnown: true) }
    #expect(standings(spill)[.zone] == even)

    for _ in 0..<40 { spill.follow(Self.calm, isLoadKnown: true) }
    #expect(standings(spill)[.zone] == Standing(priority: 1, part: 1))
  }

  @Test("passes over tiers without open replicas and leaves no holes among the priorities")
  func holes() {
    let spill = TierSpill(SpillOptions())
    for mask in 1..<16 {
      let tiers = Set(Tier.allCases.filter { mask >> $0.rawValue & 1 == 1 })
      for openMask in 0..<16 {
        let open = tiers.filter { openMask >> $0.rawValue & 1 == 1 }
        let standings = spill.standings(tiers, open: open)
        let priorities = Set(standings.values.map(\.priority))
        #expect(Set(standings.keys) == tiers)
        #expect(priorities == Set(0..<UInt32(priorities.count)))
        if let nearest = open.min() { #expect(standings[nearest] == Standing(priority: 0, part: 1)) }
      }
    }
  }
}
