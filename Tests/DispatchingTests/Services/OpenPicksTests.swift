import Selection
import Testing

@testable import Dispatching

@Suite("Open picks", .timeLimit(.minutes(2)))
struct OpenPicksTests {
  let answer = PickAnswer()

  private func dispatcher(_ change: (inout DispatcherOptions) -> Void = { _ in }) -> Dispatcher {
    var options = DispatcherOptions(policy: .random)
    change(&options)
    let dispatcher = Dispatcher(options)
    dispatcher.set([ServiceReplica(address: "a:1")], of: "s", from: .file, at: .start)
    return dispatcher
  }

  @Test("the memory of many abandoned picks is given back once they are over")
  func shrinks() throws {
    var selector = ReplicaSelector(RandomPolicy())
    selector.replace(with: [Replica(name: "a:1")], at: .start)
    let made = selector.pick(at: .start)
    let pick = try #require(made)
    var picks = OpenPicks(salt: 7)
    var ids: [UInt64] = []
    for _ in 0..<50_000 {
      guard let id = picks.insert(pick, owner: 3) else { continue }
      ids.append(id)
    }
    let last = try #require(ids.last)
    var removed = 0
    for id in ids.dropLast() where picks.remove(id) != nil { removed += 1 }
    #expect(removed == 49_999)
    picks.shrink()
    #expect(picks.capacity == 50_000, "the last one is still in its place")
    // New ones go to the front, so that the end gets free.
    let young = picks.insert(pick, owner: 3)
    let end = picks.remove(last)
    #expect(end != nil)
    picks.shrink()
    #expect(picks.capacity <= OpenPicks.kept)
    #expect(picks.count == 1)
    let again = picks.remove(last)
    #expect(again == nil, "an old id is not taken for a new one")
    let old = Set(ids)
    for _ in 0..<50_000 {
      let id = picks.insert(pick, owner: 3)
      #expect(id.map { !old.contains($0) } == true)
    }
    let first = picks.remove(try #require(young))
    #expect(first != nil)
  }

  @Test("what an owner leaves is found by what it has, whatever others have open")
  func abandonment() {
    let dispatcher = dispatcher()
    let service = dispatcher.service("s")!
    let many = dispatcher.newOwner()
    for _ in 0..<20_000 { _ = service.pick(PickQuery(), owner: many, at: .start, into: answer) }
    // With a look at every place, 20,000 x 20,000 of them are more than the test has time for.
    for _ in 0..<20_000 {
      let owner = dispatcher.newOwner()
      var picked = PickedServices()
      _ = service.pick(PickQuery(), owner: owner, at: .start, into: answer)
      picked.note(pick: answer.id)
      dispatcher.abandon(owner: owner, of: picked, at: .start)
    }
    #expect(service.tally.openPicks == 20_000)
    dispatcher.abandon(owner: many, at: .start)
    #expect(service.tally.openPicks == 0)
    #expect(service.tally.inFlight == 0)
    #expect(dispatcher.openPicks == 0)
  }

  @Test("beyond what may be open in a service, the oldest pick makes room for a new one")
  func evictsInService() {
    let dispatcher = dispatcher { $0.mostOpenPicksOfService = 10 }
    let service = dispatcher.service("s")!
    var ids: [UInt64] = []
    for second in 0..<15 {
      #expect(service.pick(PickQuery(), owner: 0, at: .seconds(Double(second)), into: answer) == .picked)
      ids.append(answer.id)
    }
    #expect(service.tally.openPicks == 10)
    #expect(service.tally.inFlight == 10)
    #expect(service.tally.counts.evicted == 5)
    #expect(!service.complete(ids[4], .success, at: .seconds(20)))
    #expect(service.complete(ids[5], .success, at: .seconds(20)))
  }

  @Test("beyond what may be open over all services, whoever has picks open gives one up for a new one")
  func evictsInAll() {
    let dispatcher = dispatcher { $0.mostOpenPicks = 10 }
    dispatcher.set([ServiceReplica(address: "b:1")], of: "t", from: .file, at: .start)
    let (flooded, other) = (dispatcher.service("s")!, dispatcher.service("t")!)
    for _ in 0..<50 { _ = flooded.pick(PickQuery(), owner: 0, at: .start, into: answer) }
    #expect(flooded.tally.openPicks == 10)
    #expect(other.pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked, "an innocent service has its pick")
    #expect(dispatcher.openPicks == 11)
    _ = flooded.pick(PickQuery(), owner: 0, at: .start, into: answer)
    #expect(dispatcher.openPicks <= 11)
    dispatcher.set([], of: "s", from: .file, at: .start)
    #expect(dispatcher.openPicks <= 11)
  }

  @Test("picks let go of those that are over their time, so that these never add up between two sweeps")
  func amortized() {
    let dispatcher = dispatcher { $0.pickLifetime = .seconds(1) }
    let service = dispatcher.service("s")!
    for _ in 0..<1000 { _ = service.pick(PickQuery(), owner: 0, at: .start, into: answer) }
    for _ in 0..<1000 { _ = service.pick(PickQuery(), owner: 0, at: .seconds(5), into: answer) }
    #expect(service.tally.openPicks == 1000)
  }
}
