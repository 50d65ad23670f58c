import Model
import Overflow
import Testing

struct CalibrationTests {
  /// A pod whose latency and errors rise from one rate and steeply from another.
  private static func pod(_ rate: Double, rises: Double, steeply: Double, noise: Double = 0) -> Calibration.Step {
    let latency = 0.1 + max(0, rate - rises) * 0.0015 + max(0, rate - steeply) * 0.01
    let errors = rate > steeply ? 0.2 : rate > rises ? 0.015 : 0
    return Calibration.Step(
      perMinute: rate, requests: 1000, errors: Int(errors * 1000), medianSeconds: latency * (1 + noise))
  }

  private static func run(_ calibration: Calibration, _ pod: (Double) -> Calibration.Step) -> Calibration {
    var calibration = calibration
    while let rate = calibration.next { calibration.note(pod(rate)) }
    return calibration
  }

  @Test("The knee of the original experiment is found: 180 stable, steep from 250")
  func original() {
    let calibration = Self.run(Calibration()) { Self.pod($0, rises: 185, steeply: 245) }
    #expect(calibration.finding == Calibration.Finding(stablePerMinute: 160, steepPerMinute: 250, isLimit: true))
    #expect(calibration.steps.last?.perMinute == 280)
    let finer = Self.run(Calibration(from: 10, by: 10)) { Self.pod($0, rises: 185, steeply: 245) }
    #expect(finer.finding == Calibration.Finding(stablePerMinute: 180, steepPerMinute: 250, isLimit: true))
  }

  @Test("Noise, and one bad step, do not end it")
  func noise() {
    var generator = SeededGenerator(seed: 2)
    let calibration = Self.run(Calibration(from: 10, by: 10)) { rate in
      var step = Self.pod(rate, rises: 300, steeply: 400, noise: generator.unit() * 0.3 - 0.15)
      if rate == 100 { step.errors = 100 }
      return step
    }
    let stable = calibration.finding.stablePerMinute ?? 0
    #expect(stable >= 270 && stable <= 340)
    #expect(calibration.finding.steepPerMinute == 410)
  }

  @Test("A pod that bears all that is asked of it has no limit yet, and one that bears nothing no capacity")
  func extremes() {
    let strong = Self.run(Calibration(from: 10, by: 30, upTo: 300)) { Self.pod($0, rises: 1000, steeply: 2000) }
    #expect(strong.finding == Calibration.Finding(stablePerMinute: 280, steepPerMinute: nil, isLimit: false))
    let dead = Self.run(Calibration()) { rate in
      Calibration.Step(perMinute: rate, requests: 10, errors: 10, medianSeconds: nil)
    }
    #expect(dead.finding == Calibration.Finding(stablePerMinute: nil, steepPerMinute: 10, isLimit: true))
    #expect(dead.steps.count == 3)
  }
}
