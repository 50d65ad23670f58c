import ArgumentParser
import Foundation
import Placement
public import Planner
import Report

extension Profile: ExpressibleByArgument {}

/// What makes a placement good.
struct ObjectiveOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What to prefer: the least traffic between nodes, or evenly filled nodes.",
      discussion: """
        Sets the weight of the peak utilization against all traffic: \
        \(Profile.allCases.map { "\($0.rawValue) \($0.weight.formatted())" }.joined(separator: ", ")).
        """
    )
  )
  var profile: Profile = .balanced

  @Option(
    help: ArgumentHelp(
      "The weight of the peak utilization, instead of a profile's.",
      discussion: "With 0.2, filling the fullest node by 10 points less is worth 2 points of localized share.",
      valueName: "weight"
    )
  )
  var lambda: Double?

  @Option(
    help: ArgumentHelp(
      "Move at most so many replicas from where they run now.",
      valueName: "count"
    )
  )
  var maxMoves: Int?

  @Option(
    help: ArgumentHelp(
      "What moving one replica costs, as a share of all traffic.",
      discussion: "With 0.001, a replica moves only where that keeps another 0.1 % of the traffic on its node.",
      valueName: "share"
    )
  )
  var moveCost: Double = 0

  func validate() throws {
    for (name, value) in [("--lambda", lambda), ("--move-cost", moveCost)] {
      guard let value else { continue }
      guard value >= 0, value <= 1e6 else { throw ValidationError("\(name): expected a number from 0 to 1000000") }
    }
    if let maxMoves, maxMoves < 0 { throw ValidationError("--max-moves: expected 0 or more") }
  }

  /// What was asked for, for a report.
  var details: [PlanReport.Detail] {
    let weight = lambda.map { "\($0)" } ?? "\(profile.weight) (\(profile.rawValue))"
    return [PlanReport.Detail("weight of peak utilization", weight)]
      + (moveCost > 0 ? [PlanReport.Detail("cost of a move", "\(moveCost)")] : [])
      + (maxMoves.map { [PlanReport.Detail("moves at most", "\($0)")] } ?? [])
  }

  /// Sets the weights of a problem whose edges are complete.
  func apply(to problem: inout Problem) {
    // A plan without any traffic is still to be balanced; then the unit is 1.
    let unit = problem.trafficCost > 0 ? problem.trafficCost : 1
    problem.weights.utilization = (lambda ?? profile.weight) * unit
    problem.weights.move = moveCost * unit
    problem.weights.maxMoves = maxMoves
  }
}

/// How long and how hard to search.
struct SearchOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "End with the best plan so far after this time. (default: 60s; none with --effort)",
      valueName: "duration"
    ),
    transform: Duration.argument
  )
  var timeLimit: Duration?

  @Option(help: ArgumentHelp("The seed of all random choices.", valueName: "number"))
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      "Search so hard, 1 to 10, instead of for a time: the same plan each time.",
      discussion: "Each step takes about twice as long as the one before.",
      valueName: "level"
    )
  )
  var effort: Int?

  @Option(help: ArgumentHelp("How many threads search. (default: one for each core)", valueName: "count"))
  var threads: Int?

  @Flag(
    help: ArgumentHelp(
      "Go on until the plan is proven to be the best there is, or time is up.",
      discussion: """
        From \(Problem.large.replicas) replicas and \(Problem.large.edges) pairs with traffic on, nothing is proven: all time goes into the search.
        """
    )
  )
  var prove = false

  func validate() throws {
    if let effort, !(1...10).contains(effort) { throw ValidationError("--effort: expected a level from 1 to 10") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads: expected 1 to 1024") }
  }

  /// What was asked for, for a report.
  var details: [PlanReport.Detail] {
    [PlanReport.Detail("seed", "\(seed)")] + (effort.map { [PlanReport.Detail("effort", "\($0)")] } ?? [])
  }

  var solverOptions: SolverOptions {
    SolverOptions(
      timeLimit: timeLimit ?? (effort == nil ? .seconds(60) : nil),
      seed: seed,
      effort: effort,
      threads: threads ?? ProcessInfo.processInfo.activeProcessorCount,
      prove: prove
    )
  }
}
