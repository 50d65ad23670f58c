import ArgumentParser
import Connections
import Fleet
import Foundation
import Kubernetes
import MeshController
import Report

/// Shows what becomes of requests that are too many for a cluster.
struct OverflowStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show which requests go to which cluster.",
    discussion: """
      As the OverflowPolicy objects of a cluster say it, or as a controller that leads says it, which knows the last \
      minutes, too.

      EXAMPLES
        tonari overflow status --kubeconfig ~/.kube/config
        tonari overflow status --address http://127.0.0.1:8891 --report overflow.html

      \(ExitStatus.help)
      """)

  /// How the result is written.
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case table, json
  }

  @OptionGroup(title: "Cluster") var api: ClusterAPIOptions

  @Option(help: ArgumentHelp("Show the policies of this namespace only.", valueName: "name"))
  var namespace: String?

  @Option(
    help: ArgumentHelp("Ask the controller that leads, where it answers for health and metrics.", valueName: "url"))
  var address: String?

  @Option(name: [.short, .long], help: "How to show it.")
  var output: Format = .table

  @Option(
    help: ArgumentHelp("Draw the last minutes into this file, as HTML; wants --address.", valueName: "file"),
    completion: .file()
  )
  var report: String?

  func validate() throws {
    guard (address != nil) != api.isGiven else {
      throw ValidationError("expected a cluster (--kubeconfig or --in-cluster) or a controller (--address)")
    }
    if report != nil, address == nil {
      throw ValidationError("--report: expected --address: objects know the present only")
    }
  }

  func run() async throws {
    if let report { try OutputFile(path: report).check() }
    guard let address else {
      guard let configuration = try api.configuration() else { return }
      return try await showObjects(configuration)
    }
    var history = try await Self.history(address)
    if let namespace { history.flows.removeAll { !$0.policy.hasPrefix("\(namespace)/") } }
    switch output {
    case .json: try Terminal.output.write(history.json)
    case .table: try Terminal.output.write(FlowTable(history).render(Terminal.output.style))
    }
    if let report { try OutputFile(path: report).write(history.report.html()) }
  }

  private func showObjects(_ configuration: ClientConfiguration) async throws {
    let client = APIClient(configuration)
    let found = try await client.list(.overflowPolicies, ObjectSelection(namespace: namespace)) { object in
      PolicyLine(object)
    }.items
    let lines = found.sorted { $0.policy < $1.policy }
    switch output {
    case .json:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try Terminal.output.write(String(decoding: try encoder.encode(lines), as: UTF8.self) + "\n")
    case .table: try Terminal.output.write(FlowTable(lines).render(Terminal.output.style))
    }
  }

  private static func history(_ address: String) async throws -> FlowHistory {
    let url = "\(address.hasSuffix("/") ? String(address.dropLast()) : address)/overflow"
    let response = try await HTTPTransport().send(OutgoingRequest(url: url, timeout: .seconds(10)))
    let body = try await response.body.collect(upTo: 256 << 20)
    guard response.status == 200, let history = try? JSONDecoder().decode(FlowHistory.self, from: Data(body)) else {
      throw ValidationError("--address: \(url): found HTTP \(response.status), expected a controller's flows")
    }
    return history
  }
}

extension FlowHistory {
  /// The history as pictures over time.
  var report: OverflowReport {
    let start = flows.compactMap { $0.points.first?.time }.min() ?? 0
    let series = flows.map { flow in
      OverflowSeries(
        name: flow.service, neighbours: flow.neighbours, capacity: flow.capacity,
        points: flow.points.map { point in
          OverflowSeries.Point(
            time: point.time - start, demand: point.demand, local: point.local, remote: point.remote,
            shed: point.shed, responseTime: point.responseTime)
        })
    }
    let title = cluster.isEmpty ? "Overflow" : "Overflow of \(cluster)"
    return OverflowReport(
      title: title, abstract: "Where the requests of the last minutes went, as the weights had it.", series: series)
  }
}
