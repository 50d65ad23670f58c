import Model
import Testing

@testable import Selection

@Suite("A prepared change of the replicas")
struct RosterChangeTests {
  private static func replicas(_ numbers: Range<Int>) -> [Replica] {
    numbers.map { Replica(name: "r\($0)", node: "n\($0 % 3)", concurrency: 2) }
  }

  @Test("keeps the load that came while it was prepared")
  func load() throws {
    var selector = ReplicaSelector(TonariPolicy())
    selector.replace(with: Self.replicas(0..<4), at: .start)
    let change = selector.table.roster.prepare(Self.replicas(2..<8))
    let picks = (0..<12).compactMap { _ in selector.pick(at: .seconds(1)) }
    let stays = try #require(selector.table.id(of: "r2"))
    selector.report(LoadReport(inFlight: 9), of: stays, at: .seconds(1))
    let isApplied = selector.apply(change, at: .seconds(1))
    #expect(isApplied)
    #expect(selector.table.count == 6)
    for id in selector.table.ids {
      #expect(selector.table.inFlight(id.slot) == picks.count { $0.replica == id })
    }
    #expect(selector.table.totalInFlight == picks.count { selector.table.replica($0.replica) != nil })
    #expect(selector.table.requests(stays.slot, at: .seconds(1)) == 9)
    for pick in picks { selector.complete(pick, .success, at: .seconds(2)) }
    #expect(selector.table.totalInFlight == 0)
  }

  @Test("is refused where another came before it, whole")
  func intervening() {
    var selector = ReplicaSelector(TonariPolicy())
    selector.replace(with: Self.replicas(0..<4), at: .start)
    let first = selector.table.roster.prepare(Self.replicas(0..<2))
    let second = selector.table.roster.prepare(Self.replicas(2..<4))
    let applied = [first, second, first].map { selector.apply($0, at: .start) }
    #expect(applied == [true, false, false])
    #expect(selector.table.ids.compactMap { selector.table.replica($0)?.name }.sorted() == ["r0", "r1"])
  }

  @Test("tells the present from the past: a table after many changes is one of the last wish")
  func many() throws {
    var random = SeededGenerator(seed: 4)
    var selector = ReplicaSelector(TonariPolicy())
    for step in 0..<200 {
      let wanted = Dictionary(
        (0..<random.below(12)).map { _ in
          let number = random.below(20)
          return (
            "r\(number)",
            Replica(
              name: "r\(number)", node: "n\(random.below(4))", zone: "z\(random.below(2))",
              weight: 0.5 + random.unit(), labels: UInt64(random.below(3)))
          )
        }, uniquingKeysWith: { $1 })
      let change = selector.table.roster.prepare(Array(wanted.values))
      let isApplied = selector.apply(change, at: .seconds(Double(step)))
      #expect(isApplied)
      let found = selector.table.ids.compactMap { selector.table.replica($0) }
      #expect(Dictionary(found.map { ($0.name, $0) }, uniquingKeysWith: { $1 }) == wanted)
      #expect(selector.table.ids.count == wanted.count && selector.table.openCount == wanted.count)
      for (position, id) in selector.table.ids.enumerated() {
        let replica = try #require(selector.table.replica(id))
        #expect(selector.table.position(of: id.slot) == position)
        #expect(selector.table.weight(id.slot) == replica.weight)
        #expect(selector.table.tier(of: id.slot, from: Place(node: replica.node, zone: replica.zone)) == .node)
        #expect(selector.table.id(of: replica.name) == id)
      }
      #expect(selector.table.slotCount <= 24)
    }
  }
}
