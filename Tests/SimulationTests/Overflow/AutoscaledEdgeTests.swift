import Overflow
import Simulation
import Testing

@Suite("Overflow beside an autoscaler")
struct AutoscaledEdgeTests {
  /// Twice what three pods bear, from the second minute on.
  private static let edge = AutoscaledEdge(demand: .step(from: 270, to: 1080, atMinute: 2, minutes: 40))

  private static func never(_ verdict: ScalingWatch.Verdict) -> Bool {
    if case .neverScales = verdict { true } else { false }
  }

  @Test(
    "Scaled by what reaches its pods, at more than overflow lets through, it sends load away for ever, and that is said"
  )
  func capped() throws {
    for seed in 1...3 {
      let steps = Self.edge.run(.servedHere(target: 250), seed: seed)
      let last = try #require(steps.last)
      #expect(last.pods == 3 && abs(last.out - 0.5) < 0.1, "\(last)")
      // It is said within minutes, not before the rush, and does not come and go.
      let first = try #require(steps.firstIndex { Self.never($0.verdict) })
      #expect((120...420).contains(first), "\(first)")
      #expect(steps[first...].allSatisfy { Self.never($0.verdict) })
    }
  }

  @Test("Scaled by the demand before overflow, it overflows until its pods are ready, and no longer")
  func bridged() throws {
    for seed in 1...3 {
      let steps = Self.edge.run(.demand(target: 150), seed: seed)
      #expect(steps[120..<240].contains { $0.verdict == .bridges && $0.out > 0.2 })
      #expect(!steps.contains { Self.never($0.verdict) })
      let rest = steps[600...]
      #expect(rest.allSatisfy { $0.pods >= 7 && $0.out == 0 && $0.verdict == .fits }, "\(rest.last as Any)")
    }
  }

  @Test("Beyond the most pods what is too much goes on overflowing, and a threshold that is reached scales by itself")
  func others() throws {
    let most = AutoscaledEdge(demand: .step(from: 270, to: 3000, atMinute: 2, minutes: 20))
    let last = try #require(most.run(.demand(target: 150), seed: 1).last)
    #expect(last.pods == 10 && abs(last.out - 0.4) < 0.05 && last.verdict == .atMost, "\(last)")
    let low = try #require(Self.edge.run(.servedHere(target: 120), seed: 1).last)
    #expect(low.out == 0 && low.pods > 6, "\(low)")
    // More for each pod than it bears: the pods that are made never are enough.
    let high = Self.edge.run(.demand(target: 250), seed: 1)
    #expect(try Self.never(#require(high.last).verdict) && high.last?.out ?? 0 > 0.1, "\(high.last as Any)")
  }
}
