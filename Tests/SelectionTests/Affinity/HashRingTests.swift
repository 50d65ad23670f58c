import Testing

@testable import Selection

@Suite("Affinity")
struct HashRingTests {
  private static func selector(_ count: Int) -> ReplicaSelector<TonariPolicy> {
    var selector = ReplicaSelector(TonariPolicy())
    selector.replace(with: (0..<count).map { Replica(name: "r\($0)") }, at: .start)
    return selector
  }

  /// The replica of each of a thousand keys, one request at a time.
  private func owners(_ selector: inout ReplicaSelector<TonariPolicy>) throws -> [String] {
    try (0..<1000).map { key in
      let answer = selector.pick(PickRequest(key: UInt64(key)), at: .start)
      let pick = try #require(answer)
      selector.complete(pick, .success, at: .start)
      return try #require(selector.table.replica(pick.replica)?.name)
    }
  }

  @Test("keeps a key with its replica, and moves few keys when replicas come")
  func consistent() throws {
    var ten = Self.selector(10)
    let before = try owners(&ten)
    #expect(try owners(&ten) == before)
    var eleven = Self.selector(11)
    let after = try owners(&eleven)
    let moved = zip(before, after).filter { $0 != $1 }
    #expect(moved.allSatisfy { $0.1 == "r10" })
    #expect((30...200).contains(moved.count), "\(moved.count)")
    let counts = Dictionary(before.map { ($0, 1) }, uniquingKeysWith: +)
    #expect(counts.count == 10 && counts.values.allSatisfy { (50...180).contains($0) }, "\(counts)")
  }

  @Test("lets no replica have more than its share by a quarter, however hot a key is")
  func bounded() throws {
    var selector = Self.selector(10)
    for _ in 0..<200 {
      let answer = selector.pick(PickRequest(key: 7), at: .start)
      try #require(answer != nil)
      let bound = max(1, (1.25 * Double(selector.table.totalInFlight) / 10).rounded(.up))
      #expect(selector.table.ids.allSatisfy { Double(selector.table.inFlight($0.slot)) <= bound })
    }
  }

  @Test("goes on to another replica where one was tried")
  func excluded() throws {
    var selector = Self.selector(3)
    var request = PickRequest(key: 1)
    var seen: Set<ReplicaID> = []
    for _ in 0..<3 {
      let answer = selector.pick(request, at: .start)
      let pick = try #require(answer)
      #expect(seen.insert(pick.replica).inserted)
      request.excluded.insert(pick.replica)
    }
    #expect(selector.pick(request, at: .start) == nil)
  }
}
