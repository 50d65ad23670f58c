import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import TonariClient

struct FallbackTablesTests {
  private typealias Status = Tonari_Selector_V1_WatchResponse
  private var random = SystemRandomNumberGenerator()

  private func status(
    _ addresses: [String], _ change: (inout Tonari_Selector_V1_ReplicaStatus) -> Void = { _ in }
  ) -> Status {
    .with {
      $0.service = "a"
      $0.replicas = addresses.map { address in
        .with {
          $0.replica.address = address
          change(&$0)
        }
      }
    }
  }

  @Test("Of two replicas the one with fewer requests is picked, by weight")
  mutating func leastRequest() {
    var tables = FallbackTables()
    tables.learn(status(["x:1", "y:1"]) { $0.replica.weight = $0.replica.address == "y:1" ? 3 : 1 })
    var counts: [String: Int] = [:]
    for _ in 0..<400 {
      let address = tables.pick("a", excluded: [], labels: [], using: &random) ?? ""
      counts[address, default: 0] += 1
      tables.begin(address)
    }
    #expect(abs((counts["y:1"] ?? 0) - 300) <= 2, "\(counts)")
    for _ in 0..<400 { tables.end("x:1") }
    #expect(tables.pick("a", excluded: [], labels: [], using: &random) == "x:1")
  }

  @Test("Those that were tried, lack a label, rest or drain are not picked; the unfit only where nobody is fit")
  mutating func fitness() {
    var tables = FallbackTables()
    tables.learn(
      status(["x:1", "y:1", "z:1", "gone:1"]) {
        $0.replica.labels = $0.replica.address == "x:1" ? ["v=1"] : ["v=2"]
        $0.replica.state =
          $0.replica.address == "z:1" ? .draining : $0.replica.address == "gone:1" ? .gone : .ready
      })
    func picks(_ excluded: [String] = [], _ labels: [String] = []) -> Set<String?> {
      var random = SystemRandomNumberGenerator()
      return Set((0..<200).map { _ in tables.pick("a", excluded: excluded, labels: labels, using: &random) })
    }
    #expect(picks() == ["x:1", "y:1"])
    #expect(picks(["x:1"]) == ["y:1"])
    #expect(picks([], ["v=1"]) == ["x:1"])
    #expect(picks(["y:1"], ["v=2"]) == ["z:1"])
    #expect(picks(["x:1", "y:1", "z:1"]) == [nil])
    #expect(picks([], ["v=3"]) == [nil])
    tables.learn(status(["x:1", "y:1"]) { $0.ejected = $0.replica.address == "x:1" })
    #expect(picks() == ["y:1"])
    #expect(tables.pick("other", excluded: [], labels: [], using: &random) == nil)
  }

  @Test("Where a policy splits a service, another cluster's replica is the last resort, and no further one")
  mutating func overflow() {
    var tables = FallbackTables()
    func learn(_ addresses: [String], dryRun: Bool = false) {
      var status = status(addresses) { $0.replica.locality.cluster = $0.replica.address == "near:1" ? "a" : "b" }
      status.overflow = .with { ($0.cluster, $0.dryRun) = ("a", dryRun) }
      tables.learn(status)
    }
    func picks(hops: Int, excluded: [String] = []) -> Set<String?> {
      var random = SystemRandomNumberGenerator()
      return Set(
        (0..<200).map { _ in tables.pick("a", excluded: excluded, labels: [], hops: hops, using: &random) })
    }
    learn(["near:1", "far:1"])
    #expect(picks(hops: 0) == ["near:1"])
    #expect(picks(hops: 1) == ["near:1"])
    #expect(picks(hops: 0, excluded: ["near:1"]) == ["far:1"])
    #expect(picks(hops: 1, excluded: ["near:1"]) == [nil])
    #expect(tables.isElsewhere("far:1", of: "a") && !tables.isElsewhere("near:1", of: "a"))
    learn(["near:1", "far:1"], dryRun: true)
    #expect(picks(hops: 1) == ["near:1", "far:1"])
    #expect(!tables.isElsewhere("far:1", of: "a"))
  }

  @Test("A selector that never had replicas of a service is not believed that it is gone; one that had is")
  mutating func amnesia() {
    var tables = FallbackTables()
    let gone = Status.with { ($0.service, $0.gone) = ("a", true) }
    tables.learn(status(["x:1"]))
    #expect(!tables.isAhead(of: "a"))
    tables.selectorChanged()
    #expect(tables.isAhead(of: "a"))
    tables.learn(gone)
    #expect(tables.isAhead(of: "a"))
    #expect(tables.pick("a", excluded: [], labels: [], using: &random) == "x:1")
    tables.learn(status(["y:1"]))
    #expect(!tables.isAhead(of: "a"))
    #expect(tables.pick("a", excluded: [], labels: [], using: &random) == "y:1")
    tables.learn(gone)
    #expect(tables.pick("a", excluded: [], labels: [], using: &random) == nil)
    #expect(!tables.isAhead(of: "a"))
  }
}
