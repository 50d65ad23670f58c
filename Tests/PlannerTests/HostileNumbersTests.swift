import Foundation
import HostileNumbersTestSupport
import Kubernetes
import Placement
import Testing
import Yams

@testable import Planner

@Suite("Clusters and plans with any numbers")
struct HostileNumbersTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test("make a problem or an error, whose figures can be told")
  func clusters() throws {
    let text = try String(contentsOf: Self.root.appending(path: "manifests/examples/cluster.yaml"), encoding: .utf8)
    var problems = 0
    for variant in HostileNumbers.variants(of: text, most: 16) {
      var snapshot = ClusterSnapshot()
      guard (try? snapshot.read(Array(variant.text.utf8), source: "cluster")) != nil else { continue }
      problems += 1
      let cluster = ClusterProblem(snapshot)
      let figures = cluster.problem.evaluate(Assignment(placed: cluster.problem.current.map { $0 ?? [] }))
      #expect(figures.peakUtilization >= 0, "\(variant.place)")
      for conflict in cluster.conflicts() { #expect(!conflict.isEmpty, "\(variant.place)") }
    }
    #expect(problems > 0)
  }

  @Test("are the plan's own or refused, and read the same as the schema says")
  func plans() throws {
    let text = String(decoding: Data(try PlacementPlanTests.plan.json().utf8), as: UTF8.self)
    let count = HostileNumbers.variants(of: text).count { variant in
      (try? PlacementPlan(Data(variant.text.utf8), file: "plan.json")) != nil
    }
    #expect(count > 0)
  }

  @Test(
    "of replicas are within the schema's bounds", arguments: [0, 1, 2_147_483_647, 2_147_483_648, -1, Int.max, Int.min])
  func replicas(count: Int) throws {
    let file = Self.root.appending(path: "manifests/base/placementplans.yaml")
    let yaml = try #require(try Yams.load(yaml: String(contentsOf: file, encoding: .utf8)) as? [String: Any])
    let schema = try #require(Self.find("spec", in: yaml["spec"]))
    let bounds = try #require(Self.find("replicas", in: schema) as? [String: Any])
    let range = try #require(bounds["minimum"] as? Int)...(try #require(bounds["maximum"] as? Int))
    let plan = """
      {"apiVersion": "tonari.dev/v1alpha1", "kind": "PlacementPlan", "metadata": {"name": "p"}, "spec": {"placements": [
        {"workload": {"kind": "Deployment", "namespace": "d", "name": "w"}, "nodes": [{"name": "n", "replicas": \(count)}]}]}}
      """
    let isRead = (try? PlacementPlan(Data(plan.utf8), file: "p")) != nil
    #expect(isRead == range.contains(count))
  }

  /// The first value of a name in a tree.
  private static func find(_ name: String, in tree: Any?) -> Any? {
    if let fields = tree as? [String: Any] {
      return fields[name] ?? fields.sorted { $0.key < $1.key }.lazy.compactMap { find(name, in: $0.value) }.first
    }
    return (tree as? [Any])?.lazy.compactMap { find(name, in: $0) }.first
  }
}
