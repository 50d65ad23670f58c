import ControlPlaneTestSupport
import Fleet
import Foundation
import Planner
import Testing
import TonariClient

@testable import Formats
@testable import Kubernetes

/// Sends the API server objects with generated specs, good and bad, while everything runs that follows them.
@Suite(
  "Objects with any values", .serialized, .timeLimit(.minutes(60)),
  .enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
struct GeneratedObjectTests {
  /// For how long each kind of object is generated, in seconds; `TONARI_OBJECT_SECONDS` asks for more.
  private static let seconds =
    ProcessInfo.processInfo.environment["TONARI_OBJECT_SECONDS"].flatMap { Double($0) } ?? 10
  private static let seed = ProcessInfo.processInfo.environment["TONARI_OBJECT_SEED"].flatMap { UInt64($0) } ?? 1

  @Test("An OverflowPolicy is refused, followed, or told what is wrong with it; the others are followed all the while")
  func overflowPolicies() async throws {
    let bed = try await ObjectBed()
    let good: JSONValue = [
      "service": "cart", "capacity": ["perMinute": 540], "safeAfter": "20s", "mode": "perRequest",
      "neighbours": [["name": "edge-b", "host": "10.9.9.9:443", "cost": 4]], "limits": ["hold": "1s", "stepBack": 0.5],
    ]
    var weighted = good
    weighted["mode"] = "weights"
    weighted["route"] = ["kind": "VirtualService", "name": "cart"]
    let schema = try ObjectBed.schema("overflow/overflowpolicies.yaml")
    var generator = ObjectGenerator(schema, seed: Self.seed)
    try await bed.create(.overflowPolicies, bed.policy("canary", of: "canary", good))
    try await bed.expectFollowed(canary: 1)

    var counts = Counts()
    let end = ContinuousClock.now + .seconds(Self.seconds)
    while ContinuousClock.now < end {
      let spec = generator.spec(near: counts.sent.isMultiple(of: 2) ? good : weighted)
      let text = ObjectGenerator.text(bed.policy("generated", of: nil, spec))
      switch try await bed.put(.overflowPolicies, "generated", text) {
      case .refused: counts.refused += 1
      case .taken(let generation):
        // Whatever it says, it is looked at, and a fault is said where users look.
        if try await bed.expectTold("generated", generation, text) {
          counts.followed += 1
        } else {
          counts.faulted += 1
        }
      }
      counts.sent += 1
      guard counts.sent.isMultiple(of: 20) else { continue }
      try await bed.expectFollowed(canary: counts.sent)
      try await bed.expectPicks()
    }
    try await bed.expectFollowed(canary: counts.sent + 1)
    try await bed.expectPicks()
    await bed.stop()
    print("OverflowPolicies: \(counts)")
    #expect(counts.refused > 0 && counts.followed > 0 && counts.faulted > 0, "\(counts)")
  }

  @Test("A PlacementPlan is refused, served, or left out; the others are served all the while")
  func placementPlans() async throws {
    let bed = try await ObjectBed()
    let share: JSONValue = [
      "workload": ["kind": "Deployment", "namespace": "shop", "name": "cart"],
      "nodes": [["name": "node-1", "replicas": 2], ["name": "node-2", "replicas": 1]],
    ]
    let good: JSONValue = ["placements": [share]]
    var generator = ObjectGenerator(try ObjectBed.schema("base/placementplans.yaml"), seed: Self.seed)
    try await bed.create(.placementPlans, bed.plan("canary", workload: "canary"))
    let extender = try await ExtenderProcess(bed.plane)
    try await bed.expectPlanned(extender)

    var counts = Counts()
    let end = ContinuousClock.now + .seconds(Self.seconds)
    while ContinuousClock.now < end {
      let object: JSONValue = [
        "apiVersion": .string(PlacementPlan.currentAPIVersion), "kind": .string(PlacementPlan.kind),
        "metadata": ["name": "generated"], "spec": generator.spec(near: good),
      ]
      switch try await bed.put(.placementPlans, "generated", ObjectGenerator.text(object)) {
      case .refused: counts.refused += 1
      case .taken: counts.followed += 1
      }
      counts.sent += 1
      if counts.sent.isMultiple(of: 20) { try await bed.expectPlanned(extender) }
    }
    // What was sent last has come by now where what comes after it has.
    try await bed.expectPlanned(extender)
    #expect(await extender.end(SIGTERM).isKilled == false)
    await bed.stop()
    print("PlacementPlans: \(counts)")
    #expect(counts.refused > 0 && counts.followed > 0, "\(counts)")
  }

  private struct Counts {
    var sent = 0
    /// By the API server.
    var refused = 0
    /// Taken, and good.
    var followed = 0
    /// Taken, and said to be wrong.
    var faulted = 0
  }
}
