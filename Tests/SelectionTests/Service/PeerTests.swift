import Model
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import Overflow
@testable import Selection
@testable import SelectorServer

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

  private func link(_ identity: Identity, _ dispatcher: Dispatcher, _ rules: [String] = ["exchange=anyone"]) throws
    -> PeerLink
  {
    let policy = AccessPolicy(rules: try rules.map { try AccessRule($0) })
    return PeerLink(Caller(identity, owner: dispatcher.newOwner(), policy: policy))
  }

  private func digest(
    _ name: String, _ service: String = "s", inFlight: [String: UInt32] = [:], registered: String? = nil,
    perMinute: Double? = nil
  ) -> Tonari_Selector_V1_Digest {
    .with {
      $0.selector = name
      $0.services = [
        .with { claim in
          claim.service = service
          claim.replicas = inFlight.map { address, count in
            .with { ($0.address, $0.inFlight) = (address, count) }
          }
          if let registered {
            claim.replicas.append(
              .with {
                ($0.address, $0.lifetimeMs) = (registered, 86_400_000)
                ($0.registered.address, $0.registered.weight) = (registered, 1000)
              })
          }
          if let perMinute { claim.arrivals.perMinute = perMinute }
        }
      ]
    }
  }

  @Test("a digest makes no pick be refused, whatever it claims to have in flight")
  func refusesNothing() throws {
    let dispatcher = Dispatcher(DispatcherOptions(mostInFlight: 4))
    dispatcher.set(["a:1", "b:1"].map { ServiceReplica(address: $0) }, of: "s", from: .file, at: .start)
    let link = try link(.anyone, dispatcher)
    let answer = PickAnswer()
    for number in 0..<600 {
      dispatcher.hear(digest("x", inFlight: ["a:1": .max, "b:1": .max]), from: link, at: .start)
      #expect(dispatcher.service("s")?.pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked, "\(number)")
      dispatcher.service("s")?.complete(answer.id, .success, at: .start)
    }
    #expect(others(dispatcher).reduce(0, +) <= 2 * Double(PeerClaims.meanPerReplica))
  }

  @Test("a digest of who proves nothing counts for no requests that come elsewhere, so that none are sent away for it")
  func sharesNothing() throws {
    let edge = Edge(Edge.policy(), seed: 1)
    let link = try link(.anyone, edge.dispatcher)
    var local = 0
    for step in 0..<600 {
      edge.advance(to: .seconds(Double(step) * 0.12))
      edge.dispatcher.hear(digest("x", "shop/cart", perMinute: 1e12), from: link, at: edge.now)
      let verdict = edge.pick()
      if verdict.isLocal { local += 1 }
      edge.service?.complete(verdict.id, .success, latencySeconds: 0.02, at: edge.now)
    }
    #expect(local >= 590, "of 600 requests, 500 a minute, where the cluster bears 600: \(local)")
  }

  @Test("what a peer says is registered there for a day goes soon after its link, and only its services count")
  func registeredElsewhere() throws {
    let dispatcher = dispatcher()
    let proven = Identity.certificate(["dns:peer"])
    let bounded = try link(proven, dispatcher, ["exchange=dns:peer"])
    dispatcher.hear(digest("x", registered: "6.6.6.6:80"), from: bounded, at: .start)
    #expect(dispatcher.addresses(of: "s", from: [.peer]).isEmpty, "its rule names no services")
    dispatcher.forget(bounded, at: .start)

    let allowed = try link(proven, dispatcher, ["exchange=dns:peer@s"])
    dispatcher.hear(digest("x", registered: "6.6.6.6:80"), from: allowed, at: .start)
    dispatcher.hear(digest("x", "t", registered: "6.6.6.6:80"), from: allowed, at: .start)
    #expect(dispatcher.addresses(of: "s", from: [.peer]) == ["6.6.6.6:80"])
    #expect(dispatcher.service("t") == nil)
    let weights = dispatcher.status(at: .start)[0].replicas.map(\.replica.weight)
    #expect((weights.max() ?? 0) <= ServiceReplica.claimedWeights.upperBound)
    dispatcher.forget(allowed, at: .start)
    dispatcher.expire(at: .seconds(6))
    #expect(dispatcher.addresses(of: "s", from: [.peer]).isEmpty)
  }

  @Test("nobody speaks under the name of another, nor takes away what it said by going")
  func names() throws {
    let dispatcher = dispatcher()
    let honest = try link(.certificate(["dns:one"]), dispatcher)
    let hostile = try link(.certificate(["dns:two"]), dispatcher)
    #expect(dispatcher.hear(digest("one", inFlight: ["a:1": 6]), from: honest, at: .start))
    #expect(!dispatcher.hear(digest("one"), from: hostile, at: .start))
    #expect(others(dispatcher) == [6, 0])
    dispatcher.forget(hostile, at: .start)
    #expect(others(dispatcher) == [6, 0])
    #expect(dispatcher.hear(digest("two"), from: hostile, at: .start))
    #expect(!dispatcher.hear(digest("three"), from: hostile, at: .start), "a link has one name")
    #expect(dispatcher.refusedDigests == 2)
    // The same peer, on a second link.
    let again = try link(.certificate(["dns:one", "spiffe://x"]), dispatcher)
    #expect(dispatcher.hear(digest("one", inFlight: ["a:1": 7]), from: again, at: .start))
    dispatcher.forget(honest, at: .start)
    #expect(others(dispatcher) == [7, 0], "it is still heard on the other")
    dispatcher.forget(again, at: .start)
    #expect(others(dispatcher) == [0, 0])
  }
}
