import Foundation
import Overflow
import Report

/// What a calibration found, for people and for programs.
struct CalibrationReport {
  private struct Document: Encodable {
    struct Step: Encodable {
      var perMinute: Double
      var requests: Int
      var errors: Int
      var medianMs: Double?
      var p95Ms: Double?
      var standing: String
    }

    var url: String
    /// What to put in a policy; null where even the first step was too much.
    var perPodPerMinute: Double?
    var steepPerMinute: Double?
    var isLimit: Bool
    var steps: [Step]

    enum CodingKeys: String, CodingKey { case url, perPodPerMinute, steepPerMinute, isLimit, steps }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(url, forKey: .url)
      try container.encode(perPodPerMinute, forKey: .perPodPerMinute)
      try container.encode(steepPerMinute, forKey: .steepPerMinute)
      try container.encode(isLimit, forKey: .isLimit)
      try container.encode(steps, forKey: .steps)
    }
  }

  var url: String
  var calibration: Calibration

  /// How a step stands, in a word.
  static func word(_ standing: Calibration.Standing?) -> String {
    switch standing {
    case .rising: "rising"
    case .steep: "steep"
    default: "stable"
    }
  }

  /// A step in a line.
  static func sentence(_ step: Calibration.Step) -> String {
    let median = step.medianSeconds.map { "median \(Human.duration(.seconds($0)))" } ?? "no answer"
    return "\(rate(step.perMinute)) a minute: \(median), \(step.errors) of \(step.requests) failed"
  }

  func text(_ style: TerminalStyle) -> String {
    var table = TextTable(
      columns: ["per minute", "requests", "errors", "median", "p95"].map { .init($0, isNumeric: true) } + [.init("")])
    for (step, standing) in zip(calibration.steps, calibration.standings) {
      func time(_ seconds: Double?) -> TextTable.Cell {
        .init(seconds.map { Human.duration(.seconds($0)) } ?? "–")
      }
      table.add([
        .init(Self.rate(step.perMinute)), "\(step.requests)",
        .init("\(step.errors)", step.errors > 0 ? .warning : .plain),
        time(step.medianSeconds), time(step.p95Seconds),
        .init(Self.word(standing), standing == .stable ? .good : .warning),
      ])
    }
    return table.render(style) + "\n" + conclusion
  }

  private var conclusion: String {
    let finding = calibration.finding
    guard let stable = finding.stablePerMinute else {
      return "Even the first step is too much for the pod: start lower, with --from.\n"
    }
    let steep = finding.steepPerMinute.map { "; steep from \(Self.rate($0)) on" } ?? ""
    let limit =
      finding.isLimit
      ? "It is stable up to \(Self.rate(stable)) requests a minute\(steep)."
      : "It bears \(Self.rate(stable)) requests a minute, and perhaps more: go further, with --up-to."
    return """
      \(limit)
      In an overflow policy:
        capacity: {perPodPerMinute: \(Self.rate(stable))}

      """
  }

  func json() throws -> String {
    func milliseconds(_ seconds: Double?) -> Double? { seconds.map { ($0 * 1e6).rounded() / 1e3 } }
    let finding = calibration.finding
    let document = Document(
      url: url, perPodPerMinute: finding.stablePerMinute, steepPerMinute: finding.steepPerMinute,
      isLimit: finding.isLimit,
      steps: zip(calibration.steps, calibration.standings).map { step, standing in
        Document.Step(
          perMinute: step.perMinute, requests: step.requests, errors: step.errors,
          medianMs: milliseconds(step.medianSeconds), p95Ms: milliseconds(step.p95Seconds),
          standing: Self.word(standing))
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
  }

  private static func rate(_ perMinute: Double) -> String {
    perMinute.rounded() == perMinute ? Human.fixed(perMinute, decimals: 0) : Human.fixed(perMinute, decimals: 1)
  }
}
