import Selection
import SelectorProtocol
import Testing

@testable import Dispatching

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
}
