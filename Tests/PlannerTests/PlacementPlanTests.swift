import Foundation
import Testing

@testable import Planner

@Suite("A PlacementPlan")
struct PlacementPlanTests {
  static let plan = PlacementPlan(
    name: "shop",
    placements: [
      .init(
        workload: .init(kind: "Deployment", namespace: "default", name: "cart"),
        nodes: [.init(name: "node-1", replicas: 2), .init(name: "1e3", replicas: 1)]
      ),
      .init(workload: .init(kind: "StatefulSet", namespace: "null", name: "true"), nodes: []),
    ],
    status: .init(
      objective: 1234.5,
      lowerBound: 1.25e-9,
      gap: 0.028,
      optimal: false,
      traffic: .init(
        total: 51200,
        crossNode: 8100,
        localizedShare: .init(node: 0.842, zone: 0.91),
        unit: "bytesPerSecond",
        combined: "mean",
        matrices: [
          .init(
            name: "null", weight: 0.5, total: 1e9, crossNode: 0, localizedShare: .init(node: 1, zone: 1)),
          .init(name: "night", total: 7, crossNode: 7, localizedShare: .init(node: 0, zone: 0.25)),
        ]
      ),
      utilization: .init(max: 0.81, mean: 0.62),
      moves: 1,
      moveOrder: [
        .init(
          workload: .init(kind: "Deployment", namespace: "default", name: "cart"),
          replicas: 1,
          from: "node-2",
          to: "node-1"
        )
      ],
      solver: .init(seconds: 9.8, seed: .max)
    )
  )

  @Test("is the same after a trip through YAML and through JSON")
  func roundTrip() throws {
    let yaml = try Self.plan.yaml()
    #expect(try PlacementPlan(Data(yaml.utf8), file: "plan.yaml") == Self.plan)
    let json = try Self.plan.json()
    #expect(try PlacementPlan(Data(json.utf8), file: "plan.json") == Self.plan)
  }

  @Test("reads as in the format's definition: ordered keys, small objects on a line, no exponents")
  func layout() throws {
    let yaml = try Self.plan.yaml()
    #expect(
      yaml.hasPrefix(
        """
        apiVersion: tonari.dev/v1alpha1
        kind: PlacementPlan
        metadata: {name: shop}
        spec:
          placements:
          - workload: {kind: Deployment, namespace: default, name: cart}
            nodes:
            - {name: node-1, replicas: 2}

        """
      )
    )
    #expect(yaml.contains("objective: 1234.5\n"))
    #expect(yaml.contains("localizedShare: {node: 0.842, zone: 0.91}"))
  }

  @Test("written by hand needs no status")
  func noStatus() throws {
    let text = """
      apiVersion: tonari.dev/v1alpha1
      kind: PlacementPlan
      metadata: {name: by-hand}
      spec: {placements: []}
      """
    #expect(try PlacementPlan(Data(text.utf8), file: "plan.yaml").status == nil)
  }

  @Test(
    "that is wrong says where, what was found and what was expected",
    arguments: [
      ("kind: PlacementPlan", "apiVersion: found nothing"),
      ("[1, 2]", "expected an object"),
      (#"{"apiVersion": 1"#, "plan"),
      ("a: b: c", "1:5"),
      (header + "spec: {placements: {}}", "spec.placements: found another kind of value, expected a list"),
      (
        header + "spec: {placements: [{workload: {kind: D, namespace: n}}]}",
        "spec.placements[0].workload.name: found nothing"
      ),
      (
        placing("[{name: a, replicas: x}]"),
        "spec.placements[0].nodes[0].replicas: found a single value, expected a whole number"
      ),
      (placing("[{name: a, replicas: 0}]"), "spec.placements[0].nodes[0].replicas: found 0, expected 1 or more"),
      (
        placing("[{name: a, replicas: 1}, {name: a, replicas: 1}]"),
        "spec.placements[0].nodes[1]: node 'a' a second time"
      ),
      (header.replacing("v1alpha1", with: "v9"), "apiVersion: found 'tonari.dev/v9', expected 'tonari.dev/v1alpha1'"),
      (header.replacing("kind: PlacementPlan", with: "kind: Pod"), "kind: found 'Pod', expected 'PlacementPlan'"),
    ]
  )
  func errors(text: String, part: String) throws {
    let text = text.contains("spec") || !text.hasPrefix("apiVersion") ? text : text + "spec: {placements: []}\n"
    let error = try #require(throws: PlanningError.self) { try PlacementPlan(Data(text.utf8), file: "plan.yaml") }
    #expect(error.code == .badPlan)
    #expect(error.message.hasPrefix("plan.yaml: "))
    #expect(error.message.contains(part), "\(error.message)")
  }

  static let header = "apiVersion: tonari.dev/v1alpha1\nkind: PlacementPlan\nmetadata: {name: p}\n"

  static func placing(_ nodes: String) -> String {
    header + "spec: {placements: [{workload: {kind: D, namespace: n, name: w}, nodes: \(nodes)}]}"
  }

  @Test("cut or changed anywhere is read or refused, never worse")
  func mutations() throws {
    for text in [try Self.plan.yaml(), try Self.plan.json()] {
      let bytes = Array(text.utf8)
      for i in bytes.indices {
        var mutated = bytes
        mutated[i] = UInt8(truncatingIfNeeded: i &* 37)
        for data in [Data(mutated), Data(bytes.prefix(i))] {
          do {
            _ = try PlacementPlan(data, file: "p")
          } catch {
            #expect(error.code == .badPlan)
          }
        }
      }
    }
  }
}
