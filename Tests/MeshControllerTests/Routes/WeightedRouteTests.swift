import Formats
import Foundation
import Kubernetes
import Model
import Overflow
import Testing

@testable import Fleet
@testable import MeshController

@Suite("The patch of a route")
struct WeightedRouteTests {
  static func policy(_ kind: OverflowPolicy.Route.Kind = .virtualService, neighbours: Int = 2) -> OverflowPolicy {
    let neighbours = (0..<neighbours).map {
      OverflowPolicy.Neighbour(name: "edge-\($0)", host: "cart.edge-\($0).example")
    }
    return OverflowPolicy(
      key: ObjectKey(namespace: "shop", name: "cart"),
      spec: .init(
        service: "cart", capacity: .perMinute(540), neighbours: neighbours, route: .init(kind: kind, name: "cart")))
  }

  static func route(_ destinations: [(host: String, weight: Int?)], _ kind: OverflowPolicy.Route.Kind) -> JSONValue {
    let list = destinations.map { host, weight -> JSONValue in
      var value: JSONValue =
        kind == .virtualService ? ["destination": ["host": .string(host)]] : ["name": .string(host), "port": 80]
      value["weight"] = weight.map { .integer(Int64($0)) }
      return value
    }
    let fields = kind.fields
    return ["spec": .object([fields.rules: [.object([fields.destinations: .array(list)])]])]
  }

  static func patched(_ object: JSONValue, _ policy: OverflowPolicy, _ split: Split) throws -> JSONValue {
    let route = try #require(policy.spec.route)
    let operations = WeightedRoute(object, route, of: policy).patch { parts in
      let weights = MeshWeights(split, total: parts)
      return (weights.local, weights.remote)
    }
    return try JSONPatch.apply(operations, to: object)
  }

  static func weights(_ object: JSONValue, _ kind: OverflowPolicy.Route.Kind, rule: Int = 0) -> [Int64?] {
    let fields = kind.fields
    return object["spec"]?[fields.rules]?.array?[rule][fields.destinations]?.array?.map { $0["weight"]?.integer } ?? []
  }

  @Test(
    "Weights are parts of a thousand, and only those of the policy's own destinations",
    arguments: [
      ([("cart", 100), ("cart.edge-0.example", 0), ("cart.edge-1.example", 0)], [500, 300, 200]),
      (
        [("cart.shop.svc.cluster.local", nil), ("cart.edge-0.example", nil), ("cart.edge-1.example", nil)],
        [500, 300, 200]
      ),
      // Without the second neighbour in the route its part stays here.
      ([("cart.shop", 1), ("cart.edge-0.example", 0)], [700, 300]),
      // Others keep their share, and their weights where these are large enough to tell the split by.
      ([("cart", 1), ("cart.edge-0.example", 0), ("other", 1)], [700, 300, 1000]),
      ([("cart", 1), ("other", 3), ("cart.edge-0.example", 0), ("cart.edge-1.example", 0)], [500, 3000, 300, 200]),
      ([("cart", 90), ("other", 10), ("cart.edge-0.example", 0), ("cart.edge-1.example", 0)], [45, 10, 27, 18]),
      ([("cart", 0), ("other", 10), ("cart.edge-0.example", 0)], [0, 10, 0]),
      // All zero is nobody's wish.
      ([("cart", 0), ("cart.edge-0.example", 0), ("cart.edge-1.example", 0)], [500, 300, 200]),
    ] as [([(String, Int?)], [Int64])])
  func examples(destinations: [(String, Int?)], expected: [Int64]) throws {
    let split = Split(local: 0.5, remote: [0.3, 0.2])
    let object = Self.route(destinations.map { ($0.0, $0.1) }, .virtualService)
    #expect(Self.weights(try Self.patched(object, Self.policy(), split), .virtualService) == expected)
  }

  @Test("Rules without the service or without a neighbour, and those that are not named, stay as they are")
  func otherRules() throws {
    var policy = Self.policy()
    let split = Split(local: 0.5, remote: [0.5, 0])
    let object = try YAMLValue.read(
      """
      spec:
        hosts: [a.example]
        tcp: [{route: [{destination: {host: cart}}]}]
        http:
        - {name: arrived, route: [{destination: {host: cart}}]}
        - {name: split, match: [{uri: {prefix: /x}}], timeout: 3s, route: [{destination: {host: cart, subset: v1}, weight: 1},
           {destination: {host: cart.edge-0.example}, headers: {request: {set: {a: b}}}}]}
        - {name: away, route: [{destination: {host: cart.edge-0.example}}]}
        - {name: again, route: [{destination: {host: cart}}, {destination: {host: cart.edge-0.example}, weight: 5}]}
        - {redirect: {uri: /}}
      """)
    var expected = object
    func set(_ rule: Int, _ weights: [Int64]) throws {
      var rules = try #require(expected["spec"]?["http"]?.array)
      var list = try #require(rules[rule]["route"]?.array)
      for (k, weight) in weights.enumerated() { list[k]["weight"] = .integer(weight) }
      rules[rule]["route"] = .array(list)
      expected["spec"]?["http"] = .array(rules)
    }
    try set(1, [500, 500])
    var named = policy
    named.spec.route?.rules = ["split"]
    #expect(try Self.patched(object, named, split) == expected)
    try set(3, [500, 500])
    #expect(try Self.patched(object, policy, split) == expected)
    policy.spec.route?.rules = ["none"]
    #expect(WeightedRoute(object, try #require(policy.spec.route), of: policy).isEmpty)
  }

  @Test("However large weights are, none grows above what a route may have, and others keep their share")
  func largeWeights() throws {
    typealias Destinations = [(host: String, weight: Int?)]
    let most = Int(Int32.max)
    let edge = "cart.edge-0.example"
    func subsets(_ count: Int, _ weight: (Int) -> Int) -> Destinations { (0..<count).map { ("cart", weight($0)) } }
    let inIstio: [Destinations] = [
      [("cart", most), ("cart", 700_000_000), (edge, 1_447_483_000), ("other", 1)],
      [("cart", most), (edge, 700_000_000), ("other", 1)],
      subsets(100) { _ in most } + [(edge, most), ("other", most)],
      subsets(100) { most - $0 * $0 } + [(edge, most), ("other", 1)],
      subsets(100) { most - $0 * $0 } + [(edge, most)],
    ]
    let inGateways: [Destinations] = [
      [("cart", 997), ("cart", 1), (edge, 900), ("other", 1)],
      [("cart", 600_001), (edge, 500_000), ("other", 1)],
      [("cart", 600_001), ("cart", 600_000), (edge, 0)],
      subsets(14) { 1_000_000 - $0 } + [(edge, 1_000_000), ("other", 1_000_000)],
    ]
    let cases: [(OverflowPolicy.Route.Kind, Int64, Destinations)] =
      inIstio.map { (.virtualService, 2_147_483_647, $0) } + inGateways.map { (.httpRoute, 1_000_000, $0) }
    for (kind, limit, destinations) in cases {
      let object = Self.route(destinations, kind)
      let before = Self.weights(object, kind).compactMap { $0 }
      for local in [0, 0.001, 0.5, 0.999, 1] {
        let patched = try Self.patched(
          object, Self.policy(kind, neighbours: 1), Split(local: local, remote: [1 - local]))
        let after = Self.weights(patched, kind).compactMap { $0 }
        #expect(after.allSatisfy { $0 >= 0 && $0 <= limit }, "\(before) \(after)")
        guard destinations.last?.host == "other", let then = before.last, let now = after.last else { continue }
        let isKept =
          now.multipliedFullWidth(by: before.reduce(0, +)) == then.multipliedFullWidth(by: after.reduce(0, +))
        #expect(isKept, "\(before) \(after)")
      }
    }
  }

  @Test("Large weights that all divide by one number are split as the small ones that they stand for")
  func divisibleWeights() throws {
    let object = Self.route([("cart", 600_000), ("cart.edge-0.example", 500_000), ("other", 550_000)], .httpRoute)
    let policy = Self.policy(.httpRoute, neighbours: 1)
    for local in [0, 0.25, 1] {
      let weights = Self.weights(
        try Self.patched(object, policy, Split(local: local, remote: [1 - local])), .httpRoute
      ).compactMap { $0 }
      #expect(weights.count == 3 && weights.allSatisfy { $0 <= 1_000_000 }, "\(weights)")
      #expect(weights[2] * 2 == weights[0] + weights[1], "\(weights)")
      #expect(abs(Double(weights[0]) / Double(weights[0] + weights[1]) - local) < 0.001, "\(weights)")
    }
  }

  @Test("What is told of a route is what its weights are")
  func told() throws {
    let policy = Self.policy()
    let route = try #require(policy.spec.route)
    // A weight of at most a million tells no fifth of a millionth.
    let object = Self.route([("cart", 1), ("cart.edge-0.example", 0), ("other", 1_000_000)], .virtualService)
    for (local, expected) in [(0.8, 1.0), (0.2, 0.0)] {
      let split = Split(local: local, remote: [1 - local, 0])
      let shares = WeightedRoute(object, route, of: policy).shares(after: { parts in
        let weights = MeshWeights(split, total: parts)
        return (weights.local, weights.remote)
      })
      let patched = try Self.patched(object, policy, split)
      #expect(shares?.local == expected && shares?.remote == [1 - expected, 0])
      #expect(WeightedRoute(patched, route, of: policy).shares?.local == expected)
    }
  }

  @Test("A split that is there already is not written again, in whatever numbers")
  func unchanged() throws {
    for weights in [[100, 0, 0], [1, 0, 0], [1000, 0, 0]] {
      let object = Self.route(
        [("cart", weights[0]), ("cart.edge-0.example", weights[1]), ("cart.edge-1.example", weights[2])],
        .virtualService)
      let route = try #require(Self.policy().spec.route)
      #expect(WeightedRoute(object, route, of: Self.policy()).patch { ($0, [0, 0]) }.isEmpty)
    }
  }

  @Test("A patch does not apply to destinations that have changed since they were read")
  func tests() throws {
    let policy = Self.policy()
    let object = Self.route([("cart", 100), ("cart.edge-0.example", 0)], .virtualService)
    let operations = WeightedRoute(object, try #require(policy.spec.route), of: policy).patch { ($0 / 2, [$0 / 2, 0]) }
    #expect(operations.count == 3)
    let others = [
      [("cart.edge-0.example", 0), ("cart", 100)], [("cart", 99), ("cart.edge-0.example", 0)],
      [("new", 1), ("cart", 100), ("cart.edge-0.example", 0)],
    ]
    for other in others {
      #expect(throws: JSONPatch.Fault.self) {
        try JSONPatch.apply(operations, to: Self.route(other.map { ($0.0, $0.1) }, .virtualService))
      }
    }
  }

  @Test(
    "Whatever the route and the split: within a point of it, never below zero nor all zero, others keep their share")
  func properties() throws {
    var generator = SeededGenerator(seed: 6)
    for _ in 0..<600 {
      let kind: OverflowPolicy.Route.Kind = Bool.random(using: &generator) ? .virtualService : .httpRoute
      let policy = Self.policy(kind, neighbours: Int.random(in: 1...3, using: &generator))
      let subsets = Int.random(in: 1...3, using: &generator)
      let foreign = Int.random(in: 0...2, using: &generator)
      var destinations: [(host: String, weight: Int?)] = (0..<subsets).map { _ in
        ("cart", Int.random(in: 0...20, using: &generator))
      }
      destinations += policy.spec.neighbours.map { ($0.host, Int.random(in: 0...20, using: &generator)) }
      destinations += (0..<foreign).map { ("other-\($0)", Int.random(in: 0...20, using: &generator)) }
      destinations.shuffle(using: &generator)
      var object = Self.route(destinations, kind)
      let before = Self.weights(object, kind).map { $0 ?? 0 }
      func places(_ host: String) -> [Int] { destinations.indices.filter { destinations[$0].host == host } }
      let own = places("cart") + policy.spec.neighbours.flatMap { places($0.host) }
      let others = destinations.indices.filter { !own.contains($0) }

      for _ in 0..<4 {
        var shares = policy.spec.neighbours.map { _ in
          Bool.random(using: &generator) ? Double.random(in: 0...1, using: &generator) : 0
        }
        let local = Bool.random(using: &generator) ? Double.random(in: 0.01...1, using: &generator) : 1
        let sum = local + shares.reduce(0, +)
        shares = shares.map { $0 / sum }
        object = try Self.patched(object, policy, Split(local: local / sum, remote: shares))
        let after = Self.weights(object, kind).map { $0 ?? 0 }
        #expect(after.allSatisfy { $0 >= 0 && $0 <= 1_000_000 })
        let total = own.reduce(0) { $0 + after[$1] }
        let whole = before.reduce(0, +)
        for place in others {
          #expect(after[place] * max(1, whole) == before[place] * after.reduce(0, +), "\(before) \(after)")
        }
        // What gets nothing of what there is gets nothing of the policy either.
        if others.contains(where: { before[$0] > 0 }), own.allSatisfy({ before[$0] == 0 }) {
          #expect(total == 0)
          continue
        }
        #expect(total > 0)
        for (k, neighbour) in policy.spec.neighbours.enumerated() {
          let weight = places(neighbour.host).reduce(0) { $0 + after[$1] }
          #expect(abs(Double(weight) / Double(total) - shares[k]) < 0.0025, "\(before) \(after) \(shares)")
          if shares[k] == 0 { #expect(weight == 0) }
        }
        // What the service's destinations are to each other stays.
        let (then, now) = (places("cart").map { before[$0] }, places("cart").map { after[$0] })
        if then.contains(where: { $0 > 0 }) {
          for (a, b) in zip(then, now) {
            #expect(a * now.reduce(0, +) == b * then.reduce(0, +), "\(then) \(now)")
          }
        }
      }
    }
  }

  @Test("Whatever an object holds, it is read")
  func nonsense() throws {
    var generator = SeededGenerator(seed: 8)
    let text = String(
      decoding: try JSONEncoder().encode(
        Self.route([("cart", 1), ("cart.edge-0.example", 2), ("other", 3)], .virtualService)), as: UTF8.self)
    let pieces = ["null", "[]", "{}", "-5", "1e30", "\"x\"", "9223372036854775807"]
    for _ in 0..<500 {
      var mutated = text
      for digit in ["1", "2", "3", "{", "\"cart\""] where Bool.random(using: &generator) {
        guard let range = mutated.range(of: digit), digit != "{" else { continue }
        mutated.replaceSubrange(range, with: pieces[Int.random(in: 0..<pieces.count, using: &generator)])
      }
      guard let object = try? JSONDecoder().decode(JSONValue.self, from: Data(mutated.utf8)) else { continue }
      _ = try? Self.patched(object, Self.policy(), Split(local: 0.4, remote: [0.5, 0.1]))
    }
  }
}
