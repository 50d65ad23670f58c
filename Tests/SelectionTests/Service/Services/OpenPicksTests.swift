import Model
import Testing

@testable import Overflow
@testable import Selection

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

  @Test(
    "of many open picks the first ones make room, of whichever life, so that nobody's take all the place of others'")
  func hoarder() {
    let dispatcher = dispatcher { $0.mostOpenPicksOfService = 10 }
    let service = dispatcher.service("s")!
    func pick(_ life: PickLife, at second: Double) -> UInt64 {
      var query = PickQuery()
      query.life = life
      #expect(service.pick(query, owner: life == .connected ? 7 : 0, at: .seconds(second), into: answer) == .picked)
      return answer.id
    }
    let attended = pick(.attended, at: 0)
    let hoarded = (0..<9).map { _ in pick(.connected, at: 1) }
    for id in hoarded { #expect(service.renew(id, at: .seconds(1.5))) }
    let unary = (0..<5).map { _ in pick(.unary, at: 2) }
    #expect(service.tally.openPicks == 10 && service.tally.counts.evicted == 5)
    for id in unary { #expect(service.complete(id, .success, at: .seconds(3)), "it is open still") }
    #expect(hoarded.count { service.complete($0, .success, at: .seconds(3)) } == 4)
    #expect(service.complete(attended, .success, at: .seconds(3)), "somebody sees when its request ends")
    // Where only such are there, the oldest of them makes room all the same.
    let first = pick(.attended, at: 4)
    for second in 5..<15 { _ = pick(.attended, at: Double(second)) }
    #expect(!service.complete(first, .success, at: .seconds(20)) && service.tally.openPicks == 10)
  }

  @Test("one pick that is kept at the end costs no copy of all places each time that memory is to be given back")
  func shrinksCheaply() throws {
    var selector = ReplicaSelector(RandomPolicy())
    selector.replace(with: [Replica(name: "a:1")], at: .start)
    let made = selector.pick(at: .start)
    let pick = try #require(made)
    var picks = OpenPicks(salt: 7)
    let ids = (0..<200_000).compactMap { _ in picks.insert(pick, owner: 3) }
    for id in ids.dropLast() { _ = picks.remove(id) }
    let last = try #require(ids.last)
    picks.shrink()
    let time = ContinuousClock().measure {
      for second in 0..<2000 {
        let isRenewed = picks.renew(last, at: .seconds(Double(second)))
        #expect(isRenewed)
        if let id = picks.insert(pick, owner: 4) { _ = picks.remove(id) }
        picks.shrink()
      }
    }
    // With a copy each time this takes minutes.
    #expect(time < .seconds(10), "\(time)")
    #expect(picks.capacity == 200_000)
    let removed = picks.remove(last)
    #expect(removed != nil)
    picks.shrink()
    #expect(picks.capacity <= OpenPicks.kept && picks.count == 0)
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

  @Test("who asks by a call of its own and never completes is given up soon; who says that it goes on is not")
  func lives() throws {
    let dispatcher = dispatcher()
    let service = try #require(dispatcher.service("s"))
    func pick(_ life: PickLife, owner: UInt32 = 0) -> UInt64 {
      var query = PickQuery()
      query.life = life
      _ = service.pick(query, owner: owner, at: .start, into: answer)
      return answer.id
    }
    for _ in 0..<397 { _ = pick(.unary) }
    let (renewed, connected, attended) = (pick(.unary), pick(.connected, owner: 7), pick(.attended))
    #expect(service.tally.inFlight == 400)
    #expect(service.renew(renewed, at: .seconds(8)))
    #expect(!service.renew(renewed, key: .random(), at: .seconds(8)), "somebody else has no hand in it")
    dispatcher.expire(at: .seconds(11))
    #expect(service.tally.inFlight == 3 && service.tally.counts.expired == 397)
    #expect(service.renew(connected, at: .seconds(50)))
    dispatcher.expire(at: .seconds(100))
    #expect(service.tally.inFlight == 2, "the renewed one is over, too")
    dispatcher.expire(at: .seconds(111))
    #expect(service.tally.inFlight == 1)
    dispatcher.expire(at: .seconds(86_400))
    #expect(service.complete(attended, .success, at: .seconds(86_400)))
    #expect(!service.renew(attended, at: .seconds(86_400)))
    #expect(service.tally.openPicks == 0 && dispatcher.openPicks == 0)
  }

  @Test("a request that went on to another replica is in flight there, and failed at the first")
  func moves() throws {
    let dispatcher = dispatcher()
    dispatcher.set(["a:1", "b:1"].map { ServiceReplica(address: $0) }, of: "s", from: .file, at: .start)
    let service = try #require(dispatcher.service("s"))
    _ = service.pick(PickQuery(), owner: 0, at: .start, into: answer)
    let (id, picked) = (answer.id, answer.addressString(0))
    let other = picked == "a:1" ? "b:1" : "a:1"
    func inFlight(_ address: String) -> Int? {
      service.status(at: .start).replicas.first { $0.replica.address == address }?.view.inFlight
    }
    #expect(!service.respond(id, from: ("c:1", .failure), at: .seconds(1)), "nobody knows where it is")
    #expect(service.respond(id, from: (other, .failure), at: .seconds(1)))
    #expect(inFlight(picked) == 0 && inFlight(other) == 1)
    #expect(service.complete(id, .success, at: .seconds(2)))
    #expect(service.tally.inFlight == 0 && service.tally.counts.succeeded == 1)
    let failures = service.status(at: .start).replicas.map(\.failures).reduce(0, +)
    #expect(failures == 1)
  }

  @Test("rows of picks hold what a list of them would, whatever is made, renewed and taken out")
  func model() throws {
    var selector = ReplicaSelector(RandomPolicy())
    selector.replace(with: [Replica(name: "a:1")], at: .start)
    var generator = SeededGenerator(seed: 11)
    var picks = OpenPicks(salt: 3)
    var known: [(id: UInt64, life: PickLife, since: Int)] = []
    for second in 0..<20_000 {
      let now = Moment.seconds(Double(second))
      switch generator.below(5) {
      case 0, 1:
        let made = selector.pick(at: now)
        let life = PickLife.allCases[generator.below(3)]
        guard let pick = made, let id = picks.insert(pick, owner: UInt32(generator.below(4)), life: life) else {
          continue
        }
        known.append((id, life, second))
      case 2 where !known.isEmpty:
        let index = generator.below(known.count)
        let isRenewed = picks.renew(known[index].id, at: now)
        #expect(isRenewed)
        known.append((known[index].id, known[index].life, second))
        known.remove(at: index)
      case 3 where !known.isEmpty:
        let index = generator.below(known.count)
        let removed = picks.remove(known[index].id)
        #expect(removed != nil)
        known.remove(at: index)
      default:
        let life = PickLife.allCases[generator.below(3)]
        let before = second - generator.below(30)
        let removed = picks.removeOldest(life, before: .seconds(Double(before)))
        let index = known.firstIndex { $0.life == life && $0.since < before }
        #expect((removed != nil) == (index != nil))
        if let index {
          let again = picks.find(known[index].id)
          #expect(again == nil, "it was the oldest")
          known.remove(at: index)
        }
      }
      if generator.below(500) == 0 { picks.shrink() }
      #expect(picks.count == known.count)
    }
  }
}
