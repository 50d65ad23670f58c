import ArgumentParser
import Files
import Report
import Simulation

/// Compares policies in virtual time.
struct SimulateCommand: AsyncParsableCommand {
  /// The form of the result on standard output.
  enum Form: String, CaseIterable, ExpressibleByArgument {
    case table, json
  }

  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Compare how policies pick replicas, in a simulated world.",
    discussion: """
      Plays requests, servers and their noisy neighbours in virtual time, against the very code that picks replicas in a \
      running system. The same arguments give the same figures on every machine.

      SCENARIOS
      \(Scenario.builtIn.map { "  " + $0.name.padded(to: 15) + $0.abstract }.joined(separator: "\n"))

      EXAMPLES
        tonari simulate testbed
        tonari simulate testbed --policy tonari --policy least-request --load 0.7 --seeds 10 -o json
        tonari simulate sinkhole
        tonari simulate congestion --policy round-robin --policy tonari --chart congestion.svg
        tonari simulate testbed --print-scenario > mine.yaml
        tonari simulate mine.yaml

      \(ExitStatus.help)
      """
  )

  @Argument(
    help: "A scenario's name, or a YAML file with one.",
    completion: .file(extensions: ["yaml", "yml"])
  )
  var scenario: String

  @Option(
    help: ArgumentHelp(
      "A policy to compare; several times for several. (default: all)",
      discussion: "One of \(Self.policies).",
      valueName: "policy"
    ),
    completion: .list(SimulatedPolicy.allCases.map(\.rawValue)),
    transform: { name in
      guard let policy = SimulatedPolicy(rawValue: name) else {
        throw ValidationError("'\(name)': expected one of \(Self.policies)")
      }
      return policy
    }
  )
  var policy: [SimulatedPolicy] = []

  @Option(
    help: ArgumentHelp(
      "A share of the capacity that is asked for; several times for several. (default: the scenario's)",
      valueName: "share"))
  var load: [Double] = []

  @Option(help: ArgumentHelp("How often each is run, each time with another seed.", valueName: "number"))
  var seeds: Int = 5

  @Option(
    help: ArgumentHelp(
      "How many selectors the clients share.",
      discussion: "By default one where the policy is meant to be shared, and else one in each client.",
      valueName: "number"))
  var selectors: Int?

  @Option(name: .shortAndLong, help: ArgumentHelp("What to print.", valueName: "form"))
  var output: Form = .table

  @Option(
    help: ArgumentHelp(
      "Draw the result into an SVG file too.",
      discussion: "Mean latency over load where there are four loads or more, and else the quantiles of each policy.",
      valueName: "file"),
    completion: .file(extensions: ["svg"]))
  var chart: String?

  @Flag(help: "Print the scenario as YAML, to be changed and given back, and run nothing.")
  var printScenario = false

  private static let policies = SimulatedPolicy.allCases.map(\.rawValue).joined(separator: ", ")

  func validate() throws {
    if builtIn == nil, !scenario.contains("/"), !scenario.contains(".") {
      let names = Scenario.builtIn.map(\.name).joined(separator: ", ")
      throw ValidationError("'\(scenario)': expected \(names), or a file such as \(scenario).yaml")
    }
    if seeds < 1 { throw ValidationError("--seeds \(seeds): expected at least 1") }
    if let selectors, selectors < 1 { throw ValidationError("--selectors \(selectors): expected at least 1") }
    if let load = load.first(where: { !(0.01...10).contains($0) }) {
      throw ValidationError("--load \(load): expected a share between 0.01 and 10")
    }
  }

  func run() async throws {
    let command = self
    try await onWorkerThread { try command.simulate() }
  }

  private var builtIn: Scenario? { Scenario.builtIn.first { $0.name == scenario } }

  private func simulate() throws {
    let scenario = try builtIn ?? read()
    if printScenario { return Terminal.output.write(scenario.yaml) }
    let chart = chart.map(OutputFile.init(path:))
    try chart?.check()
    let policies = policy.isEmpty ? SimulatedPolicy.allCases : policy
    var result = SimulationResult(scenario: scenario.name, runs: [])
    for load in load.isEmpty ? scenario.loads : load {
      for policy in policies {
        for seed in 1...seeds {
          result.runs += scenario.runs(policy, load: load, seed: seed, selectors: selectors)
        }
      }
    }
    try chart?.write(SimulationChart(result).svg)
    switch output {
    case .json: Terminal.output.write(try result.json())
    case .table: Terminal.output.write(SimulationTable(result).text(Terminal.output.style))
    }
  }

  private func read() throws -> Scenario {
    let file = InputFile(scenario)
    return try Scenario(yaml: String(decoding: file.readAll(limit: 1 << 20), as: UTF8.self), file: file.name)
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
