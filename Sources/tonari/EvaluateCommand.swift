import ArgumentParser
import Daemon
import Foundation
import Placement
import Planner
import Report

/// Scores a placement.
struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Score what runs now, or a plan, with the figures that plans have.",
    discussion: """
      Scores the pods that run now, or the placement of a plan file whoever wrote it, and names every constraint that it \
      breaks. With the same options as for 'plan' the objectives can be compared.

      EXAMPLES
        What runs now:
          tonari evaluate --cluster cluster.json --traffic traffic.csv

        A plan, against yesterday's and today's traffic:
          tonari evaluate -c cluster.json -t yesterday=yesterday.csv today=today.csv --plan plan.yaml

        What runs now, asked from the cluster and its Prometheus:
          tonari evaluate --kubeconfig ~/.kube/config --prometheus http://localhost:9090

        One figure, for a script:
          tonari evaluate -c cluster.json -t today.csv -o json |
            jq .status.traffic.localizedShare.node

      \(ExitStatus.help)
      """
  )

  @OptionGroup(title: "Input") var input: InputOptions
  @OptionGroup(title: "What is good") var objective: ObjectiveOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  @Option(
    help: ArgumentHelp("Score this PlacementPlan instead of what runs now; '-' is standard input.", valueName: "file"),
    completion: .file(extensions: ["yaml", "json"])
  )
  var plan: String?

  func validate() throws {
    if plan == "-", input.readsStandardInput { throw ValidationError("'-': standard input can be read once only") }
  }

  func run() async throws {
    try output.check()
    let display = ProgressDisplay(output.progressMode)
    defer { display.clear() }
    let read = try await input.read(display)
    let command = self
    try await onWorkerThread { try command.evaluate(read, display) }
  }

  private func evaluate(_ read: PlanInput, _ display: ProgressDisplay) throws {
    var planned = read
    objective.apply(to: &planned.problem)
    let scored =
      try plan.map { try ScoredPlacement(InputOptions.readPlan($0), file: $0, on: planned) }
      ?? ScoredPlacement(running: planned)
    display.clear()

    var report = PlanReport(title: output.name, problem: scored.problem, assignment: scored.assignment)
    report.warnings = scored.violations + scored.warnings
    report.outside = planned.traffic.reported
    report.ends = planned.traffic.reportedEnds
    report.details = input.details + objective.details
    try output.deliver(scored.document(name: output.name), report)
  }
}
