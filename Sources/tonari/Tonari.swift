import ArgumentParser
import Formats
import Kubernetes

/// The command line: parses, runs, and ends with a status that scripts can rely on.
@main
struct Tonari: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tonari",
    abstract: "Places microservices that talk to each other next door to each other.",
    discussion: """
      Reads what a cluster looks like and who talks to whom in it, and says which replica should run on which node, so \
      that requests stay on their node where they can; and says for each request which replica gets it.

      EXAMPLES
        \(ClusterSnapshot.kubectlCommand) > cluster.json
        tonari plan -c cluster.json -t traffic.csv --report report.html
        tonari evaluate -c cluster.json -t traffic.csv
        tonari selector --framed unix:/run/tonari/selector.sock --replicas replicas.yaml

      \(ExitStatus.help)
      """,
    version: "0.1.0",
    subcommands: [
      PlanCommand.self, EvaluateCommand.self, ExtenderCommand.self, SelectorCommand.self, TopCommand.self,
      OverflowCommand.self, CSIDriverCommand.self, CalibrateCommand.self, SimulateCommand.self, DemoCommand.self,
      CompletionsCommand.self,
    ]
  )

  static func main() async {
    do {
      var command = try parseAsRoot(SelectorConfiguration.expanded(Array(CommandLine.arguments.dropFirst())))
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      end(with: error)
    }
  }

  /// Says what is wrong on standard error and ends the process. Requests for help or the version come here too, and are
  /// answered on standard output.
  private static func end(with error: any Error) -> Never {
    if isFromParser(error) {
      let isWrongUsage = exitCode(for: error) != .success
      let text = fullMessage(for: error) + "\n"
      guard isWrongUsage else {
        do { try Terminal.output.write(text) } catch { end(with: error) }
        exit(withError: nil)
      }
      Terminal.messages.write(text)
      exit(withError: ExitStatus.usage)
    }
    Terminal.messages.write("tonari: \(error)\n")
    exit(withError: ExitStatus.of(error))
  }

  /// Whether an error is the argument parser's own, which alone can render it.
  private static func isFromParser(_ error: any Error) -> Bool {
    error is ExitCode || error is CleanExit || error is ValidationError || exitCode(for: error) != .failure
  }
}
