import ArgumentParser
import Formats
import Foundation
import Planner
import Traffic

/// The files that say who talks to whom.
struct TrafficOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Dumps of who talks to whom and how much; several are one observation; '-' is standard input.",
      discussion: """
        Plain or gzip'ed. The format is recognized from the content. What several dumps tell of the same call, flow or \
        edge counts once; rows of CSV add up. Files with names, as in day=day.csv night=night.csv, are traffic of \
        different times to 'plan' and 'evaluate', for one placement.
        """,
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
      "The time over which the dumps together counted calls, where they do not say.",
      valueName: "duration"
    ),
    transform: Duration.argument
  )
  var window: Duration?

  @Option(
    help: ArgumentHelp(
      "The metric of Prometheus series whose name does not tell it, such as istio_requests_total.",
      discussion: "Answers to sum(rate(…)) have lost their name; recording rules give names of their own.",
      valueName: "name"
    )
  )
  var metric: String?

  @Option(
    help: ArgumentHelp(
      "What names in the traffic mean that the cluster does not know.",
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
    help: ArgumentHelp(
      "What the traffic calls this cluster, where it is of several; several names where tools differ.",
      discussion: """
        What Istio calls source_cluster, Cilium cluster_name and OpenTelemetry k8s.cluster.name. Ends in other clusters \
        are outside. By default it is the cluster whose workloads are known.
        """,
      valueName: "name"
    )
  )
  var clusterName: [String] = []

  /// What the arguments name.
  var sources: [TrafficArgument] { traffic.map(TrafficArgument.init) }

  /// Whether the dumps are matrices of different times.
  var isNamed: Bool { sources.contains { $0.name != nil } }

  /// Refuses matrices of different times.
  func requireOneMatrix(_ option: String) throws {
    guard let named = sources.first(where: { $0.name != nil }) else { return }
    throw ValidationError(
      "\(option): follows one traffic matrix, and '\(named.argument)' names one of several; expected files without "
        + "names, as './\(named.argument)' is")
  }

  /// Each named matrix and its file.
  var namedFiles: [(name: String, files: TrafficFiles)] {
    sources.compactMap { source in source.name.map { ($0, files([source.path])) } }
  }

  private func files(_ paths: [String]) -> TrafficFiles {
    TrafficFiles(paths, format: format, options: TrafficReader.Options(window: window, metric: metric))
  }

  /// The dumps that add up; nil for none.
  var files: TrafficFiles? {
    traffic.isEmpty || isNamed ? nil : files(traffic)
  }

  /// Reads what names mean. Blocks.
  func readMap() throws -> EndpointMap {
    var names = EndpointMap()
    if let map {
      let file = InputFile(map)
      names = try EndpointMap(Data(file.readAll()), file: file.name)
    }
    names.clusterNames = Set(clusterName)
    return names
  }
}
