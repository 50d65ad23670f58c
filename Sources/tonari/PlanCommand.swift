import ArgumentParser
import Daemon
import Formats
import Foundation
import Kubernetes
import Placement
import Planner
import Report

/// Finds a placement.
struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Say on which node each replica should run.",
    discussion: """
      Searches for the placement with the least traffic between nodes that keeps every constraint of the cluster, and \
      says how far from the best possible it can be at most.

      EXAMPLES
        Plan what runs now, and look at the result in a browser:
          \(ClusterSnapshot.kubectlCommand) > cluster.json
          tonari plan -c cluster.json -t traffic.csv --report report.html

        From a pipe, as an object alone:
          \(ClusterSnapshot.kubectlCommand) |
            tonari plan -c - -t istio.json.gz -o yaml > plan.yaml

        Move five replicas at most, and only where it pays:
          tonari plan -c cluster.json -t traffic.csv --max-moves 5 --move-cost 0.001

        See what one, two, five or ten moves would bring:
          tonari plan -c cluster.json -t traffic.csv --moves-curve

        Ask the cluster itself, and its Prometheus, instead of files:
          tonari plan --kubeconfig ~/.kube/config --prometheus http://localhost:9090

        Keep the cluster's PlacementPlan 'shop' up to date, ten moves at a time:
          tonari plan --watch --name shop --kubeconfig ~/.kube/config \
            --prometheus http://localhost:9090 --max-moves 10

        One placement for day and night, as good as can be for the one that it serves worse:
          tonari plan -c cluster.json -t day=day.csv night=night.csv --combine worst

        The same plan on every machine, every time:
          tonari plan -c cluster.json -t traffic.csv --effort 5 --seed 7

      Ctrl-C ends the search with the best plan so far.

      \(ExitStatus.help)
      """
  )

  @OptionGroup(title: "Input") var input: InputOptions
  @OptionGroup(title: "What is good") var objective: ObjectiveOptions
  @OptionGroup(title: "Search") var search: SearchOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Keeping it up to date") var watching: WatchOptions

  @Option(
    help: ArgumentHelp(
      "Write the problem to placement.dat in this folder, for GLPK's glpsol.",
      discussion: "glpsol -m models/placement.mod -d <folder>/placement.dat solves the same instance.",
      valueName: "folder"
    ),
    completion: .directory
  )
  var exportModel: String?

  @Flag(
    help: ArgumentHelp(
      "Show what fewer moves would bring: the best placement with 1, 2, 5, 10 and more of them.",
      discussion: "Takes up to a tenth of the time limit. A --report has it without being asked."
    )
  )
  var movesCurve = false

  func validate() throws {
    if watching.watch { try validateWatching() }
  }

  func run() async throws {
    if watching.watch, let api = try input.api.configuration() { return try await keepUpToDate(api) }
    try output.check()
    let display = ProgressDisplay(output.progressMode)
    let read = try await input.read(display)
    let command = self
    try await onWorkerThread { try command.plan(read, display) }
  }

  private func plan(_ read: PlanInput, _ display: ProgressDisplay) throws {
    var planned = read
    objective.apply(to: &planned.problem)
    if let exportModel { try export(planned.problem, to: exportModel) }

    let clock = ContinuousClock()
    let start = clock.now
    let conflicts = planned.conflicts()
    guard conflicts.isEmpty else {
      throw PlacementError(
        code: .infeasible,
        message: "no placement satisfies all constraints:",
        conflicts: conflicts
      )
    }

    Interrupt.listen()
    let context = SolverContext(
      elapsed: { clock.now - start },
      isCancelled: { Interrupt.isRequested },
      progress: display.show
    )
    defer { display.clear() }
    let wantsCurve = (movesCurve || output.report != nil) && planned.problem.current.contains { $0 != nil }
    var options = search.solverOptions
    let timeLimit = options.timeLimit
    if wantsCurve { options.timeLimit = timeLimit.map { $0 * 0.9 } }
    let solution = try planned.problem.solve(options, context)
    let elapsed = clock.now - start
    options.timeLimit = timeLimit.map { $0 * 0.1 }
    let curve = wantsCurve ? planned.problem.moveCurve(to: solution.assignment, options, context) : nil
    display.clear()

    let plan = PlacementPlan(
      name: output.name,
      problem: planned.problem,
      references: planned.references,
      search: PlacementPlan.Search(solution: solution, elapsed: elapsed, seed: search.seed)
    )
    var report = PlanReport(
      title: output.name,
      problem: planned.problem,
      solution: solution,
      progress: display.history,
      warnings: planned.warnings
    )
    report.moveCurve = curve
    report.outside = planned.traffic.reported
    report.ends = planned.traffic.reportedEnds
    report.details = input.details + objective.details + search.details
    report.details.append(PlanReport.Detail("search", Human.duration(elapsed)))
    try output.deliver(plan, report)
  }

  private func export(_ problem: Problem, to folder: String) throws {
    let url = URL(filePath: folder, directoryHint: .isDirectory)
    try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    // Where there is no folder now, writing says why.
    try OutputFile(path: url.appending(path: "placement.dat").path).write(problem.exportModel())
  }
}
