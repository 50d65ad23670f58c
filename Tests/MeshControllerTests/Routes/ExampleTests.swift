import Daemon
import Formats
import Foundation
import Kubernetes
import Overflow
import Testing
import Yams

@testable import Fleet
@testable import MeshController

@Suite("The examples of policies and routes")
struct ExampleTests {
  @Test(
    "Autoscalers ask for the demand by what Prometheus' own labels do not hide, or the example says what keeps them")
  func autoscaling() throws {
    let text = try String(contentsOf: Self.folder.appending(path: "examples/autoscaling.yaml"), encoding: .utf8)
    // A scraped metric's `namespace` and `service` are otherwise those of the target, the controller's own.
    #expect(text.contains(#"query: max(tonari_overflow_demand_per_minute{policy="shop/cart"})"#))
    #expect(text.contains("honorLabels: true"))
    let policy = WeightedRouteTests.policy()
    let decision = PolicyCourse.Decision(
      phase: .steering, split: Split(local: 1, remote: [0, 0]), isToBeWritten: true, demandPerMinute: 1080,
      capacityPerMinute: 540, neighbours: [], failing: [])
    let registry = MetricsRegistry()
    registry.collect { OverflowMetrics.figures([(policy, decision)]) }
    #expect(registry.text.contains(#"tonari_overflow_demand_per_minute{policy="shop/cart","#), "\(registry.text)")
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "../../../manifests/overflow")

  @Test("What the manifests show can be followed", arguments: ["virtualservice", "httproute"])
  func examples(name: String) throws {
    let text = try String(contentsOf: Self.folder.appending(path: "examples/\(name).yaml"), encoding: .utf8)
    let objects = try Yams.load_all(yaml: text).map { document in
      try JSONDecoder().decode(
        JSONValue.self, from: JSONSerialization.data(withJSONObject: document))
    }
    func object(_ kind: String) throws -> JSONValue { try #require(objects.first { $0["kind"]?.string == kind }) }
    let policy = try OverflowPolicy(RawObject(object(OverflowPolicy.kind)))
    let route = try #require(policy.spec.route)
    let found = try object(route.kind.rawValue)
    let patched = try WeightedRouteTests.patched(found, policy, Split(local: 0.25, remote: [0.75]))
    #expect(WeightedRouteTests.weights(patched, route.kind, rule: 0).compactMap { $0 }.isEmpty)
    #expect(WeightedRouteTests.weights(patched, route.kind, rule: 1) == [250, 750])
  }
}
