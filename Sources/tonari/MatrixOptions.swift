public import ArgumentParser
public import Placement
import Report

extension Problem.Combination: ExpressibleByArgument {}

/// How traffic of different times is planned for together.
struct MatrixOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What several named traffic matrices count together: their mean, or the worst of them. (default: mean)",
      discussion: """
        With 'worst', each matrix counts as a share of its own traffic, so that a quiet night is worth as much as a busy \
        day.
        """
    )
  )
  var combine: Problem.Combination?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "What a named traffic matrix counts in the mean. (default: 1)",
      discussion: "With day=16 night=8, the mean is by the hour.",
      valueName: "name=weight"
    )
  )
  var trafficWeight: [String] = []

  /// What was asked for, for a report.
  func details(_ traffic: TrafficOptions) -> [PlanReport.Detail] {
    guard traffic.isNamed else { return [] }
    return [PlanReport.Detail("matrices count", combine == .worst ? "by the worst" : "by mean")]
  }

  /// Refuses what does not fit the matrices.
  func validate(_ traffic: TrafficOptions) throws {
    var names: Set<String> = []
    for source in traffic.sources {
      guard let name = source.name else {
        guard traffic.isNamed else { continue }
        throw ValidationError(
          "--traffic: '\(source.argument)' has no name, and others have; expected names for all, as in "
            + "night=night.csv, or for none")
      }
      guard names.insert(name).inserted else {
        throw ValidationError("--traffic: '\(name)' is given a second time, expected one file for each name")
      }
    }
    if combine != nil, names.isEmpty {
      throw ValidationError("--combine: expected traffic with names, as in --traffic day=day.csv night=night.csv")
    }
    let weights = try weights()
    if combine == .worst, !weights.isEmpty {
      throw ValidationError("--traffic-weight: the worst counts whatever its weight; expected --combine mean")
    }
    if let unknown = weights.keys.sorted().first(where: { !names.contains($0) }) {
      throw ValidationError("--traffic-weight: '\(unknown)' is no name of --traffic")
    }
  }

  /// The weights that were given.
  func weights() throws -> [String: Double] {
    var weights: [String: Double] = [:]
    for argument in trafficWeight {
      let parts = argument.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, let weight = Double(parts[1]), weight > 0, weight <= 1e6 else {
        throw ValidationError("--traffic-weight: '\(argument)': expected name=weight, above 0 and to 1000000")
      }
      guard weights.updateValue(weight, forKey: parts[0]) == nil else {
        throw ValidationError("--traffic-weight: '\(parts[0])' is given a second time")
      }
    }
    return weights
  }
}
