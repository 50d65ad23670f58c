import ArgumentParser
import Daemon
import Extender
import Formats
import Foundation
import Kubernetes
import Logging
import Placement
import Planner
import Report
import ServiceLifecycle

/// Plays kube-scheduler with and without the extender.
struct ExtenderDemo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extender",
    abstract: "Show what kube-scheduler does with and without the extender, without a cluster.",
    discussion: """
      Starts the extender on loopback with a plan, and plays kube-scheduler: from a cluster in which only the pods \
      outside of the plan run, each replica is scheduled, one after another, once without the extender and once with \
      it. The second time each cycle asks the extender over HTTP, as a scheduler would: filter, prioritize, bind.

      The scheduler is a model: \(SchedulingPlay.model)

      EXAMPLES
        The example shop:
          cd manifests/examples
          tonari plan -c cluster.yaml -t traffic.csv --out plan.yaml
          tonari demo extender -c cluster.yaml -t traffic.csv --plan plan.yaml

        A cluster of your own, before the extender is let near it:
          \(ClusterSnapshot.kubectlCommand) > cluster.json
          tonari plan -c cluster.json -t traffic.csv --out plan.yaml
          tonari demo extender -c cluster.json -t traffic.csv --plan plan.yaml

      \(ExitStatus.help)
      """
  )

  @OptionGroup(title: "Input") var input: InputOptions

  @Option(
    help: ArgumentHelp("The PlacementPlan that the extender serves; '-' is standard input.", valueName: "file"),
    completion: .file(extensions: ["yaml", "json"])
  )
  var plan: String

  @Option(
    help: ArgumentHelp(
      "What one point of the extender is worth, as in the scheduler's configuration.", valueName: "weight"))
  var weight = SchedulingPlay.defaultWeight

  @Option(help: ArgumentHelp("Decides between nodes that score the same.", valueName: "number"))
  var seed: UInt64 = 1

  @Flag(help: "Show all pods, however many there are.")
  var all = false

  func validate() throws {
    if plan == "-", input.readsStandardInput { throw ValidationError("'-': standard input can be read once only") }
    if !(1...1000).contains(weight) { throw ValidationError("--weight: expected a number from 1 to 1000") }
  }

  func run() async throws {
    let planned = try await input.read(ProgressDisplay(.none))
    let (document, scored) = try await onWorkerThread { [plan] in
      let document = try InputOptions.readPlan(plan)
      return (document, try ScoredPlacement(document, file: plan, on: planned))
    }
    let alone = try await SchedulingPlay(planned, seed: seed, weight: weight).play()
    let (url, followed) = try await withExtender(serving: document, to: planned) { url in
      (url, try await SchedulingPlay(planned, seed: seed, weight: weight, extender: ExtenderCaller(url)).play())
    }
    let report = DemoReport(
      input: planned, url: url, weight: weight, without: alone, with: followed, plan: scored.assignment)
    try Terminal.output.write(report.text(Terminal.output.style, most: all ? .max : DemoReport.mostPods))
    for warning in scored.violations {
      Terminal.messages.write("tonari: warning: the plan: \("\(warning)".printable)\n")
    }
  }

  /// Runs the extender for as long as `body` takes.
  private func withExtender<Value: Sendable>(
    serving plan: PlacementPlan, to input: PlanInput, _ body: @escaping @Sendable (String) async throws -> Value
  ) async throws -> Value {
    var logger = Logger(label: "tonari.extender") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .warning
    var state = ExtenderState(bindingExpiry: nil)
    state.set(input)
    state.set(plan: plan)
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    let server = ExtenderServer(
      ExtenderServer.Configuration(port: 0), SchedulerWebhook(state, logger: logger),
      onListening: { port.yield($0) })
    let services = ServiceGroup(services: [try server.application()], logger: logger)
    return try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask {
        try await services.run()
        return nil
      }
      group.addTask {
        for await port in ports { return try await body("http://127.0.0.1:\(port)/scheduler") }
        return nil
      }
      // A server that cannot listen ends, and says why.
      guard let value = try await group.next() ?? nil else { throw CancellationError() }
      await services.triggerGracefulShutdown()
      for try await _ in group {}
      return value
    }
  }
}
