import ControlPlaneTestSupport
import Fleet
import Foundation
import Planner
import Testing

@testable import Formats
@testable import Kubernetes

/// Who writes an object that ends a daemon ends it with each restart, too.
@Suite(
  "Daemons that a signal ended", .serialized, .timeLimit(.minutes(5)),
  .enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
struct RestartTests {
  @Test("start again, and serve, while the objects are there that ended them once")
  func restart() async throws {
    let bed = try await ObjectBed()
    let good: JSONValue = [
      "capacity": ["perMinute": 540], "mode": "perRequest", "neighbours": [["name": "edge-b", "host": "10.9.9.9:443"]],
    ]
    try await bed.create(.overflowPolicies, bed.policy("canary", of: "canary", good))
    try await bed.create(.placementPlans, bed.plan("canary", workload: "canary"))

    var far = good
    far["safeAfter"] = "3000000h"
    try await bed.create(.overflowPolicies, bed.policy("far", of: "far", far))
    try await bed.createPod(
      "heavy", address: "10.1.0.1",
      annotations: [
        "tonari.dev/weight": "1e308", "tonari.dev/concurrency": "1e308",
        "tonari.dev/workload": .string(String(repeating: "9", count: 1000)),
      ])
    var huge = bed.plan("huge", workload: "huge", replicas: Int64(Int32.max))
    huge["spec"] = [
      "placements": .array(
        (0..<3).map { number in
          [
            "workload": ["kind": "Deployment", "namespace": "shop", "name": .string("huge-\(number)")],
            "nodes": .array(
              (0..<10).map { ["name": .string("node-\($0)"), "replicas": .integer(Int64(Int32.max))] }),
          ]
        })
    ]
    try await bed.create(.placementPlans, huge)

    var extender = try await ExtenderProcess(bed.plane)
    func expectServed(_ round: Int) async throws {
      try await bed.expectFollowed(canary: round)
      #expect(try await bed.told("far", 1, "of safeAfter")?.contains("safeAfter") == true)
      try await bed.expectPicks("10.1.0.1:80", of: "shop/heavy")
      try await bed.expectSaid("tonari.dev/weight")
      try await bed.expectPlanned(extender)
    }
    try await expectServed(1)
    // It leaves no time to give back a lease or a socket, as a trap does not.
    try await bed.restart()
    #expect(await extender.end(SIGKILL).isKilled)
    extender = try await ExtenderProcess(bed.plane)
    try await expectServed(2)
    #expect(await extender.end(SIGTERM).isKilled == false)
    await bed.stop()
  }
}
