import Daemon
import Foundation
import Overflow
import Selection
import SelectorProtocol
import SelectorServer
import SwiftProtobuf
import Synchronization
import Testing

@testable import TonariClient

@Suite(.timeLimit(.minutes(2)))
struct SelectorClientTests {
  private typealias Envelope = Tonari_Selector_V1_Envelope

  private let dispatcher = Dispatcher(DispatcherOptions(policy: .leastRequest))
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "c-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    dispatcher.set(Self.replicas, of: "shop/cart", from: .file, at: .now)
  }

  private static let replicas = [ServiceReplica(address: "10.0.0.1:80"), ServiceReplica(address: "10.0.0.2:80")]

  private func path(_ name: String = "s") -> String { folder.appending(path: name).path }

  /// Answers as a selector does, for a dispatcher; a watch is answered once.
  private static func answers(_ dispatcher: Dispatcher) -> ScriptedSelector.Script {
    let messages = SelectorMessages(dispatcher)
    let caller = Caller(.local, owner: dispatcher.newOwner(), policy: .open)
    return { request in
      guard case .watch(let watch) = request.message else {
        return [messages.answer(request, by: caller, at: .now, using: PickAnswer())].compactMap { $0 }
      }
      guard var watch = try? ServiceWatch(watch, dispatcher) else { return [] }
      return watch.changes(at: .now).map { status in .with { ($0.id, $0.watched) = (request.id, status) } }
    }
  }

  private func selector(
    _ name: String = "s", _ script: ScriptedSelector.Script? = nil
  ) async throws -> ScriptedSelector {
    try await ScriptedSelector(path: path(name), script ?? Self.answers(dispatcher))
  }

  /// Runs a client for as long as some work takes.
  private func running<Answer: Sendable>(
    _ names: [String] = ["s"], _ change: (inout SelectorClient.Configuration) -> Void = { _ in },
    _ work: @escaping @Sendable (SelectorClient) async throws -> Answer
  ) async throws -> Answer {
    defer { try? FileManager.default.removeItem(at: folder) }
    var configuration = SelectorClient.Configuration(addresses: names.map { .unix(path: path($0)) })
    configuration.timeout = .seconds(20)
    change(&configuration)
    let client = SelectorClient(configuration)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await client.run() }
      let answer = try await work(client)
      tasks.cancelAll()
      return answer
    }
  }

  private var status: ServiceStatus? { dispatcher.service("shop/cart")?.status(at: .now) }

  /// Waits until something holds; answers whether it did in time.
  private static func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < end {
      if try await condition() { return true }
      try? await Task.sleep(for: .milliseconds(2))
    }
    return try await condition()
  }

  @Test("What was sent on once goes no further, and who is turned away learns when to try again")
  func hops() async throws {
    let neighbour = ServiceOverflow.Neighbour(name: "b", capacity: .perMinute(60_000), gateway: "10.9.9.9:443")
    dispatcher.set(
      ["shop/cart": ServiceOverflow(cluster: "a", capacity: .perMinute(60), neighbours: [neighbour])], at: .now)
    let selector = try await selector()
    try await running { client in
      // The first ones stay; then the cluster is full.
      var sentOn: TonariClient.Pick?
      for _ in 0..<50 where sentOn == nil {
        let pick = try await client.pick("shop/cart")
        if pick.hops > 0 { sentOn = pick } else { #expect(pick.address != "10.9.9.9:443") }
      }
      #expect(sentOn?.hops == 1 && sentOn?.address == "10.9.9.9:443")
      let error = await #expect(throws: SelectorClientError.self) {
        for _ in 0..<50 {
          let pick = try await client.pick("shop/cart", PickOptions(hops: 1))
          #expect(pick.address != "10.9.9.9:443" && pick.hops == 1)
        }
      }
      #expect(error?.code == .noRoom)
      #expect(error?.retryAfter ?? .zero > .zero)
    }
    try await selector.close()
  }

  @Test("A fallback pick counts the way to another cluster, and goes no further")
  func fallbackHops() async throws {
    dispatcher.set([ServiceReplica(address: "10.0.0.1:80", cluster: "a")], of: "shop/cart", from: .file, at: .now)
    let neighbour = ServiceOverflow.Neighbour(name: "b", capacity: .perMinute(60_000), gateway: "10.9.9.9:443")
    dispatcher.set(
      ["shop/cart": ServiceOverflow(cluster: "a", capacity: .perMinute(60_000), neighbours: [neighbour])], at: .now)
    let selector = try await selector()
    try await running {
      $0.firstWait = .seconds(60)
      $0.longestWait = .seconds(60)
    } _: { client in
      _ = try await client.pick("shop/cart")
      #expect(await Self.eventually { client.knows("shop/cart") })
      try await selector.close()
      #expect(await Self.eventually { !client.isConnected })
      let near = try await client.pick("shop/cart", PickOptions(hops: 1))
      #expect(near.isFallback && near.address == "10.0.0.1:80" && near.hops == 1)
      let far = try await client.pick("shop/cart", PickOptions(excluded: ["10.0.0.1:80"]))
      #expect(far.isFallback && far.address == "10.9.9.9:443" && far.hops == 1)
      await #expect(throws: SelectorClientError.self) {
        try await client.pick(
          "shop/cart", PickOptions(excluded: ["10.0.0.1:80"], hops: 1, timeout: .milliseconds(50)))
      }
    }
  }

  @Test("Many picks at a time share a connection, and are completed")
  func many() async throws {
    let selector = try await selector()
    let addresses = try await running { client in
      try await withThrowingTaskGroup(of: String.self) { tasks in
        for _ in 0..<2000 {
          tasks.addTask {
            try await client.withReplica(of: "shop/cart") { pick in
              #expect(!pick.isFallback)
              return pick.address
            }
          }
        }
        return try await tasks.reduce(into: Set<String>()) { $0.insert($1) }
      }
    }
    #expect(addresses == ["10.0.0.1:80", "10.0.0.2:80"])
    #expect(selector.connectionCount == 1)
    let isComplete = await Self.eventually { status?.counts.succeeded == 2000 && status?.openPicks == 0 }
    #expect(isComplete)
    try await selector.close()
  }

  @Test("A pick is completed as its work ends")
  func outcomes() async throws {
    let selector = try await selector()
    struct Broken: Error {}
    try await running { client in
      await #expect(throws: Broken.self) { try await client.withReplica(of: "shop/cart") { _ in throw Broken() } }
      await #expect(throws: CancellationError.self) {
        try await client.withReplica(of: "shop/cart") { _ in throw CancellationError() }
      }
      let pick = try await client.pick("shop/cart", PickOptions(alternatives: 2))
      #expect(pick.alternatives.count == 1 && pick.alternatives.first != pick.address)
      client.complete(
        pick, .success, latency: .milliseconds(5), servedBy: pick.alternatives.first, load: ReplicaLoad(inFlight: 3))
      let isComplete = await Self.eventually {
        guard let counts = status?.counts else { return false }
        return counts.failed == 1 && counts.cancelled == 1 && counts.succeeded == 1
      }
      #expect(isComplete)
      let served = status?.replicas.first { $0.replica.address == pick.alternatives.first }
      #expect(served?.view.lastReport?.inFlight == 3)
    }
    try await selector.close()
  }

  @Test("What the selector says against a pick is an error with its code")
  func errors() async throws {
    let selector = try await selector { request in
      [.with { ($0.id, $0.error.code, $0.error.message) = (request.id, UInt32(request.pick.service) ?? 0, "why") }]
    }
    try await running { client in
      let codes: [(String, SelectorClientError.Code)] = [
        ("3", .invalidRequest), ("5", .noService), ("8", .noRetryLeft), ("14", .noReplica), ("99", .invalidRequest),
      ]
      for (service, code) in codes {
        await #expect(throws: SelectorClientError(code, "why")) { try await client.pick(service) }
      }
    }
    try await selector.close()
  }

  @Test("While the selector is away, the client picks from what it heard last, and asks again when it is back")
  func fallback() async throws {
    let first = try await selector()
    let path = path()
    let answers = Self.answers(dispatcher)
    try await running { client in
      let pick = try await client.pick("shop/cart")
      #expect(!pick.isFallback)
      // Once the service is watched, its replicas are known.
      let isWatched = await Self.eventually { first.requests.contains { $0.watch.services == ["shop/cart"] } }
      #expect(isWatched)
      try await first.close()
      var counts: [String: Int] = [:]
      let isAway = try await Self.eventually { try await client.pick("shop/cart").isFallback }
      #expect(isAway)
      for _ in 0..<100 {
        let pick = try await client.pick("shop/cart")
        #expect(pick.isFallback)
        counts[pick.address, default: 0] += 1
      }
      #expect(counts.count == 2 && counts.values.allSatisfy { $0 > 40 }, "\(counts)")
      client.complete(pick, .success)
      let second = try await ScriptedSelector(path: path, answers)
      let isBack = try await Self.eventually { try await !client.pick("shop/cart").isFallback }
      #expect(isBack)
      #expect(!second.requests.contains { $0.complete.pickID != 0 }, "picks of another connection are not completed")
      try await second.close()
    }
  }

  @Test("Where nothing is known of a service and no selector is there, a pick fails in its time")
  func unreachable() async throws {
    _ = try await running { client in
      await #expect {
        try await client.pick("shop/cart", PickOptions(timeout: .milliseconds(30)))
      } throws: {
        ($0 as? SelectorClientError)?.code == .timedOut
      }
    }
  }

  @Test("A pick waits for a selector that begins in time")
  func begins() async throws {
    let path = path()
    let answers = Self.answers(dispatcher)
    try await running { client in
      let pick = Task { try await client.pick("shop/cart") }
      try await Task.sleep(for: .milliseconds(20))
      let selector = try await ScriptedSelector(path: path, answers)
      let address = try await pick.value.address
      #expect(address.hasPrefix("10.0.0."))
      try await selector.close()
    }
  }

  @Test("A pick whose answer comes too late is completed as cancelled")
  func late() async throws {
    let late = Shared<[Envelope]>([])
    let answers = Self.answers(dispatcher)
    // Answers a pick with a key only with the next one without.
    let selector = try await selector { request in
      if case .watch = request.message { return [] }
      guard case .pick(let pick) = request.message else { return answers(request) }
      return late.value.withLock { late in
        late += answers(request)
        defer { if pick.key.isEmpty { late = [] } }
        return pick.key.isEmpty ? late : []
      }
    }
    try await running { client in
      let cancelled = Task { try await client.pick("shop/cart", PickOptions(key: [1])) }
      let isAsked = await Self.eventually { selector.requests.contains { !$0.pick.key.isEmpty } }
      #expect(isAsked)
      cancelled.cancel()
      await #expect(throws: CancellationError.self) { try await cancelled.value }
      let pick = try await client.pick("shop/cart")
      let isCancelled = await Self.eventually {
        selector.requests.contains { $0.complete.outcome == .cancelled && $0.complete.pickID != 0 }
      }
      #expect(isCancelled)
      let isOpen = await Self.eventually { status?.openPicks == 1 }
      #expect(isOpen)
      client.complete(pick, .success)
    }
    try await selector.close()
  }

  @Test("A connection on which nothing comes in while somebody waits is left")
  func stalled() async throws {
    let answers = Self.answers(dispatcher)
    let selector = try await selector { request in
      if case .pick = request.message { return [] }
      return answers(request)
    }
    try await running { client in
      // The first one may hear of the watched service meanwhile; then there is nothing more to hear.
      let isLeft = await Self.eventually {
        _ = try? await client.pick("shop/cart", PickOptions(timeout: .milliseconds(50)))
        return selector.connectionCount > 1
      }
      #expect(isLeft)
    }
    try await selector.close()
  }

  @Test("A selector that answers nobody is left")
  func silent() async throws {
    let silent = try await selector("silent") { _ in [] }
    let other = try await selector("other")
    try await running(["silent", "other"], { $0.connectTimeout = .milliseconds(500) }) { client in
      let pick = try await client.pick("shop/cart")
      #expect(!pick.isFallback)
    }
    #expect(silent.connectionCount >= 1 && other.connectionCount >= 1)
    try await silent.close()
    try await other.close()
  }

  @Test(
    "Bytes that are no frames end the connection, and the client comes again", arguments: [[1], [0, 255, 0, 0, 0]])
  func garbage(bytes: [UInt8]) async throws {
    let selector = try await selector()
    try await running { client in
      _ = try await client.pick("shop/cart")
      selector.say(bytes)
      let isBack = await Self.eventually { selector.connectionCount == 2 }
      #expect(isBack)
      let isPicked = try await Self.eventually { try await !client.pick("shop/cart").isFallback }
      #expect(isPicked)
    }
    try await selector.close()
  }

  @Test("No pick fails while selectors are restarted one after the other, though a new one knows nothing at first")
  func rollingRestart() async throws {
    let names = ["one", "two"]
    let paths = names.map(path)
    try await running(names, { $0.longestWait = .milliseconds(50) }) { client in
      var selectors = [try await RunningSelector(path: paths[0]), try await RunningSelector(path: paths[1])]
      for selector in selectors { selector.dispatcher.set(Self.replicas, of: "shop/cart", from: .file, at: .now) }
      // The first pick of a service needs a selector; from then on it is known.
      _ = try await client.pick("shop/cart")
      let isKnown = await Self.eventually { client.knows("shop/cart") }
      #expect(isKnown)
      let isOver = Shared(false)
      let load = Task {
        try await withThrowingTaskGroup(of: Int.self) { tasks in
          for _ in 0..<8 {
            tasks.addTask {
              var picks = 0
              while !isOver.value.withLock({ $0 }) {
                try await client.withReplica(of: "shop/cart") { _ in await Task.yield() }
                picks += 1
              }
              return picks
            }
          }
          return try await tasks.reduce(0, +)
        }
      }
      for round in 0..<6 {
        try await selectors[round % 2].end()
        selectors[round % 2] = try await RunningSelector(path: paths[round % 2])
        for _ in 0..<50 { try await client.withReplica(of: "shop/cart") { _ in } }
        selectors[round % 2].dispatcher.set(Self.replicas, of: "shop/cart", from: .file, at: .now)
        let isAsked = try await Self.eventually {
          try await !client.withReplica(of: "shop/cart") { $0.isFallback }
        }
        #expect(isAsked)
      }
      isOver.value.withLock { $0 = true }
      let picks = try await load.value
      #expect(picks > 0)
      for selector in selectors { try await selector.end() }
    }
  }

  @Test("A client that has ended picks no more")
  func ended() async throws {
    let selector = try await selector()
    let client = try await running { client in
      _ = try await client.pick("shop/cart")
      return client
    }
    await #expect {
      try await client.pick("shop/cart")
    } throws: {
      ($0 as? SelectorClientError)?.code == .closed
    }
    try await selector.close()
  }
}

/// A value that tasks share.
private final class Shared<Value: Sendable>: Sendable {
  let value: Mutex<Value>

  init(_ value: Value) {
    self.value = Mutex(value)
  }
}
