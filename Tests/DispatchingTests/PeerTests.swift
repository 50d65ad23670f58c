import Selection
import SelectorProtocol
import Testing

@testable import Dispatching

@Suite("Selectors beside each other")
struct PeerTests {
  private func dispatcher(_ addresses: [String] = ["a:1", "b:1"]) -> Dispatcher {
    let dispatcher = Dispatcher()
    if !addresses.isEmpty {
      dispatcher.set(addresses.map { ServiceReplica(address: $0) }, of: "s", from: .file, at: .start)
    }
    return dispatcher
  }

  private func others(_ dispatcher: Dispatcher, at now: Moment = .start) -> [Double] {
    dispatcher.service("s")?.status(at: now).replicas.sorted { $0.replica.address < $1.replica.address }
      .map(\.view.othersInFlight) ?? []
  }

  @Test("know of each other's requests in flight, all of them together")
  func inFlight() throws {
    let (one, two, three) = (dispatcher(), dispatcher(), dispatcher())
    let answer = PickAnswer()
    for _ in 0..<6 { _ = one.service("s")?.pick(PickQuery(), owner: 0, at: .start, into: answer) }
    for _ in 0..<2 { _ = two.service("s")?.pick(PickQuery(), owner: 0, at: .start, into: answer) }
    three.hear(one.digest(of: "one", at: .start), at: .start)
    #expect(others(three) == [3, 3])
    three.hear(two.digest(of: "two", at: .start), at: .start)
    #expect(others(three) == [4, 4])
    three.hear(one.digest(of: "one", at: .start), at: .start)
    #expect(others(three) == [4, 4], "a digest takes the place of the one before")
    three.forget(peer: "one", at: .start)
    #expect(others(three) == [1, 1])
  }

  @Test("forget a peer that says nothing any more")
  func silence() {
    let (one, two) = (dispatcher(), dispatcher())
    let answer = PickAnswer()
    for _ in 0..<4 { _ = one.service("s")?.pick(PickQuery(), owner: 0, at: .start, into: answer) }
    two.hear(one.digest(of: "one", at: .start), at: .start)
    two.expire(at: .seconds(1))
    #expect(others(two).allSatisfy { $0 > 0 })
    two.expire(at: .seconds(4))
    #expect(others(two, at: .seconds(4)) == [0, 0])
  }

  @Test("one that starts anew learns from the others what it knew, and who was registered")
  func restart() throws {
    let old = dispatcher([])
    old.register(
      [ServiceReplica(address: "a:1", node: "n1"), ServiceReplica(address: "b:1")], of: "s", lifetime: .seconds(20),
      at: .start)
    let answer = PickAnswer()
    let service = try #require(old.service("s"))
    var now = Moment.start
    for _ in 0..<50 {
      _ = service.pick(PickQuery(), owner: 0, at: now, into: answer)
      now.nanoseconds += answer.addressString(0) == "a:1" ? 10_000_000 : 40_000_000
      service.complete(answer.id, .success, at: now)
    }
    let fresh = dispatcher([])
    fresh.hear(old.digest(of: "old", at: now), at: .seconds(100))
    // The second digest finds the replicas there.
    fresh.hear(old.digest(of: "old", at: now), at: .seconds(100))
    let learnt = try #require(fresh.service("s")).status(at: .seconds(100)).replicas
    #expect(learnt.map(\.replica.address).sorted() == ["a:1", "b:1"])
    #expect(learnt.first { $0.replica.address == "a:1" }?.replica.node == "n1")
    let costs = learnt.sorted { $0.replica.address < $1.replica.address }.map(\.view.cost)
    #expect(costs[0] * 1.5 < costs[1], "the slow one is known to be slow")
    fresh.expire(at: .seconds(125))
    #expect(fresh.service("s") == nil, "nobody registered again")
  }

  @Test("what cannot be is not believed")
  func nonsense() {
    var digest = Tonari_Selector_V1_Digest()
    digest.selector = "x"
    var replica = Tonari_Selector_V1_ReplicaDigest()
    replica.address = "a:1"
    replica.inFlight = .max
    replica.serviceTimeUs = .nan
    replica.concurrency = -1
    replica.completions = .infinity
    replica.registered.address = "no port"
    replica.lifetimeMs = .max
    var service = Tonari_Selector_V1_ServiceDigest()
    service.service = "s"
    service.replicas = [replica]
    var unknown = service
    unknown.service = "unknown"
    digest.services = [service, unknown]
    let dispatcher = dispatcher()
    dispatcher.hear(digest, at: .start)
    #expect(dispatcher.service("unknown") == nil)
    #expect(dispatcher.service("s")?.status(at: .start).replicas.allSatisfy { $0.view.pace == nil } == true)
    let answer = PickAnswer()
    #expect(dispatcher.service("s")?.pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked)
    #expect(answer.addressString(0) == "b:1")
  }
}
