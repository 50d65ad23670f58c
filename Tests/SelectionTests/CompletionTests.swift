import Testing

@testable import Model
@testable import Selection

@Suite("A completion")
struct CompletionTests {
  private static func selector<Policy: SelectionPolicy>(_ policy: Policy, _ count: Int = 3) -> ReplicaSelector<Policy> {
    var selector = ReplicaSelector(policy, seed: 1)
    selector.replace(with: (0..<count).map { Replica(name: "r\($0)", concurrency: 4) }, at: .start)
    return selector
  }

  @Test("takes the latency that the asker measured for the time since the pick, where that can be")
  func measured() throws {
    func cost(_ latency: Double?) throws -> Double {
      var selector = Self.selector(PeakEWMAPolicy(), 1)
      let answer = selector.pick(at: .start)
      selector.complete(try #require(answer), .success, latencySeconds: latency, at: .seconds(1))
      return selector.policy.cost(0, in: selector.table, at: .seconds(1))
    }
    #expect(abs(try cost(0.25) - 0.25) < 1e-9)
    #expect(abs(try cost(nil) - 1) < 1e-9)
    for bad in [-1, .nan, .infinity] { #expect(try cost(bad) == cost(nil)) }
  }

  @Test("of a request that went on to another replica is a failure of the picked one", arguments: PolicyCase.allCases)
  func servedByAnother(policy: PolicyCase) throws {
    func check<Policy: SelectionPolicy>(_ policy: Policy) throws {
      var selector = Self.selector(policy)
      let r0 = try #require(selector.table.id(of: "r0"))
      let r1 = try #require(selector.table.id(of: "r1"))
      let r2 = try #require(selector.table.id(of: "r2"))
      for k in 0..<3 {
        let answer = selector.pick(PickRequest(excluded: [r1, r2]), at: .seconds(Double(k)))
        let pick = try #require(answer)
        #expect(pick.replica == r0)
        selector.complete(
          pick, .success, latencySeconds: 0.02, servedBy: r1, at: .seconds(Double(k) + 0.05))
        #expect(selector.table.totalInFlight == 0)
      }
      #expect(selector.table.isEjected(r0.slot) && !selector.table.isEjected(r1.slot))
      #expect(selector.ejections == 1)
      #expect(selector.view(at: .seconds(4)).map(\.ejections) == [1, 0, 0])
    }
    try policy.with { try check($0) }
  }

  @Test("at another replica teaches tonari its pace, and does not make it look endlessly fast")
  func paceOfAnother() throws {
    var selector = Self.selector(TonariPolicy())
    let r1 = try #require(selector.table.id(of: "r1"))
    for k in 0..<20 {
      let now = Moment.seconds(Double(k) * 0.01)
      let answer = selector.pick(PickRequest(excluded: [r1]), at: now)
      selector.complete(try #require(answer), .success, latencySeconds: 0.2, servedBy: r1, at: now)
    }
    let pace = try #require(selector.view(at: .seconds(0.2))[r1.slot].pace)
    #expect(abs(pace.seconds - 0.2) < 0.01, "\(pace)")
  }

  @Test("of a replica that is gone says nothing of the one that served, nor the other way round")
  func gone() throws {
    var selector = Self.selector(TonariPolicy())
    let answer = selector.pick(at: .start)
    let pick = try #require(answer)
    let name = try #require(selector.table.replica(pick.replica)?.name)
    let other = try #require(selector.table.ids.first { $0 != pick.replica })
    selector.replace(with: (0..<3).map { Replica(name: "r\($0)") }.filter { $0.name != name }, at: .start)
    for _ in 0..<5 { selector.complete(pick, .success, latencySeconds: 0.01, servedBy: other, at: .start) }
    #expect(selector.ejections == 0)
    let second = selector.pick(PickRequest(excluded: [other]), at: .start)
    selector.complete(try #require(second), .success, latencySeconds: 0.01, servedBy: pick.replica, at: .start)
    #expect(selector.table.totalInFlight == 0)
  }

  @Test("can be spared: an alternative is not counted, and there are as many as there are replicas")
  func alternatives() throws {
    for policy in PolicyCase.allCases {
      func check<Policy: SelectionPolicy>(_ policy: Policy) throws {
        var selector = Self.selector(policy)
        var request = PickRequest()
        var found: [ReplicaID] = []
        while let next = selector.alternative(request, at: .start) {
          found.append(next)
          request.excluded.insert(next)
        }
        #expect(Set(found).count == 3 && found.count == 3)
        #expect(selector.table.totalInFlight == 0)
        selector.replace(with: [Replica(name: "r0", state: .draining)], at: .start)
        let none = selector.alternative(PickRequest(), at: .start)
        #expect(none == nil)
      }
      try policy.with { try check($0) }
    }
  }
}
