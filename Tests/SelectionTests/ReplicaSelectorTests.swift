import Testing

@testable import Model
@testable import Selection

@Suite("A selector, whatever its policy")
struct ReplicaSelectorTests {
  private static func replicas(_ count: Int, concurrency: Int? = 4) -> [Replica] {
    (0..<count).map { Replica(name: "r\($0)", concurrency: concurrency) }
  }

  /// Plays a few thousand random calls, checks after each what must hold, and answers the picks.
  private func play<Policy: SelectionPolicy>(_ policy: Policy, seed: UInt64) throws -> [Pick?] {
    var random = SeededGenerator(seed: seed)
    var selector = ReplicaSelector(policy, seed: seed)
    var now = Moment.start
    var outstanding: [Pick] = []
    var picks: [Pick?] = []
    let states: [ReplicaState] = [.ready, .ready, .ready, .starting, .draining, .gone]
    for step in 0..<1500 {
      now.nanoseconds += Int64(random.below(3_000_000))
      if step % 100 == 0 {
        let count = 1 + random.below(12)
        selector.replace(
          with: (0..<count).map { k in
            Replica(
              name: "r\(random.below(20))", node: "n\(k % 3)", zone: "z\(k % 2)", weight: 0.5 + random.unit(),
              concurrency: k % 2 == 0 ? 2 : nil, labels: UInt64(random.below(4)), state: states[random.below(6)])
          }, at: now)
      }
      switch random.below(5) {
      case 0, 1, 2:
        var request = PickRequest(labels: random.below(4) == 0 ? UInt64(random.below(4)) : 0)
        if random.below(2) == 0 {
          request.from = Place(node: "n\(random.below(4))", zone: "z\(random.below(2))")
        }
        if random.below(5) == 0 { request.key = random.next() }
        if random.below(3) == 0, let last = outstanding.last { request.excluded.insert(last.replica) }
        let fit = selector.table.ids.filter {
          selector.table.admits($0.slot, Candidates(positions: 0..<0, request))
        }
        let pick = selector.pick(request, at: now)
        picks.append(pick)
        guard let pick else {
          #expect(fit.isEmpty)
          continue
        }
        let slot = pick.replica.slot
        #expect(!request.excluded.contains(slot))
        #expect((selector.table.replica(pick.replica)?.labels ?? 0) & request.labels == request.labels)
        if pick.isPanic {
          #expect(fit.isEmpty)
          #expect([.ready, .draining].contains(selector.table.state(slot)))
        } else {
          #expect(selector.table.isOpen(slot))
        }
        outstanding.append(pick)
      case 3 where !outstanding.isEmpty:
        let pick = outstanding.remove(at: random.below(outstanding.count))
        selector.complete(pick, random.below(4) == 0 ? .failure : .success, at: now)
      default:
        guard let id = selector.table.ids.first else { continue }
        selector.report(LoadReport(inFlight: random.below(10)), of: id, at: now)
      }
      for id in selector.table.ids {
        #expect(selector.table.inFlight(id.slot) == outstanding.count { $0.replica == id })
      }
      let ready = selector.table.readyCount
      #expect(
        selector.table.ejectedCount <= max(0, ready - 1)
          || selector.table.openCount + selector.table.ejectedCount == ready)
    }
    return picks
  }

  @Test("picks only what fits, counts what is in flight, and does the same again", arguments: PolicyCase.allCases)
  func properties(policy: PolicyCase) throws {
    for seed in 1...3 {
      let first = try policy.with { try play($0, seed: UInt64(seed)) }
      let second = try policy.with { try play($0, seed: UInt64(seed)) }
      #expect(first == second)
      #expect(first.contains { $0 != nil })
    }
  }

  @Test("spreads requests over replicas that are alike", arguments: PolicyCase.allCases)
  func spread(policy: PolicyCase) throws {
    func shares<Policy: SelectionPolicy>(_ policy: Policy) throws -> [Int] {
      var selector = ReplicaSelector(policy, seed: 5)
      selector.replace(with: Self.replicas(10), at: .start)
      var served = ServedSelector(selector, seconds: Array(repeating: 0.02, count: 10), cores: 4)
      var counts = Array(repeating: 0, count: 10)
      for pick in try served.send(4000, every: 0.001) { counts[pick.replica.slot] += 1 }
      return counts
    }
    let counts = try policy.with { try shares($0) }
    #expect(counts.allSatisfy { (250...600).contains($0) }, "\(counts)")
  }

  @Test("has a defined answer where nobody is fit", arguments: PolicyCase.allCases)
  func panic(policy: PolicyCase) throws {
    func check<Policy: SelectionPolicy>(_ policy: Policy) throws {
      var selector = ReplicaSelector(policy)
      #expect(selector.pick(at: .start) == nil)
      selector.replace(
        with: [Replica(name: "a", state: .draining), Replica(name: "b", state: .starting)], at: .start)
      let answer = selector.pick(at: .start)
      let pick = try #require(answer)
      #expect(pick.isPanic)
      #expect(selector.table.replica(pick.replica)?.name == "a")
      #expect(selector.pick(PickRequest(excluded: [pick.replica]), at: .start) == nil)
      selector.replace(with: [Replica(name: "b", state: .starting)], at: .start)
      #expect(selector.pick(at: .start) == nil)
    }
    try policy.with { try check($0) }
  }

  @Test("ignores what is said about a replica that is gone, even where another has its slot")
  func generations() throws {
    var selector = ReplicaSelector(TonariPolicy())
    selector.replace(with: [Replica(name: "old")], at: .start)
    let oldAnswer = selector.pick(at: .start)
    let old = try #require(oldAnswer)
    selector.replace(with: [Replica(name: "new")], at: .start)
    let newAnswer = selector.pick(at: .start)
    let new = try #require(newAnswer)
    #expect(new.replica.slot == old.replica.slot)
    selector.complete(old, .failure, at: .seconds(1))
    selector.report(LoadReport(inFlight: 50), of: old.replica, at: .seconds(1))
    #expect(selector.table.inFlight(new.replica.slot) == 1)
    #expect(selector.table.requests(new.replica.slot, at: .seconds(1)) == 1)
    selector.complete(new, .success, at: .seconds(1))
    selector.complete(new, .success, at: .seconds(1))
    #expect(selector.table.inFlight(new.replica.slot) == 0)
  }

  @Test("keeps the load of replicas that stay when others come and go")
  func replacing() throws {
    var selector = ReplicaSelector(LeastRequestPolicy())
    selector.replace(with: Self.replicas(3), at: .start)
    let picks = (0..<9).compactMap { _ in selector.pick(at: .start) }
    selector.replace(with: Array(Self.replicas(6).dropFirst()), at: .start)
    let first = try #require(picks.map(\.replica).first { selector.table.replica($0) != nil })
    #expect(selector.table.inFlight(first.slot) == picks.count { $0.replica == first })
    #expect(selector.table.count == 5)
    #expect(selector.table.id(of: "r0") == nil)
  }

  @Test("forgets what it heard of others' requests")
  func staleReports() throws {
    var selector = ReplicaSelector(TonariPolicy())
    selector.replace(with: Self.replicas(2), at: .start)
    let id = try #require(selector.table.id(of: "r0"))
    let other = try #require(selector.table.id(of: "r1"))
    let answer = selector.pick(PickRequest(excluded: [other]), at: .start)
    let pick = try #require(answer)
    #expect(pick.replica == id)
    selector.report(LoadReport(inFlight: 9), of: id, at: .start)
    #expect(selector.table.requests(id.slot, at: .start) == 9)
    let loads = (0...10).map { selector.table.requests(id.slot, at: .seconds(Double($0))) }
    #expect(zip(loads, loads.dropFirst()).allSatisfy { $0 > $1 })
    #expect(loads[10] < 1.1)
    // A report of less than we have in flight ourselves does not hide it.
    selector.report(LoadReport(inFlight: 0), of: id, at: .seconds(11))
    #expect(selector.table.requests(id.slot, at: .seconds(11)) == 1)
  }
}
