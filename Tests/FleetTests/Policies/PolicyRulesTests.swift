import Kubernetes
import Model
import Overflow
import Testing

@testable import Fleet

@Suite("What policies may ask for")
struct PolicyRulesTests {
  private func policy(
    neighbour host: String = "cart.edge-b.example", mode: OverflowPolicy.Mode = .weights, hosts: [String] = []
  ) -> OverflowPolicy {
    var route = OverflowPolicy.Route(kind: .virtualService, name: "cart")
    if !hosts.isEmpty { route.own = .init(hosts: hosts, gateways: ["istio-system/ingress"]) }
    var spec = OverflowPolicy.Spec(
      service: "cart", capacity: .perMinute(540), neighbours: [.init(name: "edge-b", host: host)], route: route)
    spec.mode = mode
    return OverflowPolicy(key: ObjectKey(namespace: "shop", name: "cart"), spec: spec)
  }

  /// Why a policy is refused; nil where it is not.
  private func fault(_ policy: OverflowPolicy, _ rules: [String] = [], queries: Set<String> = []) throws -> String? {
    let rules = PolicyRules(hosts: try rules.map { try #require(HostRule($0)) }, queryNamespaces: queries)
    do throws(PolicyRules.Fault) {
      try rules.check(policy)
      return nil
    } catch {
      return error.description
    }
  }

  @Test(
    "A route that is made has the hosts of its namespace's Services, and those that are allowed",
    arguments: [
      ("cart", [], true), ("cart.shop", [], true), ("other.shop.svc.cluster.local", [], true),
      ("db-0.db.shop.svc", [], true),
      ("cart.bank", [], false), ("vault.bank.svc.cluster.local", [], false), ("shop.svc.cluster.local", [], false),
      ("bank.example", [], false), ("*.svc.cluster.local", [], false), ("*.shop.svc.cluster.local", [], true),
      ("bank.example", ["shop=bank.example"], true), ("bank.example", ["other=bank.example"], false),
      ("www.bank.example", ["shop=*.bank.example"], true), ("bank.example", ["shop=*.bank.example"], false),
      ("*.bank.example", ["shop=*.bank.example"], true), ("*.example", ["shop=*.bank.example"], false),
      ("evilbank.example", ["shop=*.bank.example"], false), ("bank.example", ["*=*"], true),
    ])
  func ownHosts(host: String, rules: [String], isAllowed: Bool) throws {
    let fault = try fault(policy(hosts: ["cart", host]), rules)
    #expect((fault == nil) == isAllowed, "\(fault ?? "")")
    if let fault {
      #expect(
        fault.hasPrefix("spec.route.hosts[1]: found '\(host)', expected the host of a Service in namespace shop"))
      #expect(fault.hasSuffix("by --allow-host shop=\(host)"))
    }
  }

  @Test(
    "A neighbour is neither a Service of another namespace nor this machine, and a gateway is listed",
    arguments: [
      ("cart.edge-b.example", .weights, [], true), ("cart-edge-b", .weights, [], true),
      ("cart.edge-b", .weights, [], true), ("edge.shop.svc.cluster.local", .weights, [], true),
      ("vault.bank.svc.cluster.local", .weights, [], false), ("vault.bank.svc:443", .weights, [], false),
      ("vault.bank.svc.cluster.local", .weights, ["shop=*.bank.svc.cluster.local"], true),
      ("localhost", .weights, [], false), ("x.localhost:15000", .weights, [], false),
      ("203.0.113.7:8080", .perRequest, [], false), ("203.0.113.7", .perRequest, [], false),
      ("203.0.113.7:8080", .perRequest, ["shop=203.0.113.7:8080"], true),
      ("203.0.113.7:8080", .perRequest, ["shop=203.0.113.7"], true),
      ("203.0.113.7:22", .perRequest, ["shop=203.0.113.7:8080"], false),
      ("203.0.113.7:8080", .perRequest, ["other=203.0.113.7"], false), ("edge-b.example", .perRequest, [], true),
      ("edge-b.example:80", .perRequest, [], false), ("127.0.0.1:15000", .perRequest, [], false),
      ("169.254.169.254:80", .perRequest, [], false), ("169.254.169.254:80", .perRequest, ["*=*.example"], false),
      ("[::1]:15000", .perRequest, [], false), ("[::ffff:127.0.0.1]:15000", .perRequest, [], false),
      ("[fe80::1]:80", .perRequest, [], false), ("0.0.0.0:80", .perRequest, [], false),
      ("127.0.0.1:8080", .perRequest, ["shop=127.0.0.1:8080"], true),
      ("[2001:db8::7]:80", .perRequest, ["shop=[2001:db8::7]:80"], true),
    ] as [(String, OverflowPolicy.Mode, [String], Bool)])
  func neighbours(host: String, mode: OverflowPolicy.Mode, rules: [String], isAllowed: Bool) throws {
    let fault = try fault(policy(neighbour: host, mode: mode), rules)
    #expect((fault == nil) == isAllowed, "\(fault ?? "")")
    if let fault { #expect(fault.hasPrefix("spec.neighbours[0].host: found '\(host)', expected ")) }
  }

  @Test("Queries are for namespaces that are listed")
  func queries() throws {
    for path: WritableKeyPath<OverflowPolicy.Measure, String?> in [
      \.demandQuery, \.responseTimeQuery, \.errorShareQuery,
    ] {
      var policy = policy()
      policy.spec.measure.source = .prometheus
      #expect(try fault(policy) == nil)
      policy.spec.measure[keyPath: path] = "vector(1)"
      #expect(try fault(policy)?.hasPrefix("spec.measure.") == true)
      #expect(try fault(policy, queries: ["other"])?.contains("by --allow-queries shop") == true)
      #expect(try fault(policy, queries: ["shop"]) == nil)
      #expect(try fault(policy, queries: ["*"]) == nil)
    }
  }

  @Test(
    "What is no host is none",
    arguments: [
      "", ".", "a..b", "-a", "a-", "A.example", "a_b", "a b", "a/b", "a:b", "a:", "a:70000", "a:0", "a:+1", "::1",
      "[a]:1",
      "[::1", "[10.0.0.1]:1", "1.2.3", "0x7f000001", "a.0x1", "a\"b", "a\n", "ä.example", "a.", "a%25",
      String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "example",
    ])
  func noHosts(text: String) {
    #expect(HostName(text, allowsAddress: true, allowsWildcard: true) == nil)
    #expect(HostRule("shop=\(text)") == nil)
  }

  @Test(
    "Hosts are read with their ports",
    arguments: [
      ("a.example", "a.example", nil), ("a:80", "a", 80), ("10.0.0.1:1", "10.0.0.1", 1), ("[::1]", "::1", nil),
      ("[::1]:65535", "::1", 65535),
    ] as [(String, String, Int?)])
  func hosts(text: String, name: String, port: Int?) throws {
    let host = try #require(HostName(text, allowsAddress: true))
    #expect(host.name == name && host.port == port)
    #expect((HostName(text) == nil) == host.isAddress)
  }
}
