import Foundation
import Model
import Planner
import Testing
import Traffic

@Suite("A name in a traffic dump")
struct EndpointResolverTests {
  static let workloads: [EndpointResolver.Workload] = [
    workload("shop/cart", 2, app: "cart"),
    workload("shop/reviews-v1", 1, app: "reviews"),
    workload("shop/reviews-v2", 3, app: "reviews"),
    workload("default/web", 1, app: "web"),
    workload("other/web", 1, app: "web"),
    workload("a/twin", 1, app: "one"),
    workload("b/twin", 1, app: "two"),
    workload("shop/idle", 0, app: "idle"),
    workload("shop/redis-node", 1, app: "redis-node"),
    workload("data/postgres", 1, app: "postgres"),
    workload("data/redis", 1, app: "redis"),
  ]

  static let services: [EndpointResolver.Service] = [
    .init(name: name("shop/cart-svc"), workloads: [0], ports: [80], addresses: ["10.96.0.1"]),
    .init(name: name("shop/all-reviews"), workloads: [1, 2], ports: [80]),
    .init(name: name("shop/external"), workloads: []),
    .init(name: name("shop/cart"), workloads: [0], ports: [80]),
    .init(name: name("shop/redis"), workloads: [8], ports: [6379], addresses: ["10.96.0.2", "fd00::2"]),
    .init(name: name("data/pg"), workloads: [9], ports: [5432], addresses: ["10.96.0.3"]),
    .init(name: name("data/redis"), workloads: [10], ports: [6379]),
    .init(name: name("shop/orders-db"), workloads: [], externalName: "pg.data.svc.cluster.local"),
    .init(name: name("shop/bank"), workloads: [], externalName: "api.bank.example"),
    .init(name: name("ops/agents"), workloads: [], addresses: ["10.96.0.4"]),
    .init(name: name("data/bus"), workloads: [9], ports: [9092], isHeadless: true),
  ]

  static let pods: [EndpointResolver.Pod] = [
    .init(name: name("shop/cart-6f7d-x2x4z"), workload: 0, owner: name("shop/cart"), addresses: ["10.1.0.1"]),
    .init(
      name: name("ops/agent-b5c7d"), workload: nil, owner: name("ops/agent"), addresses: ["192.168.0.1"], ports: [9100]),
    .init(
      name: name("data/pg-0"), workload: 9, owner: name("data/postgres"), addresses: ["192.168.0.1"], ports: [5432]),
    .init(name: name("ops/bare"), workload: nil, owner: name("ops/bare"), addresses: ["10.1.0.9"]),
    .init(
      name: name("shop/reviews-v1-0"), workload: 1, owner: name("shop/reviews-v1"), addresses: ["192.168.0.2"],
      ports: [8080], isOnNodeNetwork: true),
    .init(
      name: name("shop/reviews-v2-0"), workload: 2, owner: name("shop/reviews-v2"), addresses: ["FD00:0:0::3"],
      isOnNodeNetwork: true),
  ]

  static let unplanned = [
    name("ops/agent"): "a DaemonSet", name("ops/agents"): "a Service that selects no planned workload",
  ]

  static func name(_ text: String) -> WorkloadName {
    WorkloadName(text) ?? WorkloadName(namespace: "not a name", name: text)
  }

  static func workload(_ text: String, _ replicas: Int, app: String) -> EndpointResolver.Workload {
    .init(name: name(text), replicas: replicas, podLabels: ["app": app])
  }

  static func resolver(_ map: String = "") throws -> EndpointResolver {
    try EndpointResolver(
      workloads: workloads,
      services: services,
      pods: pods,
      unplanned: unplanned,
      nodes: ["node-1"],
      map: EndpointMap(Data(map.utf8), file: "map.yaml")
    )
  }

  static func text(_ meaning: EndpointResolver.Meaning) -> String {
    switch meaning {
    case .workloads(let parts): parts.map { "\(workloads[$0.workload].name) \($0.share)" }.joined(separator: ", ")
    case .pinned(let node): "on \(node)"
    case .outside(let reason): reason
    }
  }

  static let unknown = "not in the cluster"
  static let unknownPeer = "no Service, pod or address of the cluster"

  @Test(
    "means a workload, what a Service selects, or an app, in this order",
    arguments: [
      ("shop", "cart", "shop/cart 1.0"),
      ("shop", "cart-svc", "shop/cart 1.0"),
      ("shop", "all-reviews", "shop/reviews-v1 0.25, shop/reviews-v2 0.75"),
      ("shop", "reviews", "shop/reviews-v1 0.25, shop/reviews-v2 0.75"),
      ("shop", "external", unknown),
      ("ops", "agent", "not planned: a DaemonSet"),
      (nil, "agent.ops.svc.cluster.local:9100", "not planned: a DaemonSet"),
      ("other", "cart", unknown),
      ("shop", "idle", "has no replicas"),
      (nil, "cart", "shop/cart 1.0"),
      (nil, "web", "default/web 1.0"),
      (nil, "twin", "ambiguous: a/twin, b/twin; say which with --map"),
      (nil, "nobody", unknown),
      (nil, "cart.shop", "shop/cart 1.0"),
      (nil, "cart-svc.shop.svc.cluster.local", "shop/cart 1.0"),
      (nil, "cart-svc.shop.svc.cluster.local:8080", "shop/cart 1.0"),
      (nil, "cart-svc.shop.svc", "shop/cart 1.0"),
      (nil, "cart-0.cart-svc.shop.svc.cluster.local", "shop/cart 1.0"),
      ("shop", "cart:8080", "shop/cart 1.0"),
      (nil, "web.other", "other/web 1.0"),
      (nil, "cart.nowhere", unknown),
      (nil, "10.0.0.1", unknown),
      (nil, "", unknown),
      (nil, ".svc", unknown),
    ] as [(String?, String, String)]
  )
  func meanings(namespace: String?, name: String, expected: String) throws {
    let resolution = try Self.resolver().resolution(of: TrafficEndpoint(namespace: namespace, name: name))
    #expect(Self.text(resolution.meaning) == expected)
  }

  @Test(
    "without a namespace is looked for where its caller is, then in default, then everywhere",
    arguments: [
      ("web", "other", "workload other/web"),
      ("web", "shop", "workload default/web"),
      ("twin", "b", "workload b/twin"),
      ("redis", "data", "workload data/redis"),
      ("redis", "shop", "Service shop/redis"),
      ("cart:80", "data", "workload shop/cart"),
      ("cart-0.cart-svc", "shop", "Service shop/cart-svc"),
      ("postgres.data", "shop", "workload data/postgres"),
      ("pg-0.pg.data", "shop", "Service data/pg"),
      ("orders-db", "shop", "Service shop/orders-db for pg.data.svc.cluster.local: Service data/pg"),
      ("bank", "shop", "the Service shop/bank stands for api.bank.example"),
    ]
  )
  func callers(name: String, caller: String, evidence: String) throws {
    let endpoint = TrafficEndpoint(namespace: nil, name: name)
    #expect(try Self.resolver().resolution(of: endpoint, callerIn: caller).evidence == evidence)
  }

  @Test(
    "that only callers give is looked up by Service, port, pod and address of a Service, in this order",
    arguments: [
      // A Service goes before a workload of its name.
      (TrafficEndpoint(namespace: "data", name: "redis", isPeer: true), "Service data/redis"),
      (TrafficEndpoint(namespace: nil, name: "redis", isPeer: true), "Service shop/redis"),
      (TrafficEndpoint(namespace: nil, name: "reviews-v1", isPeer: true), "workload shop/reviews-v1"),
      // The host where the name is of nothing in the cluster; the name of a database is not its host's.
      (
        TrafficEndpoint(namespace: nil, name: "orders", isPeer: true, host: "pg.data", port: 5432), "Service data/pg"
      ),
      (
        TrafficEndpoint(namespace: nil, name: "orders", isPeer: true, host: "db.example.com", port: 5432),
        "no Service, pod or address of the cluster"
      ),
      // The port where there is no host.
      (TrafficEndpoint(namespace: nil, name: "orders", isPeer: true, port: 5432), "port 5432 of Service data/pg"),
      (TrafficEndpoint(namespace: nil, name: "cache", isPeer: true, port: 6379), "port 6379 of Service shop/redis"),
      (TrafficEndpoint(namespace: nil, name: "x", isPeer: true, port: 80), "no Service, pod or address of the cluster"),
      // Addresses.
      (
        TrafficEndpoint(namespace: nil, name: "10.1.0.1:8080", isPeer: true),
        "address 10.1.0.1 of pod shop/cart-6f7d-x2x4z"
      ),
      (TrafficEndpoint(namespace: nil, name: "10.96.0.2", isPeer: true), "address 10.96.0.2 of Service shop/redis"),
      (TrafficEndpoint(namespace: nil, name: "[FD00::2]:6379", isPeer: true), "address fd00::2 of Service shop/redis"),
      (
        TrafficEndpoint(namespace: nil, name: "::ffff:10.96.0.3", isPeer: true, port: 1),
        "address 10.96.0.3 of Service data/pg"
      ),
      (
        TrafficEndpoint(namespace: nil, name: "10.96.0.4", isPeer: true),
        "not planned: a Service that selects no planned workload"
      ),
      (TrafficEndpoint(namespace: nil, name: "10.1.0.9", isPeer: true), "not planned: a bare pod"),
      // Pods on their node's network share its address.
      (
        TrafficEndpoint(namespace: nil, name: "192.168.0.1", isPeer: true, port: 5432),
        "address 192.168.0.1 of pod data/pg-0"
      ),
      (TrafficEndpoint(namespace: nil, name: "192.168.0.1:9100", isPeer: true), "not planned: a DaemonSet"),
      (
        TrafficEndpoint(namespace: nil, name: "192.168.0.1", isPeer: true),
        "ambiguous: several pods have the address 192.168.0.1; say which with --map"
      ),
      (
        TrafficEndpoint(namespace: nil, name: "api.stripe.com", isPeer: true),
        "no Service, pod or address of the cluster"
      ),
      // A node's address is not that of a pod there which names other ports.
      (
        TrafficEndpoint(namespace: nil, name: "192.168.0.2", isPeer: true, port: 8080),
        "address 192.168.0.2 of pod shop/reviews-v1-0"
      ),
      (
        TrafficEndpoint(namespace: nil, name: "192.168.0.2:31000", isPeer: true),
        "no Service, pod or address of the cluster"
      ),
      (
        TrafficEndpoint(namespace: nil, name: "192.168.0.2", isPeer: true),
        "address 192.168.0.2 of pod shop/reviews-v1-0"
      ),
      // A database's name is none of a Service's.
      (
        TrafficEndpoint(namespace: nil, name: "redis", isPeer: true, isDatabase: true),
        "no Service, pod or address of the cluster"
      ),
      (
        TrafficEndpoint(namespace: nil, name: "redis", isPeer: true, port: 5432, isDatabase: true),
        "port 5432 of Service data/pg"
      ),
      // A Service without the port is not meant, nor is a workload of its name.
      (
        TrafficEndpoint(namespace: nil, name: "cart", isPeer: true, port: 5432), "port 5432 of Service data/pg"
      ),
      (TrafficEndpoint(namespace: nil, name: "cart", isPeer: true, port: 80), "Service shop/cart"),
      (
        TrafficEndpoint(namespace: nil, name: "redis.shop:80", isPeer: true),
        "no Service, pod or address of the cluster"
      ),
      (TrafficEndpoint(namespace: nil, name: "bus.data", isPeer: true, port: 29092), "Service data/bus"),
      // A host of elsewhere goes before a name.
      (
        TrafficEndpoint(namespace: nil, name: "redis", isPeer: true, host: "ext.payments.com", port: 6379),
        "no Service, pod or address of the cluster"
      ),
      (
        TrafficEndpoint(namespace: nil, name: "redis", isPeer: true, host: "redis.shop.svc.cluster.local", port: 6379),
        "Service shop/redis"
      ),
      (TrafficEndpoint(namespace: nil, name: "redis", isPeer: true, host: "redis-0.redis"), "Service shop/redis"),
      // Ways to write the same.
      (TrafficEndpoint(namespace: nil, name: "redis.shop.", isPeer: true), "Service shop/redis"),
      (TrafficEndpoint(namespace: nil, name: "redis.shop.svc.cluster.local.:6379", isPeer: true), "Service shop/redis"),
      (TrafficEndpoint(namespace: nil, name: "REDIS", isPeer: true), "Service shop/redis"),
      (TrafficEndpoint(namespace: nil, name: "Redis.Shop", isPeer: true), "Service shop/redis"),
      (
        TrafficEndpoint(namespace: nil, name: "fd00:0:0:0:0:0:0:2", isPeer: true),
        "address fd00::2 of Service shop/redis"
      ),
      (
        TrafficEndpoint(namespace: nil, name: "[fd00::3%eth0]:8080", isPeer: true),
        "address fd00::3 of pod shop/reviews-v2-0"
      ),
    ]
  )
  func peers(endpoint: TrafficEndpoint, evidence: String) throws {
    #expect(try Self.resolver().resolution(of: endpoint, callerIn: "shop").evidence == evidence)
  }

  @Test(
    "of a pod means its workload, also after the pod has gone",
    arguments: [
      ("cart-6f7d-x2x4z", "pod shop/cart-6f7d-x2x4z"),
      ("cart-5d9c7c9b8f-zzzzz", "pod name like those of workload shop/cart"),
      ("cart-0", "pod name like those of workload shop/cart"),
      ("reviews-v1-zzzzz", "pod name like those of workload shop/reviews-v1"),
      ("cart-abcde-zzzzz", unknown),
      ("cart-", unknown),
      ("-0", unknown),
    ]
  )
  func pods(name: String, evidence: String) throws {
    let endpoint = TrafficEndpoint(namespace: "shop", name: name)
    #expect(try Self.resolver().resolution(of: endpoint).evidence == evidence)
  }

  @Test("that is in very many namespaces is ambiguous, and only some of them are listed")
  func manyNamespaces() throws {
    let resolver = try EndpointResolver(
      workloads: (100..<3100).map { Self.workload("ns\($0)/redis", 1, app: "redis") }, nodes: [])
    let meaning = resolver.resolution(of: TrafficEndpoint(namespace: nil, name: "redis")).meaning
    #expect(
      meaning
        == .outside(
          reason: "ambiguous: ns100/redis, ns1000/redis, ns1001/redis and 2997 more; say which with --map"))
  }

  @Test("of very many is found by its port in time that does not grow with the Services", .timeLimit(.minutes(1)))
  func manyPorts() throws {
    let names = (0..<5000).map { Self.name("shop/w\($0)") }
    let resolver = try EndpointResolver(
      workloads: names.map { .init(name: $0, replicas: 1) },
      services: names.indices.map { .init(name: names[$0], workloads: [$0], ports: [80]) }, nodes: [])
    for peer in 0..<50_000 {
      let endpoint = TrafficEndpoint(namespace: nil, name: "p\(peer)", isPeer: true, port: 80)
      #expect(resolver.resolution(of: endpoint, callerIn: "shop").evidence == Self.unknownPeer)
    }
  }

  @Test("that the dump marks as outside is outside, even if a workload is called so")
  func outside() throws {
    let endpoint = TrafficEndpoint(namespace: "shop", name: "cart", isOutside: true)
    #expect(Self.text(try Self.resolver().resolution(of: endpoint).meaning) == "outside by the dump")
  }

  @Test(
    "means what the map says",
    arguments: [
      ("old: shop/cart", "shop", "old", "shop/cart 1.0"),
      ("old: all-reviews", nil, "old", "shop/reviews-v1 0.25, shop/reviews-v2 0.75"),
      ("cart: outside", "shop", "cart", "outside by the map"),
      ("db.example.com: {node: node-1}", nil, "db.example.com", "on node-1"),
      ("x/old: shop/cart\nold: outside", "x", "old", "shop/cart 1.0"),
      ("x/old: shop/cart\nold: outside", "y", "old", "outside by the map"),
      (#"{"old": "shop/cart"}"#, nil, "old", "shop/cart 1.0"),
      ("other: outside", "shop", "cart", "shop/cart 1.0"),
    ] as [(String, String?, String, String)]
  )
  func mapped(map: String, namespace: String?, name: String, expected: String) throws {
    let endpoint = TrafficEndpoint(namespace: namespace, name: name, isOutside: name.hasPrefix("db"))
    #expect(Self.text(try Self.resolver(map).resolution(of: endpoint).meaning) == expected)
  }

  @Test(
    "that the map gets wrong is refused with file and line",
    arguments: [
      ("\nold: shop/chart", "map.yaml:2: 'shop/chart': \(unknown); expected a workload or Service"),
      (
        "old: twin",
        "map.yaml:1: 'twin': ambiguous: a/twin, b/twin; say which with --map; expected a workload or Service"
      ),
      ("db: {node: node-9}", "map.yaml:1: 'node-9' is no node of the cluster"),
      ("db:\n  zone: a", "map.yaml:2: found an object, 'db' expects namespace/workload, outside or {node: NODE}"),
      ("db: [a]", "map.yaml:1: found a list, 'db' expects namespace/workload, outside or {node: NODE}"),
      ("db:", "map.yaml:1: found nothing, 'db' expects namespace/workload, outside or {node: NODE}"),
      ("- a", "map.yaml:1: found a list, expected 'name: namespace/workload', 'name: outside' or 'name: {node: NODE}'"),
      ("a: b\na: c", "map.yaml: "),
      ("a: [", "map.yaml:2: did not find expected node content"),
      ("a: {b: 1}\n? [c]\n: outside", "map.yaml:2: found a key that is no text"),
    ]
  )
  func refused(map: String, expected: String) throws {
    let error = try #require(throws: PlanningError.self) { try Self.resolver(map) }
    #expect(error.code == .badMap)
    #expect(error.message.hasPrefix(expected), "\(error.message)")
  }

  @Test("is looked for in maps that are bounded, whatever aliases stand for in them", .timeLimit(.minutes(1)))
  func bombs() throws {
    var bomb = "a0: &a0 [x, y]\n"
    for i in 1..<40 { bomb += "a\(i): &a\(i) [*a\(i - 1), *a\(i - 1)]\n" }
    for map in [bomb, bomb + "? *a39\n: outside\n", "a0: &a0 [x, y]\n? *a0\n: outside\n"] {
      #expect(try #require(throws: PlanningError.self) { try Self.resolver(map) }.code == .badMap)
    }
    let deep = try #require(throws: PlanningError.self) {
      try Self.resolver("a: " + String(repeating: "[", count: 100_000))
    }
    #expect(deep.message == "map.yaml:1: found nesting deeper than 200, expected less")
    let long = try #require(throws: PlanningError.self) { try Self.resolver(String(repeating: "x", count: 10_000)) }
    #expect(long.message.count < 300)
  }
}
