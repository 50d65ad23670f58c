import ArgumentParser
import Connections
import Daemon
import Formats
import Foundation
import Kubernetes
import Logging
import Model
import Placement
import Planner
import Report
import Traffic

/// Where the cluster and its traffic are known from.
struct InputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "What 'kubectl get … -o json' printed, or manifests; '-' is standard input.",
      discussion: """
        Nodes, workloads, the pods that run now and the volumes that they use, as JSON or YAML, in any number of files: \
        \(ClusterSnapshot.kubectlCommand)
        """,
      valueName: "file"
    ),
    completion: .file()
  )
  var cluster: [String] = []

  @OptionGroup var traffic: TrafficOptions
  @OptionGroup var matrices: MatrixOptions

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Leave the workloads of these namespaces where they are.", valueName: "namespace")
  )
  var excludeNamespace: [String] = ["kube-system"]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Leave these workloads where they are.", valueName: "namespace/name"),
    transform: { text in
      guard let name = WorkloadName(text) else {
        throw ValidationError("'\(text)': expected namespace/name, or a name in the namespace default")
      }
      return name
    }
  )
  var pin: [WorkloadName] = []

  @OptionGroup var api: ClusterAPIOptions
  @OptionGroup var prometheus: PrometheusOptions

  /// Whether one of the inputs is standard input.
  var readsStandardInput: Bool { paths.contains("-") }

  private var paths: [String] { cluster + traffic.sources.map(\.path) + [traffic.map].compactMap { $0 } }

  func validate() throws {
    if cluster.isEmpty, !api.isGiven {
      throw ValidationError("expected a cluster: --cluster with at least one file, --kubeconfig or --in-cluster")
    }
    if !cluster.isEmpty, api.isGiven {
      throw ValidationError("--cluster: expected files or an API server, not both")
    }
    if paths.count(where: { $0 == "-" }) > 1 { throw ValidationError("'-': standard input can be read once only") }
    try matrices.validate(traffic)
    if traffic.isNamed, prometheus.prometheus != nil {
      throw ValidationError("--prometheus: its traffic has no name; expected --traffic without names with it")
    }
  }

  /// What was read, for a report.
  var details: [PlanReport.Detail] {
    let sources = traffic.traffic + [prometheus.prometheus?.url].compactMap { $0 }
    let server = api.kubeconfig.map { $0 + (api.context.map { " (\($0))" } ?? "") } ?? "the cluster around"
    return [
      PlanReport.Detail("cluster", cluster.isEmpty ? server : cluster.joined(separator: ", ")),
      PlanReport.Detail("traffic", sources.isEmpty ? "none" : sources.joined(separator: ", ")),
    ] + matrices.details(traffic) + (traffic.map.map { [PlanReport.Detail("map", $0)] } ?? [])
      + (traffic.clusterName.isEmpty
        ? [] : [PlanReport.Detail("cluster name", traffic.clusterName.joined(separator: ", "))])
  }

  /// What is left out of the plan.
  var problemOptions: ClusterProblem.Options {
    ClusterProblem.Options(excludedNamespaces: Set(excludeNamespace), pinned: Set(pin))
  }
}

extension InputOptions {
  /// Reads all files, or asks the servers, and makes a problem of what they say.
  func read(_ display: ProgressDisplay) async throws -> PlanInput {
    var live = TrafficReading()
    if let source = prometheus.source {
      display.show(reading: source.url, share: nil)
      live = try await source.read()
    }
    var fromAPI: ClusterSnapshot?
    if let configuration = try api.configuration() {
      display.show(reading: configuration.server, share: nil)
      fromAPI = try await ClusterSnapshot(from: APIClient(configuration, logger: Self.logger))
    }
    let (options, reading, snapshot) = (self, live, fromAPI)
    return try await onWorkerThread { try options.read(snapshot, reading, display) }
  }

  /// Tells nothing: the commands that end tell by their result.
  private static let logger = Logger(label: "tonari") { _ in SwiftLogNoOpLogHandler() }

  /// Reads the files. Blocks.
  private func read(
    _ fromAPI: ClusterSnapshot?, _ live: TrafficReading, _ display: ProgressDisplay
  ) throws -> PlanInput {
    var snapshot = fromAPI ?? ClusterSnapshot()
    for path in cluster {
      let file = InputFile(path)
      display.show(reading: file.name, share: nil)
      try snapshot.read(file.readAll(), source: file.name)
    }
    let problem = ClusterProblem(snapshot, options: problemOptions)
    if traffic.isNamed { return try readMatrices(problem, display) }
    var reading = live
    if let files = traffic.files { reading.add(try files.read { display.show(reading: $0, share: $1) }) }
    var input = try PlanInput(problem, reading.traffic, map: traffic.readMap())
    input.warnings += reading.warnings
    return input
  }

  /// Reads the files of traffic of different times. Blocks.
  private func readMatrices(_ problem: ClusterProblem, _ display: ProgressDisplay) throws -> PlanInput {
    let weights = try matrices.weights()
    var warnings: [String] = []
    let named = try traffic.namedFiles.map { name, files in
      let reading = try files.read { display.show(reading: $0, share: $1) }
      warnings += reading.warnings
      return NamedTraffic(name: name, weight: weights[name] ?? 1, traffic: reading.traffic)
    }
    var input = try PlanInput(problem, named, matrices.combine ?? .mean, map: traffic.readMap())
    input.warnings += warnings
    return input
  }

  /// Reads a plan file.
  static func readPlan(_ path: String) throws -> PlacementPlan {
    let file = InputFile(path)
    return try PlacementPlan(Data(file.readAll()), file: file.name)
  }
}

extension ResolvedTraffic {
  /// What the names in the traffic were taken for, as a report lists them.
  var reportedEnds: [PlanReport.NamedEnd] {
    named.map {
      PlanReport.NamedEnd(name: $0.name, meaning: $0.meaning, evidence: $0.evidence, traffic: $0.traffic)
    }
  }

  /// The ends outside of the plan as a report lists them.
  var reported: [PlanReport.OutsideTraffic] {
    outside.map { end in
      PlanReport.OutsideTraffic(
        name: "\(end.name) (\(end.reason))",
        traffic: end.traffic,
        share: total > 0 ? end.traffic / total : 0
      )
    }
  }
}
