import Model
import SelectorProtocol
import Testing

@testable import Selection
@testable import SelectorServer

@Suite("A dispatcher")
struct DispatcherTests {
  let answer = PickAnswer()

  private func dispatcher(_ addresses: [String], _ options: DispatcherOptions = DispatcherOptions()) -> Dispatcher {
    let dispatcher = Dispatcher(options)
    dispatcher.set(addresses.map { ServiceReplica(address: $0) }, of: "shop/cart", from: .file, at: .start)
    return dispatcher
  }

  private func service(_ dispatcher: Dispatcher, _ name: String = "shop/cart") throws -> DispatchedService {
    try #require(dispatcher.service(name))
  }

  @Test("names a replica and counts its request as in flight until it is completed")
  func picksAndCompletes() throws {
    let dispatcher = dispatcher(["10.0.0.1:80", "10.0.0.2:80"])
    let service = try service(dispatcher)
    #expect(service.pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked)
    let first = (address: answer.addressString(0), id: answer.id)
    #expect(dispatcher.directory.service(ofPick: first.id) === service)
    #expect(service.pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked)
    #expect(Set([first.address, answer.addressString(0)]) == ["10.0.0.1:80", "10.0.0.2:80"])
    #expect(service.status(at: .start).replicas.map(\.view.inFlight) == [1, 1])
    #expect(service.complete(first.id, .success, at: .seconds(1)))
    #expect(!service.complete(first.id, .success, at: .seconds(1)), "a pick is completed once")
    let status = service.status(at: .seconds(1))
    #expect(status.openPicks == 1)
    #expect(status.replicas.first { $0.replica.address == first.address }?.view.inFlight == 0)
    #expect(status.counts.succeeded == 1)
    #expect(status.counts.total == 2)
  }

  @Test("does what every policy is named for", arguments: PolicyName.allCases)
  func everyPolicyPicks(_ policy: PolicyName) throws {
    let service = try service(dispatcher(["a:1", "b:1", "c:1"], DispatcherOptions(policy: policy)))
    var seen: Set<String> = []
    for _ in 0..<60 {
      #expect(service.pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked)
      seen.insert(answer.addressString(0))
    }
    #expect(seen == ["a:1", "b:1", "c:1"])
    #expect(service.status(at: .start).policy == policy)
  }

  @Test("names alternatives that differ, and leaves out what was tried")
  func alternatives() throws {
    let service = try service(dispatcher(["a:1", "b:1", "c:1", "d:1"]))
    #expect(service.pick(PickQuery(excluded: ["b:1"], alternatives: 3), owner: 0, at: .start, into: answer) == .picked)
    #expect((0..<answer.count).map(answer.addressString).sorted() == ["a:1", "c:1", "d:1"])
    #expect(service.status(at: .start).openPicks == 1, "an alternative is not in flight")
    #expect(service.status(at: .start).replicas.map(\.view.inFlight).reduce(0, +) == 1)
  }

  @Test("an alternative that served a request gets the credit, and the picked replica the blame")
  func servedByAnother() throws {
    let service = try service(dispatcher(["a:1", "b:1"]))
    #expect(service.pick(PickQuery(alternatives: 1), owner: 0, at: .start, into: answer) == .picked)
    let (picked, other) = (answer.addressString(0), answer.addressString(1))
    service.complete(answer.id, .success, servedBy: other, at: .seconds(1))
    let status = service.status(at: .seconds(1)).replicas
    #expect(status.first { $0.replica.address == picked }?.failures == 1)
    #expect(status.first { $0.replica.address == other }?.failures == 0)
    #expect(status.map(\.view.inFlight) == [0, 0])
  }

  @Test("labels restrict a pick; one that nobody has finds nobody")
  func labels() throws {
    let dispatcher = Dispatcher()
    dispatcher.set(
      [ServiceReplica(address: "a:1", labels: ["version=1"]), ServiceReplica(address: "b:1", labels: ["version=2"])],
      of: "s", from: .file, at: .start)
    let service = try service(dispatcher, "s")
    for _ in 0..<20 {
      #expect(service.pick(PickQuery(labels: ["version=2"]), owner: 0, at: .start, into: answer) == .picked)
      #expect(answer.addressString(0) == "b:1")
    }
    #expect(service.pick(PickQuery(labels: ["version=3"]), owner: 0, at: .start, into: answer) == .noReplica)
    #expect(service.status(at: .start).counts.none == 1)
    #expect(service.status(at: .start).replicas.map(\.replica.labels) == [["version=1"], ["version=2"]])
  }

  @Test("retries stop when the budget is used up, and other requests bring it back")
  func retryBudget() throws {
    let options = DispatcherOptions(retryShare: 1, retriesPerSecond: 0)
    let service = try service(dispatcher(["a:1"], options))
    var allowed = 0
    while service.pick(PickQuery(isRetry: true), owner: 0, at: .start, into: answer) == .picked { allowed += 1 }
    #expect(allowed == 10)
    #expect(service.pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked)
    #expect(service.pick(PickQuery(isRetry: true), owner: 0, at: .start, into: answer) == .picked)
    #expect(service.pick(PickQuery(isRetry: true), owner: 0, at: .start, into: answer) == .noRetryLeft)
    #expect(service.status(at: .start).counts.refusedRetries == 2)
  }

  @Test("picks of somebody who is gone are cancelled, others' stay")
  func abandon() throws {
    let dispatcher = dispatcher(["a:1", "b:1"])
    let service = try service(dispatcher)
    let (one, other) = (dispatcher.newOwner(), dispatcher.newOwner())
    for owner in [one, other, one, one] { _ = service.pick(PickQuery(), owner: owner, at: .start, into: answer) }
    dispatcher.abandon(owner: one, at: .seconds(1))
    let status = service.status(at: .seconds(1))
    #expect(status.openPicks == 1)
    #expect(status.counts.cancelled == 3)
    #expect(status.replicas.map(\.view.inFlight).reduce(0, +) == 1)
  }

  @Test("a pick that nobody completes is let go after its lifetime, the younger ones stay")
  func expiry() throws {
    let dispatcher = dispatcher(["a:1"], DispatcherOptions(pickLifetime: .seconds(10)))
    let service = try service(dispatcher)
    _ = service.pick(PickQuery(), owner: 0, at: .start, into: answer)
    let old = answer.id
    _ = service.pick(PickQuery(), owner: 0, at: .seconds(5), into: answer)
    dispatcher.expire(at: .seconds(11))
    #expect(service.status(at: .seconds(11)).openPicks == 1)
    #expect(service.status(at: .seconds(11)).counts.expired == 1)
    #expect(!service.complete(old, .success, at: .seconds(11)))
    #expect(service.complete(answer.id, .success, at: .seconds(11)))
  }

  @Test("an old pick's id is never taken for that of the pick that has its place now")
  func idsAreNotMixedUp() throws {
    let service = try service(dispatcher(["a:1"]))
    var old: Set<UInt64> = []
    for _ in 0..<1000 {
      _ = service.pick(PickQuery(), owner: 0, at: .start, into: answer)
      #expect(answer.id != 0)
      #expect(old.insert(answer.id).inserted)
      service.complete(answer.id, .success, at: .start)
    }
    _ = service.pick(PickQuery(), owner: 0, at: .start, into: answer)
    for id in old { #expect(!service.complete(id, .failure, at: .start)) }
    #expect(service.status(at: .start).openPicks == 1)
  }

  @Test("any id is answered, known or not", arguments: [0, 1, .max, 1 << 44, (1 << 44) - 1, 1 << 63] as [UInt64])
  func unknownIDs(_ id: UInt64) throws {
    let dispatcher = dispatcher(["a:1"])
    #expect(try !service(dispatcher).complete(id, .success, at: .start))
    #expect(dispatcher.directory.service(ofPick: id).map { $0.complete(id, .success, at: .start) } != true)
  }

  @Test("in-flight counts return to zero whatever happens in between")
  func nothingLeaks() throws {
    let dispatcher = dispatcher((0..<5).map { "10.0.0.\($0):80" }, DispatcherOptions(pickLifetime: .seconds(2)))
    let service = try service(dispatcher)
    var generator = SeededGenerator(seed: 7)
    var open: [UInt64] = []
    var now = Moment.start
    let owners = (0..<4).map { _ in dispatcher.newOwner() }
    for step in 0..<20_000 {
      now.nanoseconds += 1_000_000
      switch generator.next() % 20 {
      case 0: dispatcher.abandon(owner: owners[step % 4], at: now)
      case 1: dispatcher.expire(at: now)
      case 2:
        let addresses = (0..<5).filter { _ in generator.next() % 4 > 0 }.map { "10.0.0.\($0):80" } + ["10.0.1.1:80"]
        dispatcher.set(addresses.map { ServiceReplica(address: $0) }, of: "shop/cart", from: .file, at: now)
      case 3..<12:
        if service.pick(PickQuery(), owner: owners[step % 4], at: now, into: answer) == .picked {
          open.append(answer.id)
        }
      default:
        guard !open.isEmpty else { continue }
        let id = open.remove(at: Int(generator.next() % UInt64(open.count)))
        service.complete(id, Outcome.allCases[step % 3], servedBy: step % 7 == 0 ? "10.0.0.1:80" : nil, at: now)
      }
    }
    for id in open { service.complete(id, .success, at: now) }
    let status = service.status(at: now)
    #expect(status.openPicks == 0)
    #expect(status.replicas.allSatisfy { $0.view.inFlight == 0 })
    let ended = status.counts.succeeded + status.counts.failed + status.counts.cancelled + status.counts.expired
    #expect(ended == status.counts.total)
  }

  @Test("many threads pick and complete while replicas change, and nothing is lost")
  func manyThreads() async throws {
    let dispatcher = dispatcher((0..<20).map { "10.0.0.\($0):80" })
    let service = try service(dispatcher)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let answer = PickAnswer()
          for _ in 0..<2000 where service.pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked {
            service.complete(answer.id, .success, at: .seconds(1e-3))
          }
        }
      }
      group.addTask {
        for round in 0..<100 {
          let replicas = (0..<20).map { ServiceReplica(address: "10.0.\(round % 3).\($0):80") }
          dispatcher.set(replicas, of: "shop/cart", from: .file, at: .start)
        }
      }
    }
    let status = service.status(at: .start)
    #expect(status.counts.succeeded == 8000)
    #expect(status.openPicks == 0)
    #expect(status.replicas.allSatisfy { $0.view.inFlight == 0 })
    #expect(status.revision == 100)
  }

  @Test("tells what changed of who is there, and lets replicas back after their rest though nobody picks")
  func standing() throws {
    let dispatcher = dispatcher(
      ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"], DispatcherOptions(policy: .roundRobin))
    let service = try service(dispatcher)
    var before = service.standing
    #expect(before.members == ServiceStanding.Members(revision: 1, ejections: 0, ejected: 0))
    for _ in 0..<9 {
      #expect(service.pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked)
      service.complete(answer.id, answer.addressString(0) == "10.0.0.1:80" ? .failure : .success, at: .start)
    }
    #expect(service.standing.members == ServiceStanding.Members(revision: 1, ejections: 1, ejected: 1))
    #expect(service.standing.activity == before.activity + 18, "picks and completions")
    dispatcher.expire(at: .seconds(100))
    #expect(service.standing.members == ServiceStanding.Members(revision: 1, ejections: 1, ejected: 0))
    before = service.standing
    #expect(service.report(LoadReport(inFlight: 1), of: "10.0.0.1:80", at: .seconds(100)))
    #expect(service.standing.activity == before.activity + 1 && service.standing.members == before.members)
    dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: "shop/cart", from: .file, at: .seconds(100))
    #expect(service.standing.members.revision == 2)
  }

  @Test("tells how often an address was picked, over all services that have it, and hears of its load in those alone")
  func addresses() throws {
    let dispatcher = dispatcher(["10.0.0.1:80"])
    for name in ["a", "b"] {
      dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: name, from: .file, at: .start)
      #expect(try service(dispatcher, name).pick(PickQuery(), owner: 0, at: .start, into: answer) == .picked)
    }
    #expect(dispatcher.picks(of: "10.0.0.1:80") == 2)
    #expect(dispatcher.report(LoadReport(inFlight: 1), of: "10.0.0.1:80", at: .start) == 3)
    dispatcher.set([], of: "a", from: .file, at: .start)
    dispatcher.set([ServiceReplica(address: "10.0.0.2:80")], of: "b", from: .file, at: .start)
    #expect(dispatcher.picks(of: "10.0.0.1:80") == 0)
    #expect(dispatcher.report(LoadReport(inFlight: 1), of: "10.0.0.1:80", at: .start) == 1)
    #expect(dispatcher.report(LoadReport(inFlight: 1), of: "10.0.0.2:80", at: .start) == 1)
    #expect(dispatcher.report(LoadReport(inFlight: 1), of: "10.0.0.3:80", at: .start) == 0)
  }
}
