import Placement
import Testing
import Traffic

@testable import Planner

@Suite("kube-scheduler without Tonari")
struct DefaultSchedulerTests {
  private func scheduler(_ manifests: String) throws -> DefaultScheduler {
    DefaultScheduler(try PlanInput(ClusterProblem(snapshot(manifests)), TrafficGraph()))
  }

  @Test("spreads a workload over zones and nodes, and prefers the emptier node")
  func scores() throws {
    let nodes = node("a", zone: "east") + node("b", zone: "east") + node("c", zone: "west")
    var scheduler = try scheduler(nodes + workload("web", replicas: 3) + workload("db", requests: "cpu: 1"))
    #expect(scheduler.scores(of: 0, on: [0, 1, 2]) == scheduler.scores(of: 0, on: [1, 2, 0]))
    scheduler.bind(0, to: 0)
    let second = scheduler.scores(of: 0, on: [0, 1, 2])
    #expect(second[2] > second[1] && second[1] > second[0])
    // Another workload is not spread against this one; it goes where more is left.
    let other = scheduler.scores(of: 1, on: [0, 1, 2])
    #expect(other[0] < other[1] && other[1] == other[2])
  }

  @Test(
    "scores as the formulas of the plugins say",
    arguments: [
      // 1 of 4 cpus and 200 MiB, which a pod without a request for memory counts as, of 8 GiB:
      // (75 + 97) / 2 left, |0.25 − 0.0244| / 2 apart; nothing to spread against.
      ("cpu: \"1\"", 86 + 88 + 200),
      // 2 of 4 cpus and 4 of 8 GiB: half is left of both.
      ("cpu: \"2\", memory: 4Gi", 50 + 100 + 200),
    ]
  )
  func formulas(requests: String, score: Int) throws {
    let other = workload("other", requests: "memory: 1Gi")
    let scheduler = try scheduler(node("a") + workload("web", requests: requests) + other)
    #expect(scheduler.scores(of: 0, on: [0]) == [score])
  }

  @Test("lets chance, by its seed, decide between nodes that score the same, and takes none of none")
  func choice() throws {
    var scheduler = try scheduler(node("a") + node("b") + node("c") + workload("web"))
    let chosen = Set((0..<50).compactMap { _ in scheduler.choose(among: [0, 1, 2], scores: [7, 3, 7]) })
    #expect(chosen == [0, 2])
    #expect(scheduler.choose(among: [], scores: []) == nil)
  }
}
