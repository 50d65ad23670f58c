import Model
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import Overflow
@testable import Selection
@testable import SelectorServer

@Suite("Names of services", .timeLimit(.minutes(2)))
struct ServiceNamesTests {
  private func replica(_ number: Int) -> ServiceReplica { ServiceReplica(address: "10.0.0.1:\(1 + number % 60_000)") }

  @Test("registrations have a budget of names, which leaves room for what files and Kubernetes name")
  func budget() {
    var options = DispatcherOptions(policy: .random)
    options.mostServices = 30
    options.mostRegisteredServices = 10
    let dispatcher = Dispatcher(options)
    var taken = 0
    for number in 0..<25
    where dispatcher.register(
      [replica(number)], of: "made-up/\(number)", lifetime: .seconds(10), at: .start) == .taken
    { taken += 1 }
    #expect(taken == 10)
    #expect(dispatcher.refusedNames == 15)
    #expect(dispatcher.service("made-up/20") == nil)
    for number in 0..<25 { dispatcher.set([replica(number)], of: "true/\(number)", from: .kubernetes, at: .start) }
    #expect(dispatcher.directory.count == 30)
    #expect(
      dispatcher.register([replica(1)], of: "true/0", lifetime: .seconds(10), at: .start) == .taken,
      "a replica for a service that is there takes no name")
    // Their time is over, and others have the room.
    dispatcher.expire(at: .seconds(20))
    #expect(dispatcher.directory.count == 20)
    #expect(dispatcher.register([replica(1)], of: "made-up/30", lifetime: .seconds(10), at: .seconds(20)) == .taken)
  }

  @Test("a caller, or a peer, brings half of the names at most, and has room again for those that went")
  func budgetOfCaller() {
    var options = DispatcherOptions(policy: .random)
    options.mostRegisteredServices = 10
    let dispatcher = Dispatcher(options)
    let (greedy, other, peer) = (account("greedy"), account("other"), account("selector"))
    func register(_ number: Int, by caller: Caller, at now: Moment = .start) -> RegistrationStatus {
      dispatcher.register(
        [replica(number)], of: "made-up/\(number)", lifetime: .seconds(10), owner: caller.owner, by: caller.registrant,
        at: now)
    }
    #expect((0..<5).map { register($0, by: greedy) } == Array(repeating: .taken, count: 5))
    #expect((5..<8).map { register($0, by: greedy) } == Array(repeating: .tooManyServicesOfCaller, count: 3))
    #expect(register(0, by: other) == .taken, "it is there already, and counts for who brought it")
    #expect((10..<12).map { register($0, by: other) } == [.taken, .taken])
    // What another selector says is registered there counts for that one.
    let digest: Tonari_Selector_V1_Digest = .with {
      $0.selector = "two"
      $0.services = (20..<40).map { number in
        .with {
          $0.service = "made-up/\(number)"
          $0.replicas = [
            .with {
              $0.address = replica(number).address
              $0.registered = .with { $0.address = replica(number).address }
              $0.lifetimeMs = 10_000
            }
          ]
        }
      }
    }
    dispatcher.hear(digest, from: PeerLink(peer), at: .start)
    #expect(dispatcher.directory.count == 10)
    #expect((20..<40).count { dispatcher.service("made-up/\($0)") != nil } == 3)
    #expect(register(12, by: other) == .tooManyServices)
    dispatcher.set([replica(0)], of: "made-up/0", from: .kubernetes, at: .start)
    #expect(register(5, by: greedy) == .taken, "the one that is really there takes no room any more")
    dispatcher.expire(at: .seconds(20))
    #expect((0..<5).map { register($0 + 50, by: greedy, at: .seconds(20)) } == Array(repeating: .taken, count: 5))
    #expect(register(60, by: greedy, at: .seconds(20)) == .tooManyServicesOfCaller)
  }

  private func account(_ name: String) -> Caller {
    Caller(
      .serviceAccount(.init(namespace: "shop", name: name)), owner: UInt32(name.utf8.count), policy: .open)
  }

  @Test("leases end when they are said to, however often they are renewed, and numbers are used again")
  func leases() {
    let dispatcher = Dispatcher()
    for number in 0..<1000 {
      dispatcher.register([replica(number)], of: "s/\(number)", lifetime: .milliseconds(1000 + number), at: .start)
    }
    dispatcher.expire(at: .seconds(1.4995))
    #expect(dispatcher.directory.count == 500)
    for number in 500..<1000 {
      dispatcher.register([replica(number)], of: "s/\(number)", lifetime: .seconds(100), at: .seconds(1.4995))
    }
    dispatcher.expire(at: .seconds(50))
    #expect(dispatcher.directory.count == 500)
    dispatcher.expire(at: .seconds(102))
    #expect(dispatcher.directory.count == 0)
    dispatcher.register([replica(1)], of: "again", lifetime: .seconds(1), at: .seconds(102))
    #expect(dispatcher.service("again")!.number <= 1000)
  }

  @Test("services come by the thousand and go while somebody holds each directory there is")
  func many() {
    let dispatcher = Dispatcher(DispatcherOptions(policy: .random))
    let count = 20_000
    // With a copy of the directory for each of them this takes longer than the test has.
    for number in 0..<count {
      let before = dispatcher.directory
      dispatcher.set([replica(number)], of: "s/\(number)", from: .kubernetes, at: .start)
      if number % 1000 == 0 { #expect(before.count == number) }
    }
    for number in 0..<count {
      let before = dispatcher.directory
      dispatcher.set([], of: "s/\(number)", from: .kubernetes, at: .start)
      if number % 1000 == 0 { #expect(before.count == count - number) }
    }
    #expect(dispatcher.directory.count == 0)
  }

  @Test("peers that make up names of selectors count only so far")
  func peers() {
    var options = DispatcherOptions()
    options.mostPeers = 5
    let dispatcher = Dispatcher(options)
    dispatcher.set([replica(1)], of: "s", from: .file, at: .start)
    for number in 0..<50 {
      dispatcher.hear(
        .with {
          $0.selector = "peer-\(number)"
          $0.services = [
            .with {
              $0.service = "s"
              $0.replicas = [
                .with {
                  $0.address = replica(1).address
                  $0.inFlight = 1
                }
              ]
            }
          ]
        }, at: .start)
    }
    #expect(dispatcher.service("s")!.status(at: .start).replicas.map(\.view.othersInFlight).reduce(0, +) == 5)
  }

  @Test("another name of a service is not given away to who registers under it, before or after")
  func claimedAliases() throws {
    let dispatcher = Dispatcher()
    func register(at now: Moment) {
      dispatcher.register([replica(9)], of: "shop/cart:80", lifetime: .seconds(10), at: now)
    }
    register(at: .start)
    let claimed = try #require(dispatcher.service("shop/cart:80"))
    dispatcher.set([replica(1)], of: "shop/cart", from: .kubernetes, at: .start)
    #expect(dispatcher.directory.named("shop/cart:80") == nil)
    dispatcher.set(aliases: ["shop/cart:80"], of: "shop/cart")
    let service = try #require(dispatcher.service("shop/cart"))
    #expect(dispatcher.service("shop/cart:80") === service && dispatcher.directory.named("shop/cart:80") === service)
    #expect(dispatcher.report(LoadReport(inFlight: 5), of: replica(9).address, at: .start) == 1)
    #expect(claimed.status(at: .start).replicas.first?.view.lastReport?.inFlight == 5, "it is known still by its own")
    // Renewed, it is one of the service that is meant.
    register(at: .seconds(5))
    dispatcher.expire(at: .seconds(11))
    #expect(service.tally.replicas == 2 && dispatcher.directory.count == 1)
    dispatcher.expire(at: .seconds(16))
    #expect(service.tally.replicas == 1)
    // What a file names is a service of its own, and stays one when others register, too.
    dispatcher.set([replica(3)], of: "shop/cart:80", from: .file, at: .seconds(16))
    register(at: .seconds(16))
    #expect(dispatcher.service("shop/cart:80")?.tally.replicas == 2 && dispatcher.directory.hasPorts("shop/cart"))
    // When the file does not any more, it is one that somebody registered.
    dispatcher.set([], of: "shop/cart:80", from: .file, at: .seconds(17))
    #expect(dispatcher.service("shop/cart:80") === service && !dispatcher.directory.hasPorts("shop/cart"))
  }

  @Test("what another selector calls otherwise is the service of that other name")
  func aliasesOfPeers() throws {
    let (one, two) = (Dispatcher(), Dispatcher())
    one.register([replica(7)], of: "shop/cart:80", lifetime: .seconds(10), at: .start)
    let answer = PickAnswer()
    for _ in 0..<3 { _ = one.service("shop/cart:80")?.pick(PickQuery(), owner: 0, at: .start, into: answer) }
    two.set([replica(1)], of: "shop/cart", from: .kubernetes, at: .start)
    two.set(aliases: ["shop/cart:80"], of: "shop/cart")
    two.hear(one.digest(of: "one", at: .start), at: .start)
    let replicas = try #require(two.service("shop/cart")).status(at: .start).replicas.sorted {
      $0.replica.address < $1.replica.address
    }
    #expect(two.directory.count == 1 && replicas.map(\.replica.address) == [replica(1), replica(7)].map(\.address))
    #expect(replicas.map(\.view.othersInFlight) == [0, 3])
  }

  @Test("what somebody registers counts against its budget though a policy adds gateways to it")
  func gateways() {
    var options = DispatcherOptions(policy: .random)
    options.mostRegisteredServices = 10
    let dispatcher = Dispatcher(options)
    dispatcher.set([replica(0)], of: "shop/cart", from: .kubernetes, at: .start)
    let neighbour = ServiceOverflow.Neighbour(name: "b", gateway: "10.9.9.9:443")
    dispatcher.set(
      ["shop/cart": ServiceOverflow(cluster: "a", capacity: .perMinute(60), neighbours: [neighbour])], at: .start)
    for round in 0..<3 {
      let now = Moment.seconds(Double(round))
      let taken = (0..<20).count { number in
        let name = "shop/cart:\(20 * round + number)x"
        return dispatcher.register([replica(number)], of: name, lifetime: .seconds(0.5), at: now) == .taken
      }
      #expect(taken > 0 && dispatcher.directory.count == 1 + taken, "in round \(round)")
      dispatcher.expire(at: now + .milliseconds(900))
      #expect(dispatcher.directory.count == 1, "nothing is left of what nobody registers any more")
    }
    #expect(!dispatcher.directory.hasPorts("shop/cart"))
  }

  @Test("a service is found by other names that it is given, registrations by these are its own, and they go with it")
  func aliases() throws {
    let dispatcher = Dispatcher()
    dispatcher.set([replica(1)], of: "shop/cart", from: .kubernetes, at: .start)
    let version = dispatcher.directoryVersion
    dispatcher.set(aliases: ["shop/cart:http", "shop/cart:8080"], of: "shop/cart")
    #expect(dispatcher.directoryVersion != version, "whoever keeps a directory has to look again")
    let service = try #require(dispatcher.service("shop/cart"))
    #expect(dispatcher.service("shop/cart:http") === service && dispatcher.directory["shop/cart:8080"] === service)
    #expect(dispatcher.directory.count == 1 && dispatcher.status(at: .start).count == 1)
    #expect(dispatcher.register([replica(2)], of: "shop/cart:http", lifetime: .seconds(10), at: .start) == .taken)
    #expect(service.tally.replicas == 2 && dispatcher.directory.count == 1)
    dispatcher.deregister([replica(2).address], of: "shop/cart:8080", drains: false, at: .start)
    #expect(service.tally.replicas == 1)

    dispatcher.set(aliases: ["shop/cart:http"], of: "shop/cart")
    #expect(dispatcher.service("shop/cart:8080") == nil)
    // Who has a name for its own is meant by it.
    dispatcher.set([replica(3)], of: "shop/cart:http", from: .file, at: .start)
    #expect(dispatcher.service("shop/cart:http")?.name == "shop/cart:http")
    #expect(dispatcher.directory.hasPorts("shop/cart"))
    dispatcher.set([], of: "shop/cart:http", from: .file, at: .start)
    #expect(dispatcher.service("shop/cart:http") === service && !dispatcher.directory.hasPorts("shop/cart"))
    dispatcher.set([], of: "shop/cart", from: .kubernetes, at: .start)
    #expect(dispatcher.service("shop/cart:http") == nil && dispatcher.directory.count == 0)
    dispatcher.set([replica(1)], of: "shop/cart", from: .kubernetes, at: .start)
    #expect(dispatcher.service("shop/cart:http")?.name == "shop/cart", "as long as they are not taken back")
  }
}
