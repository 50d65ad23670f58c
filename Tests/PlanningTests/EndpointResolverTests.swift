import Foundation
import Planning
import Testing
import Topology
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
  ]

  static let services: [WorkloadName: [Int]] = [
    name("shop/cart-svc"): [0],
    name("shop/all-reviews"): [1, 2],
    name("shop/external"): [],
  ]

  static let unplanned = [name("ops/agent"): "a DaemonSet"]

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
    let meaning = try Self.resolver().meaning(of: TrafficEndpoint(namespace: namespace, name: name))
    #expect(Self.text(meaning) == expected)
  }

  @Test("that the dump marks as outside is outside, even if a workload is called so")
  func outside() throws {
    let meaning = try Self.resolver().meaning(of: TrafficEndpoint(namespace: "shop", name: "cart", isOutside: true))
    #expect(Self.text(meaning) == "outside by the dump")
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
    #expect(Self.text(try Self.resolver(map).meaning(of: endpoint)) == expected)
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
      ("a: [", "map.yaml: "),
    ]
  )
  func refused(map: String, expected: String) throws {
    let error = try #require(throws: PlanningError.self) { try Self.resolver(map) }
    #expect(error.code == .badMap)
    #expect(error.message.hasPrefix(expected), "\(error.message)")
  }
}
