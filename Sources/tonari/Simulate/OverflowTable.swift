import Model
import Report
import Simulation

/// Rushes as a terminal shows them: a row for each policy, its figures beside the baseline's and the published ones.
struct OverflowTable {
  private let result: OverflowResult
  private let seeds: Int

  init(_ result: OverflowResult, seeds: Int) {
    self.result = result
    self.seeds = seeds
  }

  func text(_ style: TerminalStyle) -> String {
    let titles = [
      "RPMmax", "mean", "of baseline", "published", "median", "of baseline", "errors", "of baseline", "published",
    ]
    var table = TextTable(columns: [.init("policy")] + titles.map { .init($0, isNumeric: true) })
    let baseline = result.runs.first { $0.policy == SimulatedOverflow.baseline.rawValue }
    for run in result.runs {
      func ratio(_ value: (OverflowResult.Run) -> Double) -> TextTable.Cell {
        guard let baseline, value(baseline) > 0 else { return "–" }
        return .init(Human.percent(value(run) / value(baseline)))
      }
      let published = SimulatedOverflow(rawValue: run.policy)?.published
      table.add([
        .init(run.policy), .init(run.capacityRpm.map { Human.fixed($0, decimals: 0) } ?? "–"),
        .init(milliseconds(run.meanMs)), ratio(\.meanMs), .init(published.map { Human.percent($0.mean) } ?? "–"),
        .init(milliseconds(run.medianMs)), ratio(\.medianMs), .init(Human.percent(run.errorRate)),
        ratio(\.errorRate), .init(published.map { Human.percent($0.errors) } ?? "–"),
      ])
    }
    let title = "\(result.scenario), \(Human.count(seeds, "run")) of each\n"
    return title + table.render(style) + findings
  }

  private func milliseconds(_ value: Double) -> String { Human.duration(.seconds(saturating: value / 1000)) }

  /// What the original found, as figures of these runs.
  private var findings: String {
    var text = ""
    if let late = samples(.rpmMax540, minutes: 18..<20) {
      let most = late.map(\.localRpm).max() ?? 0
      text +=
        "\nWith RPMmax 540 the weights lag behind: between 18 and 20 minutes up to \(Human.fixed(most, decimals: 0)) requests "
        + "a minute stay.\n"
    }
    if let before = samples(.rpmMax390, minutes: 0..<30), let after = samples(.rpmMax390, minutes: 30..<50) {
      let failed = after.map(\.remoteErrorRate).max() ?? 0
      let had = before.map(\.remoteErrorRate).max() ?? 0
      text +=
        "With RPMmax 390 the neighbour gets too much: it fails up to \(Human.percent(failed)) after 30 minutes, "
        + "\(Human.percent(had)) before.\n"
    }
    return text
  }

  private func samples(_ policy: SimulatedOverflow, minutes: Range<Double>) -> [OverflowResult.Sample]? {
    result.runs.first { $0.policy == policy.rawValue }?.series.filter { minutes.contains($0.minute) }
  }
}
