import Foundation
import Kubernetes
import Overflow
import Testing
import Yams

@testable import OverflowController
@testable import OverflowPolicies

@Suite("The examples of policies and routes")
struct ExampleTests {
  @Test("What the manifests show can be followed", arguments: ["virtualservice", "httproute"])
  func examples(name: String) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../manifests/overflow")
    let text = try String(contentsOf: folder.appending(path: "examples/\(name).yaml"), encoding: .utf8)
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
