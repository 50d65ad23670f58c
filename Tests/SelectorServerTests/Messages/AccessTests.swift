import Model
import Overflow
import Selection
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("Who may ask what")
struct AccessTests {
  private let dispatcher = Dispatcher(DispatcherOptions(policy: .tonari))
  private let messages: SelectorMessages
  private let now = Moment.seconds(1)

  init() {
    messages = SelectorMessages(dispatcher)
    dispatcher.set(
      [ServiceReplica(address: "10.0.0.1:80"), ServiceReplica(address: "10.0.0.2:80")], of: "shop/cart", from: .file,
      at: now)
  }

  private static let pod = Identity.pod(.init(namespace: "shop", name: "cart-1", uid: "1", serviceAccount: "cart"))

  private func caller(_ identity: Identity, _ rules: String..., at address: String? = nil, owner: UInt32 = 0) throws
    -> Caller
  {
    Caller(
      identity, address: address.flatMap { IPAddress($0) }, owner: owner,
      policy: AccessPolicy(adding: try rules.map { try AccessRule($0) }))
  }

  private func registering(
    _ address: String, of service: String = "shop/cart", weight: Double = 1, lifetime: UInt32 = 86_400_000
  ) -> Tonari_Selector_V1_RegisterRequest {
    .with {
      ($0.service, $0.lifetimeMs) = (service, lifetime)
      $0.replicas = [.with { ($0.address, $0.weight) = (address, weight) }]
    }
  }

  private func picks(_ count: Int) throws -> [String: Int] {
    let asker = try caller(.local)
    return try (0..<count).reduce(into: [:]) { picks, _ in
      let picked = try messages.pick(.with { $0.service = "shop/cart" }, by: asker, at: now, using: PickAnswer())
      picks[picked.address, default: 0] += 1
    }
  }

  @Test("Whoever reaches a port registers nothing: one address with weight 1000 took 300 of 300 picks")
  func heavyReplica() throws {
    for identity in [Identity.local, .anyone, Self.pod, .certificate(["dns:x"])] {
      #expect(throws: SelectorFault.self) {
        try messages.register(
          registering("6.6.6.6:80", weight: 1000), by: caller(identity, at: "6.6.6.6"), at: now)
      }
    }
    #expect(try picks(300)["6.6.6.6:80"] == nil)
  }

  @Test("Who may register has a weight that leaves something to the others")
  func boundedWeight() throws {
    _ = try messages.register(
      registering("6.6.6.6:80", weight: 1000),
      by: caller(.serviceAccount(.init(namespace: "shop", name: "cart")), "register=proven", at: "6.6.6.6"), at: now)
    let replica = dispatcher.status(at: now)[0].replicas.first { $0.replica.address == "6.6.6.6:80" }
    #expect(replica?.replica.weight == ServiceReplica.claimedWeights.upperBound)
    #expect(try picks(300)["6.6.6.6:80"] ?? 0 < 295)
  }

  @Test(
    "Who may register does so at its own address, for services of its own namespace, and says so where it may not",
    arguments: [
      ("10.0.0.9:80", "shop/cart", true), ("10.0.0.8:80", "shop/cart", false), ("10.0.0.9:80", "bank/vault", false),
      ("cart.evil:80", "shop/cart", false),
    ])
  func ownAddress(address: String, service: String, isAllowed: Bool) throws {
    let caller = try caller(
      .certificate(["spiffe://cluster.local/ns/shop/sa/cart"]), "register=spiffe://cluster.local/ns/shop/sa/*",
      at: "10.0.0.9")
    do {
      _ = try messages.register(registering(address, of: service), by: caller, at: now)
      #expect(isAllowed)
    } catch {
      #expect(!isAllowed && error.code == .permissionDenied, "\(error)")
    }
    let there = dispatcher.addresses(of: service, from: [.registration])
    #expect(there == (isAllowed ? [address] : []))
  }

  @Test("A registrar registers others' addresses, of the services that its rule names")
  func registrar() throws {
    let caller = try caller(
      .serviceAccount(.init(namespace: "ops", name: "vm")), "registrar=serviceaccount:ops/vm@shop/*", at: "10.9.9.9")
    _ = try messages.register(registering("10.0.0.8:80"), by: caller, at: now)
    #expect(throws: SelectorFault.self) {
      try messages.register(registering("10.0.0.8:80", of: "bank/vault"), by: caller, at: now)
    }
    #expect(throws: SelectorFault.self) {
      try messages.report(.with { ($0.service, $0.address) = ("shop/cart", "10.0.0.1:80") }, by: caller, at: now)
    }
  }

  @Test("A caller has so many replicas registered and no more, on all its connections together; others have theirs")
  func manyRegistrations() throws {
    var options = DispatcherOptions()
    options.mostRegistrationsOfCaller = 3
    let dispatcher = Dispatcher(options)
    let messages = SelectorMessages(dispatcher)
    func register(_ ports: ClosedRange<Int>, _ service: String, _ name: String, at now: Moment = .start) throws {
      let caller = Caller(
        .serviceAccount(.init(namespace: "shop", name: name)), address: IPAddress("10.0.0.9"),
        owner: dispatcher.newOwner(), policy: AccessPolicy(adding: [try AccessRule("register=proven")]))
      let request = Tonari_Selector_V1_RegisterRequest.with {
        ($0.service, $0.lifetimeMs) = (service, 10_000)
        $0.replicas = ports.map { port in .with { $0.address = "10.0.0.9:\(port)" } }
      }
      _ = try messages.register(request, by: caller, at: now)
    }
    func isRefused(_ ports: ClosedRange<Int>, _ service: String, _ name: String) -> Bool {
      do {
        try register(ports, service, name)
        return false
      } catch let fault as SelectorFault {
        return fault.code == .resourceExhausted && fault.message.contains("shop/\(name)")
      } catch {
        return false
      }
    }
    try register(1...2, "shop/a", "cart")
    try register(1...1, "shop/b", "cart")
    try register(1...2, "shop/a", "cart")  // Renewals count once.
    #expect(isRefused(3...3, "shop/a", "cart") && isRefused(1...1, "shop/c", "cart"))
    #expect(dispatcher.service("shop/c") == nil && dispatcher.refusedRegistrations == 2)
    try register(5...7, "shop/a", "basket")
    // What another takes over, or whose time is over, counts no more.
    try register(8...8, "shop/d", "other")
    try register(1...1, "shop/b", "other")
    try register(3...3, "shop/a", "cart")
    #expect(isRefused(4...4, "shop/a", "cart"))
    dispatcher.expire(at: .seconds(11))
    #expect(dispatcher.directory.count == 0)
    try register(1...3, "shop/a", "cart", at: .seconds(11))
  }

  @Test("Nobody takes another's replica away")
  func deregister() throws {
    dispatcher.register([ServiceReplica(address: "10.0.0.3:80")], of: "shop/cart", lifetime: .seconds(30), at: now)
    let request = Tonari_Selector_V1_DeregisterRequest.with {
      ($0.service, $0.addresses) = ("shop/cart", ["10.0.0.3:80"])
    }
    #expect(throws: SelectorFault.self) { try messages.deregister(request, by: caller(.local), at: now) }
    #expect(throws: SelectorFault.self) {
      try messages.deregister(request, by: caller(Self.pod, "register=pod:shop/*", at: "10.0.0.9"), at: now)
    }
    _ = try messages.deregister(request, by: caller(Self.pod, "register=pod:shop/*", at: "10.0.0.3"), at: now)
    #expect(dispatcher.addresses(of: "shop/cart", from: [.registration]).isEmpty)
  }

  @Test("What a connection registered for a day goes soon after it, unless another renews it")
  func registrationEnds() throws {
    let one = try caller(.local, "register=local", owner: dispatcher.newOwner())
    let other = try caller(.local, "register=local", owner: dispatcher.newOwner())
    _ = try messages.register(registering("10.0.0.3:80"), by: one, at: now)
    _ = try messages.register(registering("10.0.0.4:80"), by: one, at: now)
    _ = try messages.register(registering("10.0.0.4:80"), by: other, at: now)
    dispatcher.abandon(owner: one.owner, at: now)
    dispatcher.expire(at: .seconds(2))
    #expect(dispatcher.addresses(of: "shop/cart", from: [.registration]).count == 2)
    dispatcher.expire(at: .seconds(7))
    #expect(dispatcher.addresses(of: "shop/cart", from: [.registration]) == ["10.0.0.4:80"])
  }

  @Test("A second connection neither completes the first one's picks nor ejects replicas by that, and is counted")
  func foreignCompletion() throws {
    let (one, other) = (try caller(.local, owner: 1), try caller(.local, owner: 2))
    for _ in 0..<50 {
      let picked = try messages.pick(.with { $0.service = "shop/cart" }, by: one, at: now, using: PickAnswer())
      messages.complete(.with { ($0.pickID, $0.outcome) = (picked.pickID, .failure) }, by: other, at: now)
      messages.complete(
        .with {
          ($0.pickID, $0.outcome) = (picked.pickID, .failure)
          $0.pickKey.append(contentsOf: [UInt8](repeating: 0, count: 16))
        }, by: other, at: now)
    }
    let status = dispatcher.status(at: now)[0]
    #expect(status.openPicks == 50)
    #expect(status.ejections == 0 && status.counts.failed == 0)
    #expect(status.counts.foreign == 100)
  }

  @Test("A pick is completed on any connection that has its key, or of the same proven client")
  func keys() throws {
    let (one, other) = (try caller(.local, owner: 1), try caller(.local, owner: 2))
    let picked = try messages.pick(.with { $0.service = "shop/cart" }, by: one, at: now, using: PickAnswer())
    #expect(picked.pickKey.count == 16)
    messages.complete(.with { ($0.pickID, $0.pickKey) = (picked.pickID, picked.pickKey) }, by: other, at: now)
    #expect(dispatcher.status(at: now)[0].openPicks == 0)

    let mine = try messages.pick(.with { $0.service = "shop/cart" }, by: caller(Self.pod), at: now, using: PickAnswer())
    #expect(mine.pickKey.isEmpty)
    messages.complete(.with { $0.pickID = mine.pickID }, by: other, at: now)
    #expect(dispatcher.status(at: now)[0].openPicks == 1)
    messages.complete(.with { $0.pickID = mine.pickID }, by: try caller(Self.pod), at: now)
    #expect(dispatcher.status(at: now)[0].openPicks == 0)
  }

  @Test("A pod on its own socket asks from where its node is, whatever it claims; what is not known may be claimed")
  func place() throws {
    func caller(_ facts: NodePod.Facts) -> Caller {
      let pod = Identity.Pod(namespace: "shop", name: "cart-1", uid: "1", serviceAccount: "cart")
      return Caller(NodePod(pod) { facts }, owner: 1, policy: AccessPolicy())
    }
    dispatcher.set(
      [
        ServiceReplica(address: "10.1.0.1:80", node: "n1", zone: "z1"),
        ServiceReplica(address: "10.1.0.2:80", node: "n2", zone: "z2"),
      ], of: "shop/placed", from: .file, at: now)
    func tier(_ facts: NodePod.Facts) throws -> (String, Tonari_Selector_V1_Tier) {
      let request = Tonari_Selector_V1_PickRequest.with {
        $0.service = "shop/placed"
        $0.from = .with { ($0.node, $0.zone) = ("n2", "z2") }
      }
      let picked = try messages.pick(request, by: caller(facts), at: now, using: PickAnswer())
      return (picked.address, picked.tier)
    }
    #expect(try tier(.init(node: "n1", zone: "z1")) == ("10.1.0.1:80", .node))
    #expect(try tier(.init(node: "n3")) == ("10.1.0.2:80", .zone))
    #expect(try tier(.init()) == ("10.1.0.2:80", .node))
    // The same on a framed connection, where a place is remembered by its bytes.
    var bench = FrameBench(dispatcher, FramedOptions(), caller: caller(.init(node: "n1", zone: "z1")))
    for _ in 0..<3 {
      let request = Tonari_Selector_V1_Envelope.with {
        $0.id = 1
        $0.pick.service = "shop/placed"
        $0.pick.from = .with { ($0.node, $0.zone) = ("n2", "z2") }
      }
      #expect(try bench.answers(request).first?.picked.address == "10.1.0.1:80")
    }
  }

  @Test("All services are watched by whoever may watch, some by whoever may pick")
  func watches() throws {
    #expect(throws: SelectorFault.self) { try messages.check(watch: .init(), by: caller(.local)) }
    #expect(throws: SelectorFault.self) {
      try messages.check(watch: .with { $0.services = ["a"] }, by: caller(.anyone))
    }
    try messages.check(watch: .with { $0.services = ["shop/cart"] }, by: caller(.local))
    try messages.check(watch: .init(), by: caller(.local, "watch=local"))
  }

  @Test("Nobody picks on a network without a rule or a proof")
  func network() throws {
    #expect(throws: SelectorFault.self) {
      try messages.pick(.with { $0.service = "shop/cart" }, by: caller(.anyone), at: now, using: PickAnswer())
    }
    var bench = FrameBench(FrameBench.dispatcher(), FramedOptions(access: AccessPolicy(rules: [])))
    #expect(try bench.answers(Frames.pick(1)).first?.error.code == SelectorFault.Code.permissionDenied.number)
  }
}
