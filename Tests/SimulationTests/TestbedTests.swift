import Simulation
import Testing

@Suite("The testbed")
struct TestbedTests {
  private func p99(_ policy: SimulatedPolicy, load: Double, seeds: ClosedRange<Int>) -> Double {
    seeds.reduce(0) { $0 + Scenario.testbed.run(policy, load: load, seed: $1).p99Ms } / Double(seeds.count)
  }

  @Test("shows tonari near the oracle, and both far below least-request", arguments: [(0.7, 0.3), (1.05, 0.26)])
  func ratios(load: Double, most: Double) {
    let seeds = 1...4
    let leastRequest = p99(.leastRequest, load: load, seeds: seeds)
    let tonari = p99(.tonari, load: load, seeds: seeds)
    let oracle = p99(.oracle, load: load, seeds: seeds)
    #expect((300...2000).contains(leastRequest), "\(leastRequest)")
    #expect(tonari < most * leastRequest, "\(tonari) \(leastRequest)")
    #expect(tonari < 1.25 * oracle, "\(tonari) \(oracle)")
    #expect(oracle < 1.05 * tonari, "\(tonari) \(oracle)")
  }

  @Test("asks for its load, and the same again")
  func repeats() {
    let run = Scenario.testbed.run(.random, load: 0.7, seed: 3)
    #expect(abs(run.requests - 15_750) < 600)
    #expect(run == Scenario.testbed.run(.random, load: 0.7, seed: 3))
    #expect(run != Scenario.testbed.run(.random, load: 0.7, seed: 4))
    #expect(run.p50Ms <= run.p90Ms && run.p90Ms <= run.p99Ms && run.p99Ms <= run.p999Ms)
  }

  @Test("with two sinks loses few requests to them")
  func sinkhole() {
    for seed in 1...2 {
      let run = Scenario.sinkhole.run(.tonari, load: 0.8, seed: seed)
      #expect(run.errors < 100, "\(run)")
      #expect(run.requests > 17_000)
    }
    let without = Scenario.sinkhole.run(.random, load: 0.8, seed: 1)
    #expect(without.errors > 100, "\(without)")
  }
}
