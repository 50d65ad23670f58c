import Model
import Overflow
import Selection
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import SelectorServer

struct SelectorMessagesTests {
  private let messages = SelectorMessages(Dispatcher(DispatcherOptions(policy: .leastRequest)))
  private let now = Moment.seconds(1)

  private func register(
    _ addresses: [String] = ["10.0.0.1:80"], of service: String = "shop/cart", lifetime: UInt32 = 0,
    _ change: (inout Tonari_Selector_V1_Replica) -> Void = { _ in }
  ) throws -> Tonari_Selector_V1_RegisterResponse {
    try messages.register(
      .with {
        $0.service = service
        $0.lifetimeMs = lifetime
        $0.replicas = addresses.map { address in
          .with {
            $0.address = address
            change(&$0)
          }
        }
      }, at: now)
  }

  private func pick(
    _ service: String = "shop/cart", _ change: (inout Tonari_Selector_V1_PickRequest) -> Void = { _ in }
  ) throws -> Tonari_Selector_V1_PickResponse {
    let request = Tonari_Selector_V1_PickRequest.with {
      $0.service = service
      change(&$0)
    }
    return try messages.pick(request, owner: 0, at: now, using: PickAnswer())
  }

  private var inFlight: Int {
    messages.dispatcher.service("shop/cart")?.status(at: now).replicas.reduce(0) { $0 + $1.view.inFlight } ?? -1
  }

  @Test("A registered replica is picked and counted as in flight until it is completed")
  func picks() throws {
    #expect(try register().lifetimeMs == 30_000)
    let picked = try pick()
    #expect(picked.address == "10.0.0.1:80" && picked.pickID != 0 && picked.tier == .remote && !picked.panic)
    #expect(inFlight == 1)
    _ = messages.complete(.with { $0.pickID = picked.pickID }, at: now)
    #expect(inFlight == 0)
    _ = messages.complete(.with { $0.pickID = picked.pickID }, at: now)
    _ = messages.complete(.with { $0.pickID = .max }, at: now)
    #expect(inFlight == 0)
  }

  @Test("The tier is where the asker is from the replica")
  func tiers() throws {
    _ = try register { $0.locality = .with { ($0.node, $0.zone, $0.cluster) = ("n1", "z1", "c1") } }
    let askers: [(node: String, zone: String, cluster: String, tier: Tonari_Selector_V1_Tier)] = [
      ("n1", "z1", "c1", .node), ("n2", "z1", "c1", .zone), ("n2", "z2", "c1", .cluster), ("n2", "z2", "c2", .remote),
      ("", "", "", .remote),
    ]
    for asker in askers {
      let picked = try pick { request in
        request.from = .with { ($0.node, $0.zone, $0.cluster) = (asker.node, asker.zone, asker.cluster) }
      }
      #expect(picked.tier == asker.tier)
    }
  }

  @Test("Alternatives are others, as many as are asked for and are there, at most three")
  func alternatives() throws {
    _ = try register((1...6).map { "10.0.0.\($0):80" })
    for (asked, given) in [(0, 0), (1, 1), (3, 3), (4, 3), (Int(UInt32.max), 3)] {
      let picked = try pick { $0.alternatives = UInt32(asked) }
      #expect(picked.alternatives.count == given)
      #expect(Set(picked.alternatives + [picked.address]).count == given + 1)
    }
    let excluded = (1...5).map { "10.0.0.\($0):80" }
    #expect(try pick { $0.excluded = excluded }.address != "10.0.0.5:80")
  }

  /// What is asked for, the code of the fault, and a word in its message.
  private static let faults: [(Tonari_Selector_V1_Envelope, SelectorFault.Code, String)] = [
    (.with { $0.pick = .init() }, .invalidArgument, "service"),
    (.with { $0.pick.service = "none" }, .notFound, "none"),
    (.with { $0.pick.service = String(repeating: "x", count: 513) }, .invalidArgument, "513"),
    (
      .with {
        $0.pick.service = "known"
        $0.pick.labels = ["a=b"]
      }, .unavailable, "no replica"
    ),
    (
      .with {
        $0.pick.service = "known"
        $0.pick.labels = Array(repeating: "a=b", count: 65)
      }, .invalidArgument, "65"
    ),
    (.with { $0.report.service = "none" }, .notFound, "none"),
    (
      .with {
        $0.report.service = "known"
        $0.report.address = "10.0.0.2:80"
      }, .notFound, "10.0.0.2:80"
    ),
    (.with { $0.register = registering("known", "nowhere") }, .invalidArgument, "host:port"),
    (.with { $0.register = registering("known", ":80") }, .invalidArgument, "host:port"),
    (.with { $0.register = registering("known", "a:0") }, .invalidArgument, "host:port"),
    (.with { $0.register = registering("known", "a:65536") }, .invalidArgument, "host:port"),
    (.with { $0.register = registering("", "a:1") }, .invalidArgument, "service"),
    (.with { $0.register = registering("known", "a:1") { $0.weight = -1 } }, .invalidArgument, "weight"),
    (.with { $0.register = registering("known", "a:1") { $0.weight = .nan } }, .invalidArgument, "weight"),
    (.with { $0.register = registering("known", "a:1") { $0.weight = .infinity } }, .invalidArgument, "weight"),
    (
      .with { $0.register = registering("known", "a:1") { $0.labels = Array(repeating: "a=b", count: 65) } },
      .invalidArgument, "labels"
    ),
    (
      .with { $0.register = registering("known", "a:1") { $0.locality.node = String(repeating: "n", count: 300) } },
      .invalidArgument, "node"
    ),
    (.with { $0.register = registering("known", "a:1", lifetime: 999) }, .invalidArgument, "999"),
    (.with { $0.register = registering("known", "a:1", lifetime: 86_400_001) }, .invalidArgument, "86400001"),
    (
      .with {
        $0.register.service = "known"
        $0.register.replicas = Array(repeating: .with { $0.address = "a:1" }, count: 10_001)
      }, .invalidArgument, "10001"
    ),
    (
      .with {
        $0.deregister.service = "known"
        $0.deregister.addresses = Array(repeating: "a:1", count: 10_001)
      }, .invalidArgument, "10001"
    ),
    (.with { $0.id = 1 }, .unimplemented, "request"),
    (.with { $0.picked = .init() }, .unimplemented, "request"),
  ]

  private static func registering(
    _ service: String, _ address: String, lifetime: UInt32 = 0,
    _ change: (inout Tonari_Selector_V1_Replica) -> Void = { _ in }
  ) -> Tonari_Selector_V1_RegisterRequest {
    .with {
      $0.service = service
      $0.lifetimeMs = lifetime
      $0.replicas = [
        .with {
          $0.address = address
          change(&$0)
        }
      ]
    }
  }

  @Test("What is wrong with a request is said, and nothing is done", arguments: faults.indices)
  func fault(index: Int) throws {
    let (asked, code, word) = Self.faults[index]
    var request = asked
    _ = try register(of: "known")
    let before = messages.dispatcher.status(at: now).map(\.revision)
    request.id = 7
    let answer = try #require(messages.answer(request, owner: 0, at: now, using: PickAnswer()))
    #expect(answer.id == 7)
    #expect(answer.error.code == code.number, "\(answer)")
    #expect(answer.error.message.contains(word), "\(answer)")
    #expect(messages.dispatcher.status(at: now).map(\.revision) == before)
  }

  @Test("A retry beyond the budget is refused")
  func retries() throws {
    _ = try register()
    #expect {
      for _ in 0..<100 { _ = try pick { $0.retry = true } }
    } throws: {
      ($0 as? SelectorFault)?.code == .resourceExhausted
    }
  }

  @Test("A request with id 0 is done and not answered, but for a pick, which is not done")
  func unanswered() throws {
    _ = try register()
    let picked = try pick()
    let complete = Tonari_Selector_V1_Envelope.with { $0.complete.pickID = picked.pickID }
    #expect(messages.answer(complete, owner: 0, at: now, using: PickAnswer()) == nil)
    #expect(inFlight == 0)
    let pick = Tonari_Selector_V1_Envelope.with { $0.pick.service = "shop/cart" }
    #expect(messages.answer(pick, owner: 0, at: now, using: PickAnswer()) == nil)
    #expect(inFlight == 0)
  }

  @Test("Figures of load that cannot be are left out, and no figure is too large")
  func load() {
    let absurd = LoadReport(
      .with {
        $0.inFlight = .max
        $0.queued = .max
        $0.cpuUtilization = -.infinity
        $0.latencyUs = .max
        $0.requestsPerSecond = .nan
        $0.errorsPerSecond = 1e300
      })
    #expect(absurd.inFlight == Int(UInt32.max) && absurd.queued == Int(UInt32.max))
    #expect(absurd.cpuUtilization == nil && absurd.requestsPerSecond == nil)
    #expect(absurd.latencySeconds == 86_400 && absurd.errorsPerSecond == 1e9)
    #expect(LoadReport(.init()) == LoadReport())
    let load = LoadReport(
      inFlight: 3, queued: 1, cpuUtilization: 0.5, latencySeconds: 0.25, requestsPerSecond: 0, errorsPerSecond: 2)
    #expect(LoadReport(Tonari_Selector_V1_Load(load)) == load)
  }

  @Test("Absurd loads and latencies are taken in without harm")
  func absurd() throws {
    _ = try register { $0.concurrency = 1_000_000 }
    for value in [0, 1, UInt64.max] {
      for number in [0, -1, Double.nan, .infinity, 1e300, 5e-324] {
        let load = Tonari_Selector_V1_Load.with {
          $0.inFlight = UInt32(truncatingIfNeeded: value)
          $0.queued = UInt32(truncatingIfNeeded: value)
          ($0.cpuUtilization, $0.latencyUs, $0.requestsPerSecond, $0.errorsPerSecond) = (number, value, number, number)
        }
        _ = try messages.report(
          .with { ($0.service, $0.address, $0.load) = ("shop/cart", "10.0.0.1:80", load) }, at: now)
        let picked = try pick()
        _ = messages.complete(
          .with { ($0.pickID, $0.latencyUs, $0.load, $0.servedBy) = (picked.pickID, value, load, "x") }, at: now)
      }
    }
    #expect(try pick().address == "10.0.0.1:80")
  }

  @Test("Replicas that are deregistered are gone, or drain")
  func deregister() throws {
    _ = try register(["a:1", "b:1"])
    _ = try messages.deregister(.with { ($0.service, $0.addresses, $0.drain) = ("shop/cart", ["a:1"], true) }, at: now)
    #expect(try (0..<20).allSatisfy { _ in try pick().address == "b:1" })
    _ = try messages.deregister(.with { ($0.service, $0.addresses) = ("shop/cart", ["a:1", "b:1", "c:1"]) }, at: now)
    #expect(throws: SelectorFault.self) { try pick() }
  }

  @Test("A pick by a call of its own that nobody completes is given up soon, unless its asker says that it goes on")
  func unary() throws {
    _ = try register(["10.0.0.1:80", "10.0.0.2:80"], lifetime: 600_000)
    var ids: [UInt64] = []
    for _ in 0..<20 { ids.append(try pick().pickID) }
    let session = try messages.pick(.with { $0.service = "shop/cart" }, owner: 7, at: now, using: PickAnswer())
    let renewed = try pick()
    let other = renewed.address == "10.0.0.1:80" ? "10.0.0.2:80" : "10.0.0.1:80"
    func goesOn(_ id: UInt64, at seconds: Double, servedBy: String = "") {
      _ = messages.complete(
        .with {
          $0.pickID = id
          $0.outcome = .underWay
          $0.servedBy = servedBy
        }, at: .seconds(seconds))
    }
    goesOn(renewed.pickID, at: 8)
    messages.dispatcher.expire(at: .seconds(12))
    #expect(inFlight == 2)
    goesOn(session.pickID, at: 50)
    messages.dispatcher.expire(at: .seconds(100))
    #expect(inFlight == 1)
    _ = messages.complete(.with { $0.pickID = session.pickID }, at: .seconds(100))
    #expect(inFlight == 0)

    let moved = try pick()
    let server = moved.address == renewed.address ? other : renewed.address
    goesOn(moved.pickID, at: 1, servedBy: server)
    let replicas = messages.dispatcher.service("shop/cart")?.status(at: now).replicas
    #expect(replicas?.first { $0.view.inFlight == 1 }?.replica.address == server)
    #expect(replicas?.first { $0.failures == 1 }?.replica.address == moved.address)
  }
}
