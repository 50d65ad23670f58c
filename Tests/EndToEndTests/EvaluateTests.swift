import Foundation
import Planner
import Testing

@Suite("tonari evaluate")
struct EvaluateTests {
  @Test("finds in a plan the figures that the plan claims")
  func own() async throws {
    try await Fixtures.withFolder { folder in
      let options = ["--profile", "balanced", "-o", "json"] + Fixtures.example
      let planned = try await TonariProcess(["plan", "--effort", "1", "--out", "plan.yaml"] + options, in: folder)
        .result()
      let scored = try await TonariProcess(["evaluate", "--plan", "plan.yaml"] + options, in: folder).result()
      #expect(scored.status == 0, "\(scored.messages)")
      let claim = try PlacementPlan(planned.output, file: "plan")
      let score = try PlacementPlan(scored.output, file: "score")
      #expect(score.spec == claim.spec)
      #expect(score.status?.objective == claim.status?.objective)
      #expect(score.status?.traffic == claim.status?.traffic)
      #expect(score.status?.utilization == claim.status?.utilization)
      #expect(score.status?.moves == claim.status?.moves)
      #expect(score.status?.moveOrder == claim.status?.moveOrder)
      #expect(score.status?.lowerBound == nil)
    }
  }

  @Test("scores what runs now, which a plan betters")
  func running() async throws {
    let run = try await TonariProcess(["evaluate", "-o", "json"] + Fixtures.example).result()
    #expect(run.status == 0, "\(run.messages)")
    let now = try PlacementPlan(run.output, file: "now")
    #expect(now.status?.moves == 0)
    #expect(now.status?.violations == nil)
    let planned = try await TonariProcess(["plan", "--effort", "1", "-o", "json"] + Fixtures.example).result()
    let plan = try PlacementPlan(planned.output, file: "plan")
    let (before, after) = (try #require(now.status), try #require(plan.status))
    #expect(after.objective < before.objective)
    #expect(after.traffic.localizedShare.node > before.traffic.localizedShare.node + 0.2)
  }

  @Test("names what a plan breaks")
  func violations() async throws {
    try await Fixtures.withFolder { folder in
      let cluster = folder.appending(path: "cluster.yaml")
      try Fixtures.manifest(cpu: "3", replicas: 2).write(to: cluster)
      let plan = """
        apiVersion: tonari.dev/v1alpha1
        kind: PlacementPlan
        metadata: {name: by-hand}
        spec:
          placements:
          - workload: {kind: Deployment, namespace: default, name: web}
            nodes: [{name: node-1, replicas: 2}]
        """
      let run = try await TonariProcess.run(
        "evaluate", "--cluster", cluster.path, "--plan", "-", "-o", "json", input: Data(plan.utf8)
      )
      #expect(run.status == 0, "\(run.messages)")
      let score = try PlacementPlan(run.output, file: "score")
      let violations = try #require(score.status?.violations)
      #expect(violations == ["node-1: 6 CPU requested of 4 CPU"])
    }
  }
}
