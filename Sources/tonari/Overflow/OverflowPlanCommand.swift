import ArgumentParser
import Daemon
import Formats
import Foundation
import Placement
import Planner
import Report

/// Says in advance what a set of clusters can bear.
struct OverflowPlanCommand: AsyncParsableCommand {
  /// The form of the result on standard output.
  enum Form: String, CaseIterable, ExpressibleByArgument {
    case table, json
  }

  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Say in advance what a set of clusters can bear together.",
    discussion: """
      Reads what is asked of each cluster and what each can bear, and says where the excess goes at the least cost, what \
      nobody has room for, and how far all demands can grow together before anything must be shed. The result is the \
      optimum of the linear program in models/overflow.mod.

      THE FILE
        clusters: [north, east, cloud]
        costs: {default: 20, north: {east: 6}}        # the same both ways
        services:
        - name: cart
          demandPerMinute: {north: 1080, east: 300}   # what is left out is 0
          capacityPerMinute: {north: 540, east: 540, cloud: 3000}

      EXAMPLES
        tonari overflow plan manifests/examples/edges.yaml
        tonari overflow plan edges.yaml -o json | jq .growth

      \(ExitStatus.help)
      """
  )

  @Argument(help: "A YAML file with clusters and services.", completion: .file(extensions: ["yaml", "yml"]))
  var file: String

  @Option(name: .shortAndLong, help: ArgumentHelp("What to print.", valueName: "form"))
  var output: Form = .table

  func run() async throws {
    let command = self
    try await onWorkerThread { try command.plan() }
  }

  private func plan() throws {
    let file = InputFile(file)
    let problem = try EdgeProblem(yaml: String(decoding: file.readAll(limit: 1 << 24), as: UTF8.self), file: file.name)
    let plan = try EdgePlan(problem)
    switch output {
    case .table: try Terminal.output.write(text(plan, problem))
    case .json: try Terminal.output.write(json(plan, problem))
    }
  }

  private func text(_ plan: EdgePlan, _ problem: EdgeProblem) -> String {
    var table = TextTable(columns: [
      .init("service"), .init("from"), .init("to"), .init("per minute", isNumeric: true),
      .init("of the demand", isNumeric: true), .init("cost", isNumeric: true),
    ])
    func row(_ service: Int, _ from: Int, _ to: String, _ amount: Double, _ cost: Double) {
      let share = amount / problem.services[service].demand[from]
      let figures = [number(amount), String(format: "%.1f %%", share * 100), number(cost * amount)]
      table.add(
        [.init(problem.services[service].name), .init(problem.clusters[from]), .init(to)]
          + figures.map { TextTable.Cell($0) })
    }
    for flow in plan.flows {
      row(
        flow.service, flow.from, problem.clusters[flow.to], flow.perMinute, problem.costs[flow.from][flow.to])
    }
    for (service, shed) in plan.shed.enumerated() {
      for (cluster, amount) in shed.enumerated() where amount > 1e-6 {
        row(service, cluster, "shed", amount, problem.shedCost)
      }
    }
    var text =
      plan.flows.isEmpty && plan.shed.allSatisfy { $0.allSatisfy { $0 <= 1e-6 } }
      ? "All requests fit where they arrive.\n" : table.render(Terminal.output.style)
    text += "cost \(number(plan.cost)), optimal\n"
    if let growth = plan.growth {
      text +=
        growth >= 1
        ? String(format: "all demands together can grow to %.0f %% before anything must be shed\n", growth * 100)
        : String(format: "only %.0f %% of all demands together can be served\n", growth * 100)
    }
    return text
  }

  private func number(_ value: Double) -> String { String(format: value < 100 ? "%.1f" : "%.0f", value) }

  private struct Document: Encodable {
    struct Flow: Encodable {
      var service: String
      var from: String
      var to: String
      var perMinute: Double
    }
    struct Shed: Encodable {
      var service: String
      var cluster: String
      var perMinute: Double
    }

    var cost: Double
    var optimal = true
    var growth: Double?
    var flows: [Flow]
    var shed: [Shed]
  }

  private func json(_ plan: EdgePlan, _ problem: EdgeProblem) throws -> String {
    let document = Document(
      cost: plan.cost, growth: plan.growth,
      flows: plan.flows.map {
        .init(
          service: problem.services[$0.service].name, from: problem.clusters[$0.from], to: problem.clusters[$0.to],
          perMinute: $0.perMinute)
      },
      shed: plan.shed.enumerated().flatMap { service, shed in
        shed.enumerated().filter { $0.element > 1e-6 }.map {
          .init(service: problem.services[service].name, cluster: problem.clusters[$0.offset], perMinute: $0.element)
        }
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
  }
}
