import ArgumentParser
import Files
import Foundation
import LiveInput
import Planning
import Traffic

/// The files that say who talks to whom.
struct TrafficOptions: ParsableArguments {
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

  /// The dumps; nil for none.
  var files: TrafficFiles? {
    traffic.isEmpty
      ? nil : TrafficFiles(traffic, format: format, options: TrafficReader.Options(window: window, metric: metric))
  }

  /// Reads what names mean. Blocks.
  func readMap() throws -> EndpointMap {
    guard let map else { return EndpointMap() }
    let file = InputFile(map)
    return try EndpointMap(Data(file.readAll()), file: file.name)
  }
}
