import ArgumentParser
import Daemon
import Formats
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
    abstract: "Compare policies in a simulated world: how they pick replicas, and how they overflow.",
    discussion: """
      Plays requests, servers and their noisy neighbours in virtual time, against the very code that picks replicas in a \
      running system, and that decides what overflows. The same arguments give the same figures on every machine.

      SCENARIOS
      \(scenarios.map { "  " + $0.padded(to: 22) + $1 }.joined(separator: "\n"))

      overflow-ramp plays a published experiment: one edge with three pods that bear 180 requests a minute each, a \
      neighbour like it, and 30 requests a minute more each minute up to 1,080. It compares \
      \(SimulatedOverflow.allCases.map(\.rawValue).joined(separator: ", ")) with what was published.

      EXAMPLES
        tonari simulate testbed
        tonari simulate testbed --policy tonari --policy least-request --load 0.7 --seeds 10 -o json
        tonari simulate sinkhole
        tonari simulate congestion --policy round-robin --policy tonari --chart congestion.svg
        tonari simulate testbed --print-scenario > mine.yaml
        tonari simulate mine.yaml
        tonari simulate overflow-ramp --chart ramp.svg

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
      discussion: "One of \(Self.names(SimulatedPolicy.self)); of an overflow one of those above.",
      valueName: "policy"
    ),
    completion: .list(SimulatedPolicy.allCases.map(\.rawValue) + SimulatedOverflow.allCases.map(\.rawValue))
  )
  var policy: [String] = []

  @Option(
    help: ArgumentHelp(
      "A share of the capacity that is asked for; several times for several. (default: the scenario's)",
      valueName: "share"))
  var load: [Double] = []

  @Option(
    help: ArgumentHelp(
      "How often each is run, each time with another seed. (default: 5; 20 of an overflow)", valueName: "number"))
  var seeds: Int?

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
      discussion: """
        Mean latency over load where there are four loads or more, and else the quantiles of each policy; of an overflow \
        who served what over time.
        """,
      valueName: "file"),
    completion: .file(extensions: ["svg"]))
  var chart: String?

  @Flag(help: "Print the scenario as YAML, to be changed and given back, and run nothing.")
  var printScenario = false

  private static var scenarios: [(name: String, abstract: String)] {
    Scenario.builtIn.map { ($0.name, $0.abstract) } + OverflowSimulation.allCases.map { ($0.rawValue, $0.abstract) }
  }

  private static func names<Policy: CaseIterable & RawRepresentable<String>>(_ type: Policy.Type) -> String {
    type.allCases.map(\.rawValue).joined(separator: ", ")
  }

  /// The policies that are asked for; all where none is.
  private func policies<Policy: CaseIterable & RawRepresentable<String>>(_ type: Policy.Type) throws -> [Policy] {
    if policy.isEmpty { return Array(type.allCases) }
    return try policy.map { name in
      guard let policy = Policy(rawValue: name) else {
        throw ValidationError("'\(name)': expected one of \(Self.names(type))")
      }
      return policy
    }
  }

  private var overflow: OverflowSimulation? { OverflowSimulation(rawValue: scenario) }

  func validate() throws {
    if overflow != nil {
      _ = try policies(SimulatedOverflow.self)
      if !load.isEmpty || selectors != nil || printScenario {
        throw ValidationError("\(scenario) has one world: no --load, --selectors or --print-scenario")
      }
      if chart != nil, overflow == .calibration { throw ValidationError("--chart: \(scenario) is not drawn") }
    } else {
      _ = try policies(SimulatedPolicy.self)
    }
    if overflow == nil, builtIn == nil, !scenario.contains("/"), !scenario.contains(".") {
      let names = Self.scenarios.map(\.name).joined(separator: ", ")
      throw ValidationError("'\(scenario)': expected \(names), or a file such as \(scenario).yaml")
    }
    for (name, number) in [("--seeds", seeds), ("--selectors", selectors)] {
      if let number, !(1...10_000).contains(number) { throw ValidationError("\(name) \(number): expected 1 to 10000") }
    }
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
    if let overflow {
      let chart = chart.map(OutputFile.init(path:))
      try chart?.check()
      return try overflow.run(policies(SimulatedOverflow.self), seeds: seeds ?? 20, output, chart: chart)
    }
    let scenario = try builtIn ?? read()
    if printScenario { return try Terminal.output.write(scenario.yaml) }
    let chart = chart.map(OutputFile.init(path:))
    try chart?.check()
    let policies = try policies(SimulatedPolicy.self)
    var result = SimulationResult(scenario: scenario.name, runs: [])
    for load in load.isEmpty ? scenario.loads : load {
      for policy in policies {
        for seed in 1...(seeds ?? 5) {
          result.runs += scenario.runs(policy, load: load, seed: seed, selectors: selectors)
        }
      }
    }
    try chart?.write(SimulationChart(result).svg)
    switch output {
    case .json: try Terminal.output.write(result.json())
    case .table: try Terminal.output.write(SimulationTable(result).text(Terminal.output.style))
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
