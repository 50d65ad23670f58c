import Model
import Testing

@testable import Overflow
@testable import Selection

@Suite("A service whose cluster is full")
struct OverflowTests {
  @Test("A neighbour has no more room than the policy knows it to bear, whatever it says")
  func claims() {
    let dispatcher = Dispatcher()
    let neighbour = ServiceOverflow.Neighbour(name: "b", capacity: .perMinute(300), gateway: "10.9.9.9:443")
    dispatcher.set(
      ["s": ServiceOverflow(cluster: "a", capacity: .perMinute(60), neighbours: [neighbour])], at: .seconds(0))
    dispatcher.hear(
      Headroom(perMinute: 1e9, at: .seconds(0), lifetime: .seconds(10)), of: "b", service: "s", at: .seconds(0))
    #expect(dispatcher.overflows(at: .seconds(0))["s"]?.neighbours.first?.headroomPerMinute == 300)
  }

  @Test("Without a policy, what was sent on keeps its mark")
  func mark() {
    let dispatcher = Dispatcher()
    dispatcher.set([ServiceReplica(address: "a:1")], of: "s", from: .file, at: .seconds(0))
    let answer = PickAnswer()
    #expect(dispatcher.service("s")?.pick(PickQuery(hops: 2), owner: 0, at: .seconds(0), into: answer) == .picked)
    #expect(answer.hops == 2)
  }

  @Test(
    "sends nobody away while it bears what comes, though a replica next door is idle", arguments: PolicyName.allCases)
  func underCapacity(_ policy: PolicyName) throws {
    let edge = Edge(Edge.policy(), policy: policy)
    edge.hear(6000, of: "near")
    let verdicts = edge.load(perMinute: 570, for: 30)
    #expect(verdicts.allSatisfy { $0.isLocal && $0.cluster == "here" })
    let status = try #require(edge.status)
    #expect(status.arrivals == 285 && status.shed == 0 && status.neighbours.allSatisfy { $0.sent == 0 })
    #expect(abs(status.headroomPerMinute - 30) < 15)
  }

  @Test("sends out the first request that is too many, when the load steps from half to twice its capacity")
  func step() throws {
    let edge = Edge(Edge.policy())
    edge.hear(6000, of: "near")
    edge.hear(6000, of: "far")
    #expect(edge.load(perMinute: 300, for: 20).allSatisfy { $0.isLocal })
    let verdicts = edge.load(perMinute: 1200, for: 20)
    #expect(verdicts.shed == 0)
    // What may come at once after a pause is half a second's, five requests, and it grows again by half of those that come.
    let first = try #require(verdicts.firstIndex { !$0.isLocal })
    #expect(first <= 12)
    #expect(verdicts[first].cluster == "near" && verdicts[first].hops == 1)
    var served = 0
    for (number, verdict) in verdicts.enumerated() {
      served += verdict.isLocal ? 1 : 0
      #expect(Double(served) >= 10 * Double(number) * 0.05, "what it bears is served here")
      #expect(Double(served) <= 10 * Double(number) * 0.05 + 6.5, "and no more")
    }
  }

  @Test("keeps to the split within a point over any 1,000 requests", arguments: [1.1, 1.5, 2, 3.7])
  func splitError(_ factor: Double) {
    let edge = Edge(Edge.policy(perMinute: 6000))
    edge.bearing = ["near": 6000 * (factor - 1) / 2, "far": 60_000]
    _ = edge.load(perMinute: 6000 * factor, for: 20)
    let verdicts = edge.load(perMinute: 6000 * factor, for: 60)
    let wanted = [("here", 1 / factor), ("near", (factor - 1) / 2 / factor), ("far", (factor - 1) / 2 / factor)]
    for start in stride(from: 0, to: verdicts.count - 1000, by: 100) {
      let window = Array(verdicts[start..<start + 1000])
      #expect(abs(window.share(of: "here") - wanted[0].1) < 0.01)
    }
    let last = Array(verdicts.suffix(1000))
    for (cluster, share) in wanted {
      #expect(abs(last.share(of: cluster) - share) < 0.01, "\(cluster): \(last.share(of: cluster)), wanted \(share)")
    }
  }

  @Test("never sends a request on that was sent to it: two full edges do not play ping-pong")
  func hops() {
    let (a, b) = (
      Edge(Edge.policy(cluster: "a", neighbours: [.init(name: "b")]), clusters: ["a", "b"]),
      Edge(Edge.policy(cluster: "b", neighbours: [.init(name: "a")]), clusters: ["b", "a"])
    )
    // Each believes that the other has room.
    a.hear(6000, of: "b")
    b.hear(6000, of: "a")
    var (travelled, returned, served) = (0, 0, 0)
    for number in 0..<6000 {
      for edge in [a, b] { edge.advance(to: .seconds(Double(number) / 50)) }
      for (edge, other) in [(a, b), (b, a)] {
        let first = edge.pick()
        served += first.isLocal ? 1 : 0
        guard first.hops > 0 else { continue }
        travelled += 1
        let second = other.pick(PickQuery(hops: first.hops))
        if second.status == .picked {
          #expect(second.hops == 1 && second.cluster == String(first.cluster))
          served += 1
        } else {
          #expect(second.status == .full && second.retryAfter >= 1000)
        }
        returned += second.hops > 1 ? 1 : 0
      }
    }
    #expect(travelled > 1000 && returned == 0)
    #expect(abs(Double(served) / 2400 - 1) < 0.02, "each serves what it bears: \(served)")
    #expect(a.status?.received ?? 0 > 500)
  }

  @Test("drops a neighbour that fails at once, tries it with a trickle, and uses it again when it answers")
  func failingRemote() throws {
    let edge = Edge(Edge.policy())
    edge.hear(6000, of: "near")
    edge.hear(6000, of: "far")
    #expect(edge.load(perMinute: 1200, for: 10).share(of: "near") > 0.4)
    let failing = edge.load(perMinute: 1200, for: 60) { $0.cluster == "near" ? .failure : .success }
    #expect(failing.shed == 0)
    #expect(failing.count { $0.cluster == "near" } <= 12, "three failures, and a trickle of probes")
    #expect(failing.dropFirst(20).prefix(20).allSatisfy { $0.cluster != "near" })
    #expect(failing.share(of: "far") > 0.4)
    #expect(try #require(edge.status?.neighbours.first).sent > 0)
    let healed = edge.load(perMinute: 1200, for: 180)
    #expect(Array(healed.suffix(400)).share(of: "near") > 0.4)
  }

  @Test("serves what it bears and turns the rest away, with a time to come back, where everybody is full")
  func allFull() throws {
    let edge = Edge(Edge.policy())
    edge.hear(0, of: "near")
    edge.hear(0, of: "far")
    _ = edge.load(perMinute: 2400, for: 5)
    let verdicts = edge.load(perMinute: 2400, for: 30)
    #expect(abs(verdicts.share(of: "here") - 0.25) < 0.01)
    #expect(abs(verdicts.shed - 0.75) < 0.01)
    #expect(verdicts.filter { $0.status == .full }.allSatisfy { (4000...5000).contains($0.retryAfter) })
    #expect(edge.status?.shed == UInt64(edge.service?.status(at: edge.now).counts.shed ?? 0))
  }

  @Test("sends neighbours no more than they have room for, and less when what they said is old")
  func staleHeadroom() {
    let edge = Edge(Edge.policy(neighbours: [.init(name: "near", cost: 4)]))
    edge.bearing = ["near": 300]
    _ = edge.load(perMinute: 1800, for: 10)
    let fresh = edge.load(perMinute: 1800, for: 60).count { $0.cluster == "near" }
    #expect(abs(fresh - 300) <= 15)
    edge.bearing = [:]
    let stale = edge.load(perMinute: 1800, for: 40)
    #expect(Array(stale.suffix(300)).share(of: "near") == 0)
  }

  @Test("sends little to a neighbour that says nothing, and what it is said to bear where the policy says so")
  func unknownHeadroom() {
    let silent = Edge(Edge.policy(neighbours: [.init(name: "near")]))
    #expect(silent.load(perMinute: 1200, for: 60).count { $0.cluster == "near" } <= 62)
    let known = Edge(Edge.policy(neighbours: [.init(name: "near", capacity: .perMinute(300))]))
    let sent = known.load(perMinute: 1800, for: 60).count { $0.cluster == "near" }
    #expect(abs(sent - 300) <= 20)
  }

  @Test("sends a neighbour no more than the policy allows")
  func limit() {
    let edge = Edge(Edge.policy(neighbours: [.init(name: "near", limitPerMinute: 120)]))
    edge.hear(6000, of: "near")
    #expect(edge.load(perMinute: 1800, for: 60).count { $0.cluster == "near" } <= 122)
  }

  @Test("bears as much as it has pods that are ready")
  func perPod() {
    var policy = Edge.policy()
    policy.capacity = .perPod(perMinute: 200)
    let edge = Edge(policy)
    edge.hear(6000, of: "near")
    #expect(edge.load(perMinute: 590, for: 10).allSatisfy { $0.isLocal })
    edge.dispatcher.set(.draining, of: "here-2:80", at: edge.now)
    _ = edge.load(perMinute: 590, for: 3)
    #expect(edge.status?.capacityPerMinute == 400)
    #expect(abs(edge.load(perMinute: 800, for: 30).share(of: "near") - 0.5) < 0.01)
  }

  @Test("without a replica of its own sends all out, and what was sent to it is refused")
  func nobodyHome() {
    let edge = Edge(Edge.policy())
    edge.hear(6000, of: "near")
    for number in 0..<3 { edge.dispatcher.set(.gone, of: "here-\(number):80", at: edge.now) }
    #expect(edge.load(perMinute: 1200, for: 10).allSatisfy { $0.cluster == "near" && $0.hops == 1 })
    #expect(edge.pick(PickQuery(hops: 1)).status != .picked)
  }

  @Test("names the gateways of its neighbours, and keeps them when its own replicas are gone")
  func gateways() {
    let policy = Edge.policy(neighbours: [.init(name: "near", gateway: "near-gateway:443")])
    let edge = Edge(policy, clusters: ["here"])
    edge.hear(6000, of: "near")
    #expect(Set(edge.load(perMinute: 1200, for: 10).map(\.cluster)) == ["here", "near"])
    edge.dispatcher.set([], of: "shop/cart", from: .file, at: edge.now)
    #expect(edge.load(perMinute: 1200, for: 1).allSatisfy { $0.address == "near-gateway:443" })
    edge.dispatcher.set([:], at: edge.now)
    #expect(edge.service == nil)
  }

  @Test("keeps requests with a key, a subset or labels to the clusters that the split says")
  func restrictions() {
    let edge = Edge(Edge.policy())
    edge.hear(6000, of: "near")
    let keyed = edge.load(perMinute: 1200, for: 20, query: PickQuery(key: 7, alternatives: 3))
    #expect(abs(keyed.share(of: "near") - 0.5) < 0.02)
    #expect(Set(keyed.filter(\.isLocal).map(\.address)).count == 1)
    let subset = edge.load(perMinute: 1200, for: 20, query: PickQuery(subset: ["here-1:80"]))
    #expect(Set(subset.filter { $0.status == .picked }.map(\.address)) == ["here-1:80"])
    #expect(subset.shed > 0.4)
  }

  @Test("does nothing but count in a dry run")
  func dryRun() throws {
    var policy = Edge.policy()
    policy.isDryRun = true
    let edge = Edge(policy)
    edge.hear(300, of: "near")
    edge.hear(0, of: "far")
    #expect(edge.load(perMinute: 1800, for: 20).allSatisfy { $0.status == .picked && $0.hops == 0 })
    let status = try #require(edge.status)
    #expect(status.shed > 0 && status.neighbours[0].sent > 0)
  }

  @Test("is trusted with less when its responses fail, and sends the more out")
  func distress() {
    let edge = Edge(Edge.policy())
    edge.hear(6000, of: "near")
    var number = 0
    let verdicts = edge.load(perMinute: 600, for: 60) { verdict in
      number += 1
      return verdict.isLocal && number.isMultiple(of: 5) ? .failure : .success
    }
    #expect(Array(verdicts.suffix(300)).share(of: "near") > 0.2)
  }

  @Test("goes by a policy that changes at once, and knows what neighbours said before")
  func policyChanges() {
    let edge = Edge(Edge.policy())
    edge.hear(6000, of: "far")
    _ = edge.load(perMinute: 1200, for: 10)
    let arrivals = edge.status?.arrivals
    edge.dispatcher.set(["shop/cart": Edge.policy(perMinute: 300, neighbours: [.init(name: "far")])], at: edge.now)
    #expect(edge.status?.arrivals == arrivals)
    let verdicts = edge.load(perMinute: 1200, for: 30)
    #expect(verdicts.shed == 0)
    #expect(abs(verdicts.share(of: "far") - 0.75) < 0.02)
  }

  @Test("pays nothing without a policy, and stops overflowing when its policy goes")
  func withoutPolicy() {
    let edge = Edge(Edge.policy())
    edge.hear(6000, of: "near")
    _ = edge.load(perMinute: 1200, for: 2)
    edge.dispatcher.set([:], at: edge.now)
    #expect(edge.status == nil)
    #expect(edge.load(perMinute: 6000, for: 5).allSatisfy { $0.status == .picked && $0.hops == 0 })
  }
}
