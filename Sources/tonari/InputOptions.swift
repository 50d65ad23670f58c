import ArgumentParser
import Files
import Foundation
import Kubernetes
import Planning
import Report
import Topology
import Traffic

/// The files that describe the cluster and its traffic.
struct InputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "What 'kubectl get … -o json' printed, or manifests; '-' is standard input.",
      discussion: """
        Nodes, workloads and the pods that run now, as JSON or YAML, in any number of files: \
        kubectl get nodes,pods,deployments,statefulsets,daemonsets,services -A -o json
        """,
      valueName: "file"
    ),
    completion: .file()
  )
  var cluster: [String]

  @Option(
    name: .shortAndLong,
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Dumps of who talks to whom and how much; several add up; '-' is standard input.",
      discussion: "Plain or gzip'ed. The format is recognized from the content.",
      valueName: "file"
    ),
    completion: .file()
  )
  var traffic: [String] = []

  @Option(
    help: ArgumentHelp(
      "The format of the traffic dumps: \(TrafficFormat.allCases.map(\.name).joined(separator: ", ")).",
      valueName: "format"
    ),
    completion: .list(TrafficFormat.allCases.map(\.name)),
    transform: { text in
      guard let format = TrafficFormat(text) else {
        throw ValidationError(
          "'\(text)': expected one of \(TrafficFormat.allCases.map(\.name).joined(separator: ", "))"
        )
      }
      return format
    }
  )
  var format: TrafficFormat?

  @Option(
    help: ArgumentHelp(
      "The time over which the dumps counted calls, where they do not say.",
      valueName: "duration"
    ),
    transform: Duration.argument
  )
  var window: Duration?

  @Option(
    help: ArgumentHelp(
      "The metric of Prometheus series without a name, such as istio_requests_total.",
      discussion: "Answers to sum(rate(…)) have lost it.",
      valueName: "name"
    )
  )
  var metric: String?

  @Option(
    help: ArgumentHelp(
      "What names in the dumps mean that the cluster does not know.",
      discussion: """
        YAML with an entry for each name:
          cart-svc: shop/cart              # this workload or Service
          legacy/billing: outside          # not of this cluster
          db.example.com: {node: node-1}   # stays on this node
        """,
      valueName: "file"
    ),
    completion: .file()
  )
  var map: String?

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

  /// Whether one of the inputs is standard input.
  var readsStandardInput: Bool { paths.contains("-") }

  private var paths: [String] { cluster + traffic + [map].compactMap { $0 } }

  func validate() throws {
    if cluster.isEmpty { throw ValidationError("--cluster: expected at least one file") }
    if paths.count(where: { $0 == "-" }) > 1 { throw ValidationError("'-': standard input can be read once only") }
  }

  /// What was read, for a report.
  var details: [PlanReport.Detail] {
    [
      PlanReport.Detail("cluster", cluster.joined(separator: ", ")),
      PlanReport.Detail("traffic", traffic.isEmpty ? "none" : traffic.joined(separator: ", ")),
    ] + (map.map { [PlanReport.Detail("map", $0)] } ?? [])
  }
}

extension InputOptions {
  /// Reads all files and makes a problem of them. Blocks.
  func read(_ display: ProgressDisplay) throws -> PlanInput {
    var snapshot = ClusterSnapshot()
    for path in cluster {
      let file = InputFile(path)
      display.show(reading: file.name, share: nil)
      try snapshot.read(file.readAll(), source: file.name)
    }
    let problem = ClusterProblem(
      snapshot,
      options: ClusterProblem.Options(excludedNamespaces: Set(excludeNamespace), pinned: Set(pin))
    )
    var graph = TrafficGraph()
    var warnings: [String] = []
    for path in traffic {
      let dump = try readTraffic(InputFile(path), display)
      graph.add(dump.graph)
      warnings += dump.warnings.map { "\(dump.source): \($0)" }
    }
    var input = try PlanInput(problem, graph, map: readMap())
    input.warnings += warnings
    return input
  }

  private func readTraffic(_ file: InputFile, _ display: ProgressDisplay) throws -> TrafficDump {
    var reader = TrafficReader(
      source: file.name,
      format: format,
      options: TrafficReader.Options(window: window, metric: metric)
    )
    try file.read { progress in
      display.show(
        reading: file.name, share: progress.bytesTotal.map { Double(progress.bytesRead) / Double(max(1, $0)) })
    } _: { chunk in
      try reader.read(chunk)
    }
    return try reader.finish()
  }

  private func readMap() throws -> EndpointMap {
    guard let map else { return EndpointMap() }
    let file = InputFile(map)
    return try EndpointMap(Data(file.readAll()), file: file.name)
  }

  /// Reads a plan file.
  static func readPlan(_ path: String) throws -> PlacementPlan {
    let file = InputFile(path)
    return try PlacementPlan(Data(file.readAll()), file: file.name)
  }
}

extension ResolvedTraffic {
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
