import Model
import Testing

@testable import Overflow
@testable import Selection

@Suite("Rules of access")
struct AccessRuleTests {
  private static let cart = Identity.pod(
    .init(namespace: "shop", name: "cart-7d", uid: "1", serviceAccount: "cart"))
  private static let account = Identity.serviceAccount(.init(namespace: "shop", name: "cart"))
  private static let mesh = Identity.certificate(["spiffe://cluster.local/ns/shop/sa/cart", "dns:cart.shop.svc"])

  @Test(
    "are about those that they name",
    arguments: [
      ("pick=local", Identity.local, true), ("pick=local", .anyone, false), ("pick=anyone", .local, true),
      ("pick=anyone", cart, true), ("pick=proven", cart, true), ("pick=proven", account, true),
      ("pick=proven", mesh, true), ("pick=proven", .local, false), ("register=pod:shop/*", cart, true),
      ("register=pod:shop/cart-*", cart, true), ("register=pod:other/*", cart, false), ("register=pod:**", cart, true),
      ("register=pod:shop/*", account, false), ("register=serviceaccount:shop/cart", account, true),
      ("register=serviceaccount:shop/cart", cart, true), ("register=serviceaccount:shop/car", account, false),
      ("register=spiffe://cluster.local/ns/shop/sa/*", mesh, true),
      ("register=spiffe://cluster.local/ns/*", mesh, false), ("register=spiffe://cluster.local/**", mesh, true),
      ("register=spiffe://cluster.local/ns/shop/sa/*", cart, false), ("exchange=dns:*.shop.svc", mesh, true),
      ("exchange=dns:Cart.shop.svc", mesh, true), ("exchange=dns:*.svc", mesh, false), ("exchange=dns:*", mesh, false),
      ("exchange=dns:cart.shop.svc", .certificate(["spiffe://dns:cart.shop.svc"]), false),
    ])
  func about(text: String, identity: Identity, isAbout: Bool) throws {
    let rule = try AccessRule(text)
    #expect(rule.isAbout(identity) == isAbout)
    #expect(rule.description == text)
  }

  @Test(
    "say what was expected where they cannot be read",
    arguments: [
      ("register", "CAPABILITY=IDENTITY"), ("fly=local", "a capability of pick"), ("pick=", "an identity"),
      ("pick=bob", "an identity"), ("pick=pod:shop", "pod:NAMESPACE/NAME"), ("pick=pod:/x", "pod:NAMESPACE/NAME"),
      ("pick=local@shop/*", "no services"), ("register=local@", "services after @"),
      ("register=dns:a.b", "is of no namespace"), ("pick=spiffe://", "an identity"),
    ])
  func unreadable(text: String, expected: String) {
    let failure = #expect(throws: AccessRule.Failure.self) { try AccessRule(text) }
    #expect(failure?.description.hasPrefix("rule '\(text)': expected ") == true)
    #expect(failure?.description.contains(expected) == true, "\(failure?.description ?? "")")
  }

  @Test("let somebody register for services of its own namespace, or those that they name")
  func services() throws {
    let policy = AccessPolicy(adding: [
      try AccessRule("register=proven"), try AccessRule("register=pod:ops/*@shop/*"),
      try AccessRule("exchange=dns:peer"),
    ])
    for identity in [Self.cart, Self.account, Self.mesh] {
      let rights = policy.rights(of: identity)
      #expect(rights.allows(.register, for: "shop/cart"))
      #expect(rights.allows(.register, for: "shop/other:http"))
      #expect(!rights.allows(.register, for: "bank/vault"))
      #expect(!rights.allows(.register, for: "shop"))
      #expect(!rights.allows(.registrar, for: "shop/cart"))
    }
    let operations = policy.rights(of: .pod(.init(namespace: "ops", name: "x", uid: "2", serviceAccount: "x")))
    #expect(operations.allows(.register, for: "shop/cart"))
    #expect(operations.allows(.register, for: "ops/x"))
    #expect(!operations.allows(.register, for: "bank/vault"))
    let peer = policy.rights(of: .certificate(["dns:peer"]))
    #expect(peer.allows(.exchange))
    #expect(!peer.allows(.exchange, for: "shop/cart"), "what a peer says is registered there needs services")
  }

  @Test("allow no more than to pick where nothing is said, and nothing to who is not proven on a network")
  func standard() {
    let policy = AccessPolicy()
    for identity in [Identity.local, Self.cart, Self.account, Self.mesh] {
      let rights = policy.rights(of: identity)
      #expect(Capability.allCases.filter(rights.allows) == [.pick, .endpoints], "\(identity)")
    }
    #expect(Capability.allCases.allSatisfy { !policy.rights(of: .anyone).allows($0) })
    let open = AccessPolicy.open.rights(of: .anyone)
    #expect(Capability.allCases.allSatisfy { open.allows($0) && open.allows($0, for: "a/b") })
  }

  @Test("a pattern takes no time that grows faster than the name")
  func patterns() {
    let pattern = NamePattern(String(repeating: "*a", count: 100), separator: "/")
    #expect(!pattern.matches(String(repeating: "a", count: 2000) + "b"))
    #expect(pattern.matches(String(repeating: "ba", count: 100)))
  }
}

@Suite("Who calls")
struct CallerTests {
  private let pod = Identity.pod(.init(namespace: "shop", name: "cart", uid: "1", serviceAccount: "cart"))

  @Test("owns the address that it is seen at, and those that are known of it")
  func addresses() throws {
    let seen = Caller(
      .certificate([]), address: try #require(IPAddress("::ffff:10.0.0.1")), owner: 1, policy: AccessPolicy())
    #expect(seen.owns("10.0.0.1:80"))
    #expect(!seen.owns("10.0.0.2:80"))
    #expect(!seen.owns("cart.shop:80"), "a name may be anybody's")
    let own = Identity.Pod(namespace: "shop", name: "cart", uid: "1", serviceAccount: "cart")
    let addresses = Set(["10.0.0.3", "fd00::1"].compactMap { IPAddress($0) })
    let known = Caller(NodePod(own) { .init(addresses: addresses) }, owner: 1, policy: AccessPolicy())
    #expect(known.owns("10.0.0.3:1"))
    #expect(known.owns("[fd00:0::1]:1"))
    #expect(!known.owns("10.0.0.1:80"))
    #expect(!Caller(pod, owner: 1, policy: AccessPolicy()).owns("10.0.0.1:80"), "nothing is known of it")
    let local = Caller(.local, address: IPAddress("127.0.0.1"), owner: 1, policy: AccessPolicy())
    #expect(local.owns("10.0.0.1:80"), "the operator says whom to let in on this machine")
    #expect(!Caller(.anyone, address: IPAddress("10.0.0.1"), owner: 1, policy: AccessPolicy()).owns("10.0.0.2:80"))
  }

  @Test("has the same key on all its connections where it is proven, and else another on each")
  func keys() {
    func key(_ identity: Identity) -> PickKey { Caller(identity, owner: 1, policy: AccessPolicy()).key }
    #expect(key(pod) == key(pod))
    let again = Identity.pod(.init(namespace: "shop", name: "cart", uid: "2", serviceAccount: "cart"))
    #expect(key(pod) != key(again))
    #expect(key(.local) != key(.local))
    #expect(key(.certificate(["dns:a"])) != key(.certificate(["dns:b"])))
    #expect(key(pod) != .inProcess)
  }

  @Test("ranges hold the addresses of their network")
  func ranges() throws {
    let range = try #require(AddressRange("10.1.0.0/16"))
    #expect(range.contains(try #require(IPAddress("10.1.255.1"))))
    #expect(!range.contains(try #require(IPAddress("10.2.0.1"))))
    #expect(!range.contains(try #require(IPAddress("::1"))))
    let six = try #require(AddressRange("fd00::/65"))
    #expect(six.contains(try #require(IPAddress("fd00::7fff:0:0:1"))))
    #expect(!six.contains(try #require(IPAddress("fd00::8000:0:0:1"))))
    #expect(try #require(AddressRange("0.0.0.0/0")).contains(try #require(IPAddress("1.2.3.4"))))
    #expect(try #require(AddressRange("10.0.0.1")).contains(try #require(IPAddress("10.0.0.1"))))
    for text in ["", "10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8"] {
      #expect(AddressRange(text) == nil, "\(text)")
    }
  }
}
