import Foundation
import Overflow
import Simulation
import Testing

@Suite("The ramp of the experiment on cooperative edges")
struct OverflowRampTests {
  private static let seeds = 1...6
  private static let baseline = run(.baseline)
  private static let lagging = run(.rpmMax540)
  private static let blind = run(.rpmMax390)
  private static let ours = run(.tonari)

  private static func run(_ policy: SimulatedOverflow) -> OverflowResult.Run {
    OverflowResult.Run(policy, seeds.map { OverflowWorld().run(policy, seed: $0) })
  }

  private func samples(_ run: OverflowResult.Run, _ minutes: Range<Double>) -> [OverflowResult.Sample] {
    run.series.filter { minutes.contains($0.minute) }
  }

  @Test("One pod is stable up to 180 requests a minute, rises from there, and breaks down from 250 on")
  func knees() throws {
    let curve = PodCurve(seeds: 20)
    var calibration = Calibration(from: 10, by: 30, upTo: 400)
    for step in curve.steps {
      calibration.note(
        Calibration.Step(
          perMinute: step.rpm, requests: Int(step.rpm) * 20, errors: Int(step.errorRate * step.rpm * 20),
          medianSeconds: step.meanMs / 1000))
    }
    // Steps are 30 apart: 160 and 190 lie around 180.
    let stable = try #require(calibration.finding.stablePerMinute)
    #expect((130...190).contains(stable))
    let usual = curve.steps[0].meanMs
    #expect(curve.steps.filter { $0.rpm <= 160 }.allSatisfy { $0.meanMs < 2 * usual && $0.errorRate == 0 })
    #expect(curve.steps.filter { $0.rpm >= 190 }.allSatisfy { $0.meanMs > 2 * usual })
    #expect(curve.steps.filter { $0.rpm <= 220 }.allSatisfy { $0.errorRate < 0.2 })
    #expect(curve.steps.filter { $0.rpm >= 250 }.allSatisfy { $0.errorRate > 0.5 })
  }

  @Test("Its figures with weights from the last minute come near those that were published")
  func published() throws {
    for (policy, run) in [(SimulatedOverflow.rpmMax540, Self.lagging), (.rpmMax390, Self.blind)] {
      let published = try #require(policy.published)
      #expect(abs(run.meanMs / Self.baseline.meanMs - published.mean) < 0.15, "\(policy): \(run.meanMs)")
      #expect(abs(run.errorRate / Self.baseline.errorRate - published.errors) < 0.1, "\(policy): \(run.errorRate)")
    }
  }

  @Test("The weights lag behind between 18 and 20 minutes with RPMmax 540, and ours do not")
  func lag() {
    let late = samples(Self.lagging, 19..<20.5).map(\.localRpm)
    #expect((late.max() ?? 0) > 570)
    // What an admission lets in, and half a second's burst spread over half a minute.
    #expect(samples(Self.ours, 17..<60).allSatisfy { $0.localRpm <= 550 })
  }

  @Test("The neighbour is overloaded after 30 minutes with RPMmax 390, and not where its headroom is heeded")
  func overload() {
    #expect(samples(Self.blind, 0..<30).allSatisfy { $0.remoteErrorRate < 0.01 })
    #expect((samples(Self.blind, 30..<50).map(\.remoteErrorRate).max() ?? 0) > 0.5)
    #expect(Self.run(.headroom).errorRate < Self.blind.errorRate / 4)
  }

  @Test("Ours has at most 3.7 percent of the baseline's median and less than 1 percent of its errors")
  func goal() {
    let ours = Self.ours
    #expect(ours.medianMs <= 0.037 * Self.baseline.medianMs, "\(ours.medianMs) of \(Self.baseline.medianMs)")
    #expect(ours.errorRate < 0.01 * Self.baseline.errorRate, "\(ours.errorRate) of \(Self.baseline.errorRate)")
  }

  @Test("The same seed gives the same run, another one another")
  func repeatable() {
    let world = OverflowWorld(demand: .steady(700, minutes: 3, noise: 0.2))
    #expect(world.run(.tonari, seed: 3) == world.run(.tonari, seed: 3))
    #expect(world.run(.tonari, seed: 3) != world.run(.tonari, seed: 4))
  }

  @Test("Request by request, the excess of a step from 50 to 200 percent leaves from its first second on")
  func step() {
    let world = OverflowWorld(demand: .step(from: 270, to: 1080, atMinute: 2, minutes: 2.5))
    for seed in 1...5 {
      let run = OverflowResult.Run(.tonari, [world.run(.tonari, seed: seed)])
      #expect(run.series.dropLast().allSatisfy { $0.remoteRpm < 20 })
      #expect((run.series.last?.localRpm ?? 0) <= 550)
      #expect(run.errorRate == 0)
    }
  }

  @Test("The weights of ours do not turn round in an hour of steady load with noise", arguments: [650.0, 800, 950])
  func steady(perMinute: Double) {
    let world = OverflowWorld(demand: .steady(perMinute, minutes: 63, noise: 0.2))
    // The first three minutes are for learning.
    let shares = world.run(.weights1s, seed: 1).shares.dropFirst(180)
    let moves = zip(shares, shares.dropFirst()).map { $1 - $0 }.filter { abs($0) > 1e-9 }
    let turns = zip(moves, moves.dropFirst()).count { $0 * $1 < 0 }
    #expect(shares.count > 3590)
    #expect(turns == 0, "\(moves)")
  }

  @Test("A result is one JSON object with the fields that were promised")
  func json() throws {
    let world = OverflowWorld(demand: .steady(700, minutes: 1))
    let runs = [SimulatedOverflow.baseline, .tonari].map { OverflowResult.Run($0, [world.run($0, seed: 1)]) }
    let text = try OverflowResult(scenario: "overflow-ramp", runs: runs).json()
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(Set(object.keys) == ["scenario", "runs"])
    let first = try #require((object["runs"] as? [[String: Any]])?.first)
    #expect(Set(first.keys) == ["policy", "capacityRpm", "meanMs", "medianMs", "errorRate", "series"])
    #expect(first["capacityRpm"] is NSNull)
    #expect((first["series"] as? [Any])?.count == 2)
    #expect(try JSONDecoder().decode(OverflowResult.self, from: Data(text.utf8)).runs == runs)
  }
}
