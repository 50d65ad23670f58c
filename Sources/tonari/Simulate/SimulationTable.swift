import Foundation
import Report
import Simulation

/// The runs of a simulation as a terminal shows them: a row for each load and policy, means over the seeds.
struct SimulationTable {
  private let result: SimulationResult

  init(_ result: SimulationResult) {
    self.result = result
  }

  func text(_ style: TerminalStyle) -> String {
    let titles = ["requests", "errors", "mean ms", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "p99 ratio"]
    var table = TextTable(
      columns: [.init("load", isNumeric: true), .init("policy")] + titles.map { .init($0, isNumeric: true) })
    for load in unique(\.load) {
      let runs = result.runs.filter { $0.load == load }
      for name in unique(Self.name) {
        let own = runs.filter { Self.name($0) == name }
        guard let p99 = mean(own, \.p99Ms) else { continue }
        let peers = runs.filter {
          $0.policy == SimulatedPolicy.leastRequest.rawValue && $0.clients == own.first?.clients
        }
        let baseline = mean(peers, \.p99Ms)
        var cells: [TextTable.Cell] = ["\(load)", .init(name)]
        cells += [{ Double($0.requests) }, { Double($0.errors) }].map { .init(number(mean(own, $0), digits: 0)) }
        cells += [\RunResult.meanMs, \.p50Ms, \.p90Ms, \.p99Ms, \.p999Ms].map { key in
          .init(number(mean(own) { $0[keyPath: key] }, digits: 1))
        }
        cells.append(.init(number(baseline.map { p99 / $0 }, digits: 3)))
        table.add(cells)
      }
    }
    let seeds = Set(result.runs.map(\.seed)).count
    let peer = "least-request" + (result.runs.contains { $0.clients != nil } ? " with as many clients" : "")
    return "\(result.scenario), means of \(seeds) \(seeds == 1 ? "run" : "runs"); ratios to \(peer)\n"
      + table.render(style)
  }

  /// The policy, and how many asked whom where that is compared.
  static func name(_ run: RunResult) -> String {
    let selectors = run.selectors.map { ", \($0) \($0 == 1 ? "selector" : "selectors")" } ?? ""
    let clients = run.clients.map { ", \($0) \($0 == 1 ? "client" : "clients")" } ?? ""
    return run.policy + clients + selectors
  }

  private func unique<Value: Hashable>(_ value: (RunResult) -> Value) -> [Value] {
    var seen: Set<Value> = []
    return result.runs.map(value).filter { seen.insert($0).inserted }
  }

  private func mean(_ runs: [RunResult], _ value: (RunResult) -> Double) -> Double? {
    runs.isEmpty ? nil : runs.reduce(0) { $0 + value($1) } / Double(runs.count)
  }

  private func number(_ value: Double?, digits: Int) -> String {
    value.map { String(format: "%.\(digits)f", $0) } ?? "–"
  }
}
