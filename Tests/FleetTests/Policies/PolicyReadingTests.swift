import Formats
import Foundation
import Kubernetes
import Model
import Overflow
import Testing

@testable import Fleet

@Suite("Reading overflow policies")
struct PolicyReadingTests {
  static let whole = """
    apiVersion: tonari.dev/v1alpha1
    kind: OverflowPolicy
    metadata: {name: cart, namespace: shop}
    spec:
      service: cart
      capacity: {perPodPerMinute: 180}
      mode: perRequest
      dryRun: true
      maxHops: 2
      neighbours:
      - {name: edge-b, host: cart.edge-b.example, cost: 4, limitPerMinute: 300, capacity: {perMinute: 540}}
      - {name: cloud, host: "10.0.0.7:8080"}
      route: {kind: HTTPRoute, name: cart, owned: true, hosts: [cart.example], gateways: [istio-system/ingress], port: 8080}
      limits: {deadBand: 0.02, stepBack: 0.2, hold: 1m30s, unknownPerMinute: 30, distressResponse: 2.5}
      measure: {source: prometheus, demandQuery: a, responseTimeQuery: b, errorShareQuery: c}
      safeAfter: 90s
    """

  @Test("A file says all that there is to say")
  func wholeFile() throws {
    let policy = try #require(try OverflowPolicy.policies(Self.whole, file: "p.yaml").first)
    var spec = OverflowPolicy.Spec(
      service: "cart", capacity: .perPod(perMinute: 180),
      neighbours: [
        .init(name: "edge-b", host: "cart.edge-b.example", cost: 4), .init(name: "cloud", host: "10.0.0.7:8080"),
      ],
      route: .init(kind: .httpRoute, name: "cart"))
    spec.mode = .perRequest
    spec.isDryRun = true
    spec.maxHops = 2
    spec.neighbours[0].limitPerMinute = 300
    spec.neighbours[0].capacity = .perMinute(540)
    spec.route?.own = .init(hosts: ["cart.example"], gateways: ["istio-system/ingress"], port: 8080)
    spec.limits.deadBand = 0.02
    spec.limits.stepBack = 0.2
    spec.limits.holdSeconds = 90
    spec.limits.unknownPerMinute = 30
    spec.limits.distressResponse = 2.5
    spec.measure.source = .prometheus
    spec.measure.demandQuery = "a"
    spec.measure.responseTimeQuery = "b"
    spec.measure.errorShareQuery = "c"
    spec.safeAfter = .seconds(90)
    #expect(policy == OverflowPolicy(key: ObjectKey(namespace: "shop", name: "cart"), spec: spec))
    #expect(policy.service == "shop/cart")
  }

  @Test("What is left out has sane defaults")
  func defaults() throws {
    let text = """
      {"apiVersion": "tonari.dev/v1alpha1", "kind": "OverflowPolicy", "metadata": {"name": "p"},
       "spec": {"service": "cart", "capacity": {"perMinute": 540}, "neighbours": [{"name": "b", "host": "b"}],
        "route": {"kind": "VirtualService", "name": "cart"}}}
      """
    let policy = try #require(try OverflowPolicy.policies(text, file: "p.json").first)
    #expect(policy.key == ObjectKey(namespace: "default", name: "p"))
    #expect(policy.spec.mode == .weights)
    #expect(policy.spec.maxHops == 1)
    #expect(policy.spec.safeAfter == .seconds(60))
    #expect(policy.spec.neighbours[0].cost == 20)
    #expect(policy.spec.capacity.perMinute(readyPods: 3) == 540)
  }

  @Test("Several documents and lists are read in their order")
  func documents() throws {
    func policy(_ name: String) -> String {
      """
      {apiVersion: tonari.dev/v1alpha1, kind: OverflowPolicy, metadata: {name: \(name)}, spec: {service: \(name), \
      capacity: {perMinute: 1}, mode: perRequest, neighbours: [{name: edge-b, host: edge-b}]}}
      """
    }
    let text = "---\n\(policy("a"))\n---\n# nothing\n---\nkind: List\nitems:\n- \(policy("b"))\n- \(policy("c"))\n"
    #expect(try OverflowPolicy.policies(text, file: "f").map(\.key.name) == ["a", "b", "c"])
    #expect(throws: FileError.self) { try OverflowPolicy.policies(policy("a") + "\n---\n" + policy("a"), file: "f") }
  }

  @Test(
    "An error names the place, what was found and what was expected",
    arguments: [
      ("service: cart", "service: Cart", "line 5: spec.service: found 'Cart', expected a Service's name"),
      ("{perPodPerMinute: 180}", "{}", "spec.capacity: expected perMinute or perPodPerMinute"),
      (
        "{perPodPerMinute: 180}", "{perMinute: .nan}", "spec.capacity.perMinute: found '.nan', expected a number from 0"
      ),
      ("{perPodPerMinute: 180}", "{perMinute: -1}", "spec.capacity.perMinute: found '-1', expected a number from 0"),
      ("mode: perRequest", "mode: both", "spec.mode: found 'both', expected one of weights, perRequest"),
      ("dryRun: true", "dryrun: true", "spec.dryrun: unknown, expected one of service"),
      ("maxHops: 2", "maxHops: 99", "spec.maxHops: found '99', expected a whole number from 0 to 16"),
      ("name: cloud", "name: edge-b", "spec.neighbours[1]: found name 'edge-b' twice"),
      ("name: cloud", "name: a/b", "spec.neighbours[1].name: found 'a/b', expected a cluster's name"),
      ("cart.edge-b.example", "cart.shop", "spec.neighbours[0]: host: found 'cart.shop', which is the service itself"),
      (
        "cart.edge-b.example", #"'a"} or b'"#,
        #"spec.neighbours[0].host: found 'a"} or b', expected a DNS name or an address"#
      ),
      ("\"10.0.0.7:8080\"", "\"10.0.0.7:0\"", "spec.neighbours[1].host: found '10.0.0.7:0', expected a DNS name"),
      ("\"10.0.0.7:8080\"", "0x7f.1", "spec.neighbours[1].host: found '0x7f.1', expected a DNS name"),
      ("\"10.0.0.7:8080\"", "\"2130706433\"", "spec.neighbours[1].host: found '2130706433', expected a DNS name"),
      (
        "mode: perRequest", "mode: weights",
        "spec.neighbours[1].host: found '10.0.0.7:8080', expected a DNS name in lower"
      ),
      ("name: edge-b", "name: 'edge b'", "spec.neighbours[0].name: found 'edge b', expected a cluster's name"),
      ("hosts: [cart.example]", "hosts: ['*']", "spec.route.hosts[0]: found '*', expected a DNS name in lower case"),
      ("hosts: [cart.example]", "hosts: ['cart.example:80']", "spec.route.hosts[0]: found 'cart.example:80', expected"),
      ("istio-system/ingress", "Istio/ingress", "spec.route.gateways[0]: found 'Istio/ingress', expected name"),
      (
        "gateways: [istio", "neighbourGateways: [a], gateways: [istio",
        "spec.route.neighbourGateways: found, expected only with kind: VirtualService"
      ),
      (
        "HTTPRoute, name: cart", "HTTPRoute, name: ../cart",
        "spec.route.name: found '../cart', expected an object's name"
      ),
      ("namespace: shop", "namespace: 'shop/x'", "metadata.namespace: found 'shop/x', expected a Service's name"),
      ("cost: 4", "cost: x", "spec.neighbours[0].cost: found 'x', expected a number"),
      (
        "kind: HTTPRoute", "kind: Ingress",
        "spec.route.kind: found 'Ingress', expected one of VirtualService, HTTPRoute"
      ),
      (", owned: true", "", "spec.route.hosts: found, expected only with owned: true"),
      ("safeAfter: 90s", "safeAfter: 90", "spec.safeAfter: found '90', expected a duration"),
      ("safeAfter: 90s", "safeAfter: 1ms", "spec.safeAfter: found '1ms', expected a duration from"),
      ("stepBack: 0.2", "stepBack: 0", "spec.limits.stepBack: found '0', expected a number from 0.001 to 1"),
      ("source: prometheus", "source: envoy", "spec.measure.demandQuery: found, expected only with source: prometheus"),
      ("kind: OverflowPolicy", "kind: Policy", "kind: found 'Policy', expected 'OverflowPolicy'"),
      ("name: cart, namespace", "namespace", "metadata: name: found nothing, expected a value"),
      ("v1alpha1", "v9", "apiVersion: found 'tonari.dev/v9', expected 'tonari.dev/v1alpha1'"),
    ])
  func errors(from: String, to: String, message: String) throws {
    let range = try #require(Self.whole.range(of: from))
    let text = Self.whole.replacingCharacters(in: range, with: to)
    do {
      _ = try OverflowPolicy.policies(text, file: "p.yaml")
      Issue.record("taken")
    } catch {
      #expect(error.description.hasPrefix("p.yaml: "))
      #expect(error.description.contains(message), "\(error.description)")
    }
  }

  @Test("Weights want a route")
  func routeMissing() throws {
    let text = Self.whole.replacing("mode: perRequest", with: "mode: weights")
      .replacing("\"10.0.0.7:8080\"", with: "cloud.example").split(separator: "\n")
      .filter { !$0.contains("route:") }.joined(separator: "\n")
    do {
      _ = try OverflowPolicy.policies(text, file: "p")
      Issue.record("taken")
    } catch {
      #expect(error.description.contains("spec: route: found nothing"))
    }
  }

  @Test("An object of the API server reads as the file does")
  func object() throws {
    let file = try #require(try OverflowPolicy.policies(Self.whole, file: "p").first)
    var object = try JSONDecoder().decode(JSONValue.self, from: Data(Self.json(Self.whole).utf8))
    object["metadata"]?["uid"] = "1"
    object["status"] = ["conditions": []]
    #expect(try OverflowPolicy(RawObject(object)) == file)
    object["spec"]?["service"] = 7.5
    do {
      _ = try OverflowPolicy(RawObject(object))
      Issue.record("taken")
    } catch {
      #expect("\(error)".contains("OverflowPolicy shop/cart: line 1: spec.service: found '7.5'"), "\(error)")
    }
    object["spec"] = nil
    #expect(throws: FileError.self) { try OverflowPolicy(RawObject(object)) }
  }

  /// The YAML of these tests as JSON.
  static func json(_ yaml: String) throws -> String {
    let value = try YAMLTranscoding.value(yaml)
    return String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
  }

  @Test("Whatever the bytes are, reading ends with policies or an error that names the file")
  func fuzz() {
    var generator = SeededGenerator(seed: 20)
    let bytes = Array(Self.whole.utf8)
    for _ in 0..<1500 {
      var mutated = bytes
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let at = Int.random(in: 0..<mutated.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: mutated[at] = UInt8.random(in: 0...255, using: &generator)
        case 1: mutated.remove(at: at)
        default: mutated.insert(contentsOf: bytes[at % bytes.count..<min(bytes.count, at % bytes.count + 9)], at: at)
        }
      }
      do {
        for policy in try OverflowPolicy.policies(String(decoding: mutated, as: UTF8.self), file: "fuzz") {
          #expect(!policy.spec.neighbours.isEmpty)
          #expect(policy.spec.capacity.perMinute(readyPods: 1) >= 0)
        }
      } catch {
        #expect(error.description.hasPrefix("fuzz: "))
      }
    }
  }
}
