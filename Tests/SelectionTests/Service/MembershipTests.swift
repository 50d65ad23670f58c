import Model
import SelectorProtocol
import Testing

@testable import Overflow
@testable import Selection
@testable import SelectorServer

@Suite("The replicas of a service")
struct MembershipTests {
  private func addresses(_ dispatcher: Dispatcher, at now: Moment = .start) -> [String] {
    dispatcher.service("s")?.status(at: now).replicas.map(\.replica.address).sorted() ?? []
  }

  @Test("come from several sources, of which the first that names an address counts")
  func sources() {
    let dispatcher = Dispatcher()
    dispatcher.set([ServiceReplica(address: "a:1", weight: 2)], of: "s", from: .file, at: .start)
    dispatcher.set([ServiceReplica(address: "a:1", weight: 3)], of: "s", from: .kubernetes, at: .start)
    dispatcher.register([ServiceReplica(address: "b:1")], of: "s", lifetime: .seconds(9), at: .start)
    #expect(addresses(dispatcher) == ["a:1", "b:1"])
    #expect(dispatcher.service("s")?.status(at: .start).replicas.first?.replica.weight == 2)
    dispatcher.set([:], from: .file, at: .start)
    #expect(dispatcher.service("s")?.status(at: .start).replicas.first?.replica.weight == 3)
  }

  @Test("a service comes with its first replica and goes with its last")
  func comesAndGoes() {
    let dispatcher = Dispatcher()
    let version = dispatcher.directoryVersion
    dispatcher.set(["s": [ServiceReplica(address: "a:1")]], from: .kubernetes, at: .start)
    #expect(dispatcher.service("s") != nil)
    #expect(dispatcher.directoryVersion > version)
    dispatcher.set([:], from: .kubernetes, at: .start)
    #expect(dispatcher.service("s") == nil)
    dispatcher.set(["t": [ServiceReplica(address: "a:1")]], from: .kubernetes, at: .start)
    #expect(dispatcher.directory["t"] != nil)
  }

  @Test("registered ones stay as long as they are registered again, and can leave or drain")
  func registrations() {
    let dispatcher = Dispatcher()
    let both = ["a:1", "b:1"].map { ServiceReplica(address: $0) }
    dispatcher.register(both, of: "s", lifetime: .seconds(10), at: .start)
    dispatcher.register([both[0]], of: "s", lifetime: .seconds(10), at: .seconds(6))
    dispatcher.expire(at: .seconds(11))
    #expect(addresses(dispatcher) == ["a:1"])
    dispatcher.register([both[1]], of: "s", lifetime: .seconds(10), at: .seconds(11))
    dispatcher.deregister(["b:1"], of: "s", drains: true, at: .seconds(12))
    let state = dispatcher.service("s")?.status(at: .seconds(12)).replicas.map(\.replica.state)
    #expect(state?.sorted { $0.rawValue < $1.rawValue } == [.ready, .draining])
    dispatcher.deregister(["b:1", "unknown:1"], of: "s", drains: false, at: .seconds(13))
    #expect(addresses(dispatcher) == ["a:1"])
    dispatcher.expire(at: .seconds(17))
    #expect(dispatcher.service("s") == nil)
  }

  @Test("one that is said to be gone is gone until it is said to be back")
  func lastWill() {
    let dispatcher = Dispatcher()
    dispatcher.set(["a:1", "b:1"].map { ServiceReplica(address: $0) }, of: "s", from: .file, at: .start)
    #expect(dispatcher.set(.gone, of: "a:1", at: .start) == 1)
    #expect(addresses(dispatcher) == ["b:1"])
    #expect(dispatcher.set(.gone, of: "nobody:1", at: .start) == 0)
    dispatcher.set(nil, of: "a:1", at: .start)
    #expect(addresses(dispatcher) == ["a:1", "b:1"])
  }

  @Test(
    "say what is wrong with them",
    arguments: [
      (ServiceReplica(address: "a"), "address 'a': expected host:port"),
      (ServiceReplica(address: ":80"), "address ':80': expected host:port"),
      (ServiceReplica(address: "a:0"), "address 'a:0': expected host:port"),
      (ServiceReplica(address: "a:70000"), "address 'a:70000': expected host:port"),
      (ServiceReplica(address: "a:1", weight: .nan), "a:1: weight nan: expected a number from 1e-06 to 1000000"),
      (ServiceReplica(address: "a:1", weight: -1), "a:1: weight -1.0: expected a number from 1e-06 to 1000000"),
      (ServiceReplica(address: "a:1", concurrency: 0), "a:1: concurrency 0: expected a number from 1 to 1000000"),
      (
        ServiceReplica(address: String(repeating: "a", count: 300) + ":1"),
        "address of 302 bytes: expected at most 255"
      ),
    ])
  func faults(_ replica: ServiceReplica, _ fault: String) {
    #expect(replica.fault == fault)
  }

  @Test("are the same after a trip through a message", arguments: [ReplicaState.ready, .starting, .draining])
  func messages(_ state: ReplicaState) {
    let replica = ServiceReplica(
      address: "[::1]:80", node: "n", zone: "z", cluster: "c", weight: 2.5, concurrency: 4, labels: ["a=b"],
      state: state)
    #expect(replica.fault == nil)
    #expect(ServiceReplica(Tonari_Selector_V1_Replica(replica)) == replica)
  }

  @Test("one with addresses of two families is one, by whichever it is spoken of, and asked for")
  func dualStack() throws {
    let dispatcher = Dispatcher(DispatcherOptions(policy: .random))
    var replica = ServiceReplica(address: "10.0.0.1:80", cluster: "c")
    replica.aliases = ["[fd00::1]:80"]
    dispatcher.set([replica, ServiceReplica(address: "10.0.0.2:80")], of: "s", from: .kubernetes, at: .start)
    let service = try #require(dispatcher.service("s"))
    #expect(service.tally.replicas == 2)
    let answer = PickAnswer()
    _ = service.pick(PickQuery(subset: ["[fd00::1]:80"], alternatives: 1), owner: 0, at: .start, into: answer)
    #expect(answer.addressString(0) == "[fd00::1]:80", "its asker may know no other")
    func view() -> ReplicaStatus? { service.status(at: .start).replicas.first { $0.replica == replica } }
    #expect(view()?.view.inFlight == 1)
    #expect(service.complete(answer.id, .success, servedBy: "10.0.0.1:80", at: .start))
    #expect(view()?.view.inFlight == 0 && view()?.failures == 0)
    _ = service.pick(PickQuery(excluded: ["[fd00::1]:80"]), owner: 0, at: .start, into: answer)
    #expect(answer.addressString(0) == "10.0.0.2:80")
    #expect(dispatcher.report(LoadReport(inFlight: 5), of: "[fd00::1]:80", at: .start) == 1)
    #expect(view()?.view.lastReport?.inFlight == 5)
    #expect(dispatcher.set(.draining, of: "[fd00::1]:80", in: "c", at: .start) == 1)
    #expect(
      service.status(at: .start).replicas.filter { $0.replica.state == .draining }.map(\.replica.address) == [
        "10.0.0.1:80"
      ])
    dispatcher.set([], of: "s", from: .kubernetes, at: .start)
    #expect(dispatcher.report(LoadReport(inFlight: 5), of: "[fd00::1]:80", at: .start) == 0)
  }

  @Test("are found at once though those that alone will do are many, unless they have other addresses")
  func manyInSubset() throws {
    let dispatcher = Dispatcher(DispatcherOptions(policy: .random))
    let addresses = (1...4).map { "10.0.0.\($0):80" }
    dispatcher.set(addresses.map { ServiceReplica(address: $0) }, of: "s", from: .file, at: .start)
    let service = try #require(dispatcher.service("s"))
    let subset = (0..<50_000).map { "10.1.\($0 / 256).\($0 % 256):80" } + addresses
    let answer = PickAnswer()
    /// The shortest time of a few for a pick with so many alternatives.
    func time(alternatives: Int) -> Duration? {
      (0..<5).map { _ in
        let query = PickQuery(subset: subset, alternatives: alternatives)
        let time = ContinuousClock().measure { _ = service.pick(query, owner: 0, at: .start, into: answer) }
        #expect(answer.count == 1 + alternatives && addresses.contains(answer.addressString(alternatives)))
        return time
      }.min()
    }
    // Each is known by its address; to look for it in the subset takes as long as the pick.
    let (one, all) = (try #require(time(alternatives: 0)), try #require(time(alternatives: 3)))
    #expect(all < one * 2, "\(one), \(all) with three alternatives")
  }

  @Test("what one says before anybody knows it is kept while it holds, and is forgotten with it")
  func earlyWords() throws {
    let dispatcher = Dispatcher()
    func say(_ state: ReplicaState?, _ address: String, in cluster: String = "c", until: Double, at now: Double = 0) {
      let word = ReplicaWord(
        state: state, load: LoadReport(inFlight: 7), said: .seconds(now), until: .seconds(until))
      dispatcher.hear(word, of: address, in: cluster, at: .seconds(now))
    }
    say(.draining, "a:1", until: 600)
    say(.gone, "b:1", until: 10)
    say(.draining, "d:1", in: "other", until: 600)
    let replicas = ["a:1", "b:1", "d:1"].map { ServiceReplica(address: $0, cluster: "c") }
    dispatcher.set(replicas, of: "s", from: .kubernetes, at: .seconds(20))
    func states(_ service: String) -> [String: ReplicaState]? {
      dispatcher.service(service).map { service in
        let replicas = service.status(at: .seconds(20)).replicas.map(\.replica)
        return Dictionary(uniqueKeysWithValues: replicas.map { ($0.address, $0.state) })
      }
    }
    #expect(states("s") == ["a:1": .draining, "b:1": .ready, "d:1": .ready])
    let load = dispatcher.service("s")?.status(at: .seconds(20)).replicas.first { $0.replica.address == "a:1" }
    #expect(load?.view.lastReport?.inFlight == 7 && load?.view.heard == .start)
    // A service that has it later hears of it as well; and what was taken back is.
    dispatcher.set([replicas[0]], of: "t", from: .kubernetes, at: .seconds(21))
    #expect(states("t") == ["a:1": .draining])
    say(nil, "a:1", until: 600, at: 22)
    dispatcher.set([replicas[0]], of: "u", from: .kubernetes, at: .seconds(23))
    #expect(states("s")?["a:1"] == .ready && states("u") == ["a:1": .ready])
    // Who has the address next is another.
    say(.draining, "a:1", until: 600, at: 24)
    for service in ["s", "t", "u"] { dispatcher.set([], of: service, from: .kubernetes, at: .seconds(25)) }
    dispatcher.set([replicas[0]], of: "s", from: .kubernetes, at: .seconds(26))
    #expect(states("s") == ["a:1": .ready])
    // What was said before anybody knew it counts no longer than it holds, unless it is said again.
    dispatcher.set([], of: "s", from: .kubernetes, at: .seconds(27))
    say(.draining, "a:1", until: 60, at: 30)
    say(.draining, "b:1", until: 60, at: 30)
    dispatcher.set(Array(replicas[0...1]), of: "s", from: .kubernetes, at: .seconds(31))
    say(.draining, "b:1", until: 60, at: 32)
    dispatcher.expire(at: .seconds(59))
    #expect(states("s") == ["a:1": .draining, "b:1": .draining])
    dispatcher.expire(at: .seconds(61))
    #expect(states("s") == ["a:1": .ready, "b:1": .draining])
  }

  @Test("what is kept of those that nobody knows has bounds, in all and for each cluster, and ends")
  func wordBounds() {
    var words = ReplicaWords()
    let word = ReplicaWord(state: .draining, load: nil, said: .start, until: .seconds(100))
    func say(_ address: String, in cluster: String, isOwn: Bool = false) {
      words.note(word, of: address, in: cluster, isOwn: isOwn, at: .start)
    }
    // Others, however many, leave the own cluster its part.
    for cluster in ["b", "c"] {
      for number in 0..<ReplicaWords.mostOfCluster + 10 { say("\(number):1", in: cluster) }
    }
    #expect(words.count == ReplicaWords.most - ReplicaWords.mostOfCluster)
    for number in 0..<ReplicaWords.mostOfCluster + 10 { say("\(number):1", in: "a", isOwn: true) }
    #expect(words.count == ReplicaWords.most)
    #expect(words.said(of: "0:1", at: .start).map(\.cluster).sorted() == ["a", "b"])
    words.forget("0:1")
    #expect(words.count == ReplicaWords.most - 2 && words.said(of: "0:1", at: .start).isEmpty)
    for number in 0..<2 { say("new-\(number):1", in: "c") }
    #expect(words.count == ReplicaWords.most - 1 && words.said(of: "new-1:1", at: .start).isEmpty)
    words.forget("new-0:1")
    say("new:1", in: "c")
    #expect(words.said(of: "new:1", at: .start).count == 1 && words.said(of: "new:1", at: .seconds(100)).isEmpty)
    words.expire(at: .seconds(101))
    #expect(words.count == 0)
  }
}
