import Simulation
import Testing

@Suite("Scenarios")
struct ScenarioTests {
  @Test("show round robin congested where tonari is not")
  func congestion() {
    let means = [SimulatedPolicy.roundRobin, .tonari].map { policy in
      [0.2, 0.8].map { Scenario.congestion.run(policy, load: $0, seed: 1).meanMs }
    }
    #expect(means[1][0] < means[0][0], "\(means)")
    #expect(means[1][1] * 10 < means[0][1], "\(means)")
    #expect(means[1][1] < 2 * means[1][0], "\(means)")
  }

  @Test("show balancers in sidecars drift as there are more of them, and shared selectors stay")
  func manySidecars() {
    let scenario = Scenario.manySidecars
    let alone = scenario.runs(.leastRequest, load: 0.9, seed: 1)
    #expect(alone.map(\.clients) == [1, 10, 100])
    #expect(alone[2].p99Ms > 2 * alone[0].p99Ms, "\(alone)")
    let shared = scenario.runs(.tonari, load: 0.9, seed: 1)
    #expect(shared.map(\.selectors) == [1, 3, 1, 3, 1, 3])
    #expect(shared[4].p99Ms < 1.15 * shared[0].p99Ms, "\(shared)")
    #expect(shared[5].p99Ms < 1.4 * shared[4].p99Ms, "\(shared)")
  }
}
