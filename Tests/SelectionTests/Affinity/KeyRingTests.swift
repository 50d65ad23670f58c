import Model
import Testing

@testable import Selection

@Suite("Affinity")
struct KeyRingTests {
  private static func replicas(_ count: Int) -> [Replica] { (0..<count).map { Replica(name: "r\($0)") } }

  private static func selector(_ count: Int) -> ReplicaSelector<TonariPolicy> {
    var selector = ReplicaSelector(TonariPolicy())
    selector.replace(with: replicas(count), at: .start)
    return selector
  }

  /// The replica of each key, one request at a time.
  private func owners(_ selector: inout ReplicaSelector<TonariPolicy>, keys: Int = 2000) throws -> [String] {
    try (0..<keys).map { key in
      let answer = selector.pick(PickRequest(key: UInt64(key)), at: .start)
      let pick = try #require(answer)
      selector.complete(pick, .success, at: .start)
      return try #require(selector.table.replica(pick.replica)?.name)
    }
  }

  @Test("keeps a key with its replica, and moves few keys when replicas come or go")
  func consistent() throws {
    var selector = Self.selector(10)
    let before = try owners(&selector)
    #expect(try owners(&selector) == before)
    selector.replace(with: Self.replicas(11), at: .start)
    let after = try owners(&selector)
    let moved = zip(before, after).filter { $0 != $1 }
    #expect(moved.allSatisfy { $0.1 == "r10" })
    #expect((120...260).contains(moved.count), "\(moved.count)")
    selector.replace(with: Self.replicas(11).filter { $0.name != "r4" }, at: .start)
    #expect(try zip(after, owners(&selector)).allSatisfy { $0 == $1 || $0 == "r4" })
  }

  @Test("hangs on the names alone, not on who came when")
  func order() throws {
    var one = Self.selector(10)
    var other = ReplicaSelector(TonariPolicy())
    other.replace(with: Self.replicas(20), at: .start)
    other.replace(with: Self.replicas(10).reversed(), at: .start)
    #expect(try owners(&one) == owners(&other))
  }

  @Test("gives replicas keys by their weights, hardly anybody much more and few much less", arguments: [10, 200])
  func balance(count: Int) throws {
    let replicas = (0..<count).map { Replica(name: "r\($0)", weight: $0 % 2 == 0 ? 1 : 3) }
    let ring = KeyRing((0..<Int32(count)).map { $0 }, replicas)
    var counts = Array(repeating: 0.0, count: count)
    let keys = 1000 * count
    for key in 0..<keys {
      let owner = ring.owner(of: UInt64(key)) { _ in
        true
      } hasRoom: { _ in
        true
      }
      counts[try #require(owner)] += 1
    }
    let shares = (0..<count).map { counts[$0] / (500 * replicas[$0].weight) }
    #expect(shares.allSatisfy { (0.4...1.25).contains($0) }, "\(shares.min() ?? 0) \(shares.max() ?? 0)")
    #expect(shares.count { $0 < 0.8 } * 10 < count)
  }

  @Test("spreads the keys of a replica that is full over all the others")
  func overflow() throws {
    let ring = KeyRing((0..<50).map { Int32($0) }, Self.replicas(50))
    var heirs: [Int: Int] = [:]
    for key in 0..<20_000 where ring.owner(of: UInt64(key), fits: { _ in true }, hasRoom: { _ in true }) == 7 {
      let heir = ring.owner(of: UInt64(key)) { _ in
        true
      } hasRoom: {
        $0 != 7
      }
      heirs[try #require(heir), default: 0] += 1
    }
    #expect(heirs.count > 45, "\(heirs)")
    #expect(heirs.values.allSatisfy { $0 < 30 }, "\(heirs)")
  }

  @Test("finds the one that fits among many that do not, and the first where none has room")
  func few() {
    let ring = KeyRing((0..<300).map { Int32($0) }, Self.replicas(300))
    for key in 0..<200 as Range<UInt64> {
      #expect(
        ring.owner(of: key) {
          $0 == 123
        } hasRoom: { _ in
          true
        } == 123)
      #expect(
        ring.owner(of: key) { _ in
          true
        } hasRoom: {
          $0 == 45
        } == 45)
      #expect(
        ring.owner(of: key) { _ in
          false
        } hasRoom: { _ in
          true
        } == nil)
      let owner = ring.owner(of: key) { _ in
        true
      } hasRoom: { _ in
        true
      }
      #expect(
        ring.owner(of: key) { _ in
          true
        } hasRoom: { _ in
          false
        } == owner)
    }
    #expect(
      KeyRing().owner(of: 1) { _ in
        true
      } hasRoom: { _ in
        true
      } == nil)
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
