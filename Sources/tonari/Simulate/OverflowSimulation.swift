import Foundation
import Report
import Simulation

/// A rush at an edge with several ways to overflow, and how one pod does under a growing load.
enum OverflowSimulation: String, CaseIterable {
  case ramp = "overflow-ramp"
  case calibration = "overflow-calibration"

  /// What it shows, in a line.
  var abstract: String {
    switch self {
    case .ramp: "a rush at an edge, and what overflows to the neighbour"
    case .calibration: "one pod of that edge under a growing load"
    }
  }

  /// Plays it.
  ///
  /// - Parameters:
  ///   - policies: Those that are compared; the baseline is played in any case.
  ///   - seeds: How often each is played.
  ///   - chart: Where a drawing goes, if one is wanted.
  func run(_ policies: [SimulatedOverflow], seeds: Int, _ output: SimulateCommand.Form, chart: OutputFile?) throws {
    switch self {
    case .ramp:
      let world = OverflowWorld()
      let runs = SimulatedOverflow.allCases.filter { $0 == .baseline || policies.contains($0) }.map { policy in
        OverflowResult.Run(policy, (1...seeds).map { world.run(policy, seed: $0) })
      }
      let result = OverflowResult(scenario: rawValue, runs: runs)
      try chart?.write(result.report.svg())
      try Terminal.output.write(
        output == .json ? try result.json() : OverflowTable(result, seeds: seeds).text(Terminal.output.style))
    case .calibration:
      let curve = PodCurve(seeds: seeds)
      try Terminal.output.write(output == .json ? try curve.json() : curve.text(Terminal.output.style))
    }
  }
}

extension OverflowResult {
  /// The runs as pictures over time.
  fileprivate var report: OverflowReport {
    OverflowReport(
      title: scenario,
      series: runs.map { run in
        OverflowSeries(
          name: run.policy, neighbours: ["neighbour"], capacity: run.capacityRpm,
          points: run.series.map { sample in
            OverflowSeries.Point(
              time: sample.minute * 60, demand: sample.demandRpm, local: sample.localRpm, remote: [sample.remoteRpm],
              shed: sample.shedRpm, responseTime: sample.meanMs.map { $0 / 1000 })
          })
      })
  }
}

extension PodCurve {
  fileprivate func text(_ style: TerminalStyle) -> String {
    var table = TextTable(columns: ["RPM", "mean ms", "errors"].map { .init($0, isNumeric: true) })
    for step in steps {
      table.add([
        .init(Human.fixed(step.rpm, decimals: 0)), .init(Human.fixed(step.meanMs, decimals: 0)),
        .init(Human.percent(step.errorRate)),
      ])
    }
    return "\(scenario): one pod, a minute at each load\n" + table.render(style)
  }
}
