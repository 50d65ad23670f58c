import EnvoyProtocol
import GRPCCore
import Model
import SwiftProtobuf
import Testing

@testable import SelectorServer

/// What there is to tell, by resource; others are not there.
private typealias World = [String: DiscoveredEndpoints]

private func version(_ text: String) -> DiscoveredEndpoints {
  .assignment(version: text, .with { $0.value = .init(text.utf8) })
}

extension World {
  fileprivate func endpoints(_ name: String) -> DiscoveredEndpoints { self[name] ?? .absent }
}

@Suite("A subscription to the state of the world")
struct StateOfTheWorldSubscriptionTests {
  private typealias Request = Envoy_Service_Discovery_V3_DiscoveryRequest
  private var subscription = StateOfTheWorldSubscription()

  private mutating func ask(_ names: [String], nonce: String = "", error: String? = nil) throws -> HeardRequest {
    var heard = try subscription.hear(
      Request.with {
        $0.resourceNames = names
        $0.responseNonce = nonce
        if let error { $0.errorDetail.message = error }
      })
    heard.subscribed.sort()
    heard.unsubscribed.sort()
    return heard
  }

  private mutating func told(_ world: World) -> [String]? {
    subscription.next(world.endpoints)?.resources.map { String(decoding: $0.value, as: UTF8.self) }
  }

  @Test("is answered with what is there, without what is not, and with that when it appears")
  mutating func absent() throws {
    #expect(try ask(["a", "b"]) == HeardRequest(subscribed: ["a", "b"]))
    #expect(told(["a": version("a1")]) == ["a1"])
    #expect(told(["a": version("a1")]) == nil)
    #expect(try ask(["a", "b"], nonce: "1") == HeardRequest())
    #expect(told(["a": version("a1"), "b": version("b1")]) == nil, "nothing was marked")
    subscription.mark("b")
    #expect(told(["a": version("a1"), "b": version("b1")]) == ["b1"])
  }

  @Test("is answered although nothing that it names is there, once")
  mutating func nothing() throws {
    _ = try ask(["a"])
    #expect(told([:]) == [])
    _ = try ask(["a"], nonce: "1")
    subscription.mark("a")
    #expect(told([:]) == nil)
  }

  @Test("is not answered while the selector knows nothing yet, or where nothing is asked for")
  mutating func pending() throws {
    #expect(try ask([]) == HeardRequest())
    #expect(told([:]) == nil)
    _ = try ask(["a"])
    #expect(told(["a": .pending]) == nil)
    #expect(told(["a": version("a1")]) == ["a1"])
  }

  @Test("waits for the last answer's acknowledgement, then tells what is current, and what changed alone")
  mutating func acknowledges() throws {
    _ = try ask(["a", "b"])
    #expect(told(["a": version("a1"), "b": version("b1")]) == ["a1", "b1"])
    subscription.mark("a")
    #expect(told(["a": version("a2")]) == nil)
    subscription.mark("a")
    _ = try ask(["a", "b"], nonce: "1")
    #expect(told(["a": version("a3"), "b": version("b1")]) == ["a3"])
  }

  @Test("does not tell again what is not taken, only what is new")
  mutating func rejects() throws {
    _ = try ask(["a"])
    #expect(told(["a": version("a1")]) == ["a1"])
    #expect(try ask(["a"], nonce: "1", error: "bad") == HeardRequest(rejection: "bad"))
    subscription.mark("a")
    #expect(told(["a": version("a1")]) == nil)
    subscription.mark("a")
    #expect(told(["a": version("a2")]) == ["a2"])
  }

  @Test("ignores requests that were written before its last answer came")
  mutating func stale() throws {
    _ = try ask(["a"])
    _ = told(["a": version("a1")])
    _ = try ask(["a"], nonce: "1")
    subscription.mark("a")
    _ = told(["a": version("a2")])
    #expect(try ask(["a", "b"], nonce: "1", error: "bad") == HeardRequest())
    #expect(try ask(["a", "b"], nonce: "nonsense") == HeardRequest())
    #expect(try ask(["a", "b"], nonce: "2") == HeardRequest(subscribed: ["b"]))
  }

  @Test("forgets what is not asked for any more, and tells it again when it is")
  mutating func unsubscribes() throws {
    let world = ["a": version("a1"), "b": version("b1")]
    _ = try ask(["a", "b"])
    _ = told(world)
    #expect(try ask(["a"], nonce: "1") == HeardRequest(unsubscribed: ["b"]))
    subscription.mark("b")
    #expect(told(world) == nil)
    #expect(try ask(["a", "b"], nonce: "1") == HeardRequest(subscribed: ["b"]))
    #expect(told(world) == ["b1"])
  }

  @Test("has limits")
  mutating func limits() throws {
    #expect(throws: RPCError.self) { _ = try ask((0...20_000).map { "\($0)" }) }
    #expect(throws: RPCError.self) { _ = try ask([String(repeating: "a", count: 2000)]) }
  }
}

@Suite("An incremental subscription")
struct IncrementalSubscriptionTests {
  private typealias Request = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
  private var subscription = IncrementalSubscription()

  private mutating func ask(
    _ names: [String] = [], not others: [String] = [], nonce: String = "", error: String? = nil,
    having versions: [String: String] = [:]
  ) throws -> HeardRequest {
    try subscription.hear(
      Request.with {
        $0.resourceNamesSubscribe = names
        $0.resourceNamesUnsubscribe = others
        $0.responseNonce = nonce
        $0.initialResourceVersions = versions
        if let error { $0.errorDetail.message = error }
      })
  }

  private mutating func told(_ world: World) -> (resources: [String], removed: [String])? {
    subscription.next(world.endpoints).map { ($0.resources.map { "\($0.name) \($0.version)" }, $0.removedResources) }
  }

  @Test("is told what is there, that others are not, and later what changed")
  mutating func changes() throws {
    #expect(try ask(["a", "b"]) == HeardRequest(subscribed: ["a", "b"]))
    #expect(try #require(told(["a": version("1")])) == (["a 1"], ["b"]))
    #expect(try ask(nonce: "1") == HeardRequest())
    subscription.mark("a")
    subscription.mark("b")
    #expect(try #require(told(["a": version("1"), "b": version("1")])) == (["b 1"], []))
    #expect(told(["a": version("1"), "b": version("1")]) == nil)
  }

  @Test("coming back, is told only what it does not have")
  mutating func reconnects() throws {
    let world = ["a": version("1"), "b": version("2")]
    _ = try ask(["a", "b", "c"], having: ["a": "1", "b": "1", "c": "1", "other": "1"])
    #expect(try #require(told(world)) == (["b 2"], ["c"]))
    // Only the first request says what it has.
    _ = try ask(["a"], nonce: "1", having: ["a": "1"])
    #expect(try #require(told(world)) == (["a 1"], []), "who asks again is told again")
  }

  @Test("is answered when it asks for more although an answer is not acknowledged; what changed waits")
  mutating func acknowledges() throws {
    _ = try ask(["a"])
    #expect(try #require(told(["a": version("1")])) == (["a 1"], []))
    subscription.mark("a")
    #expect(told(["a": version("2")]) == nil)
    #expect(try ask(["b"]) == HeardRequest(subscribed: ["b"]))
    #expect(try #require(told(["a": version("2"), "b": version("1")])) == (["b 1"], []))
    #expect(try ask(nonce: "1", error: "late") == HeardRequest(), "the answer before the last")
    #expect(try ask(nonce: "2", error: "bad") == HeardRequest(rejection: "bad"))
    #expect(try #require(told(["a": version("2"), "b": version("1")])) == (["a 2"], []))
  }

  @Test("forgets what is not asked for any more")
  mutating func unsubscribes() throws {
    _ = try ask(["a", "b"])
    _ = told(["a": version("1"), "b": version("1")])
    #expect(try ask(not: ["b", "never"], nonce: "1") == HeardRequest(unsubscribed: ["b"]))
    subscription.mark("b")
    #expect(told(["b": version("2")]) == nil)
  }

  @Test("has limits")
  mutating func limits() throws {
    _ = try ask((0..<20_000).map { "\($0)" })
    #expect(throws: RPCError.self) { _ = try ask(["one more"]) }
  }
}

@Suite("Whatever an Envoy asks for, and in what order it answers")
struct SubscriptionAgreementTests {
  private let names = (0..<6).map { "s\($0)" }

  /// Changes the world, and answers what changed.
  private func change(_ world: inout World, _ generator: inout SeededGenerator) -> String {
    let name = names[Int.random(in: 0..<names.count, using: &generator)]
    world[name] = version("\(name) \(Int.random(in: 0..<4, using: &generator))")
    return name
  }

  private func current(_ world: World, _ asked: Set<String>) -> [String: String] {
    var current: [String: String] = [:]
    for name in asked {
      if case .assignment(let version, _) = world.endpoints(name) { current[name] = version }
    }
    return current
  }

  @Test("it ends with what there is of all that it asks for", arguments: 0..<50)
  func stateOfTheWorld(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var subscription = StateOfTheWorldSubscription()
    var world: World = [:]
    var asked: Set<String> = []
    var known: [String: String] = [:]
    var nonce = ""
    func ask(_ isTaken: Bool = true) throws {
      _ = try subscription.hear(
        .with {
          $0.resourceNames = asked.sorted()
          $0.responseNonce = nonce
          if !isTaken { $0.errorDetail.message = "no" }
        })
    }
    /// Reads what is told, and acknowledges it.
    func read() throws {
      while let response = subscription.next(world.endpoints) {
        for resource in response.resources {
          let version = String(decoding: resource.value, as: UTF8.self)
          known[String(version.prefix(2))] = version
        }
        nonce = response.nonce
        try ask(Int.random(in: 0..<5, using: &generator) > 0)
      }
    }
    for _ in 0..<200 {
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: subscription.mark(change(&world, &generator))
      case 1:
        asked = Set(names.filter { _ in Bool.random(using: &generator) })
        known = known.filter { asked.contains($0.key) }
        try ask()
      default: try read()
      }
    }
    try read()
    #expect(known == current(world, asked))
  }

  @Test("it ends with what there is of all that it asks for, told by changes", arguments: 0..<50)
  func incremental(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var subscription = IncrementalSubscription()
    var world: World = [:]
    var asked: Set<String> = []
    var known: [String: String] = [:]
    func read() throws {
      while let response = subscription.next(world.endpoints) {
        for resource in response.resources { known[resource.name] = resource.version }
        for name in response.removedResources { known[name] = nil }
        _ = try subscription.hear(.with { $0.responseNonce = response.nonce })
      }
    }
    for _ in 0..<200 {
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: subscription.mark(change(&world, &generator))
      case 1:
        let name = names[Int.random(in: 0..<names.count, using: &generator)]
        asked.insert(name)
        _ = try subscription.hear(.with { $0.resourceNamesSubscribe = [name] })
      case 2:
        let name = names[Int.random(in: 0..<names.count, using: &generator)]
        asked.remove(name)
        known[name] = nil
        _ = try subscription.hear(.with { $0.resourceNamesUnsubscribe = [name] })
      default: try read()
      }
      if Int.random(in: 0..<40, using: &generator) == 0 {
        // The stream breaks; another begins with what it has.
        subscription = IncrementalSubscription()
        _ = try subscription.hear(
          .with {
            $0.resourceNamesSubscribe = asked.sorted()
            $0.initialResourceVersions = known
          })
      }
    }
    try read()
    #expect(known == current(world, asked))
  }
}
