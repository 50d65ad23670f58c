import Model
import Selection

/// Knows every server's queue and speed at every moment, as nobody can, and picks the soonest answer: what is left to
/// gain. A run reports to it whatever happens, at once.
struct OraclePolicy: SelectionPolicy {
  private var reports: [LoadReport] = []

  mutating func arrange(_ table: ReplicaTable, joined: [Int], at now: Moment) {
    while reports.count < table.slotCount { reports.append(LoadReport(inFlight: 0, latencySeconds: 1)) }
  }

  mutating func choose(
    _ candidates: Candidates, in table: ReplicaTable, at now: Moment, using generator: inout SeededGenerator
  ) -> Int? {
    guard !candidates.positions.isEmpty else { return nil }
    let start = generator.below(candidates.positions.count)
    var best: (slot: Int, cost: Double)?
    for step in candidates.positions.indices {
      let offset = (start + step - candidates.positions.lowerBound) % candidates.positions.count
      let slot = table.slot(at: candidates.positions.lowerBound + offset)
      guard table.admits(slot, candidates) else { continue }
      let cost = cost(slot, in: table, at: now)
      if best.map({ cost < $0.cost }) ?? true { best = (slot, cost) }
    }
    return best?.slot
  }

  func cost(_ slot: Int, in table: ReplicaTable, at now: Moment) -> Double {
    let servers = Double(table.concurrency(slot) ?? 1)
    let waiting = max(0, Double(reports[slot].inFlight ?? 0) - servers + 1)
    return (1 + waiting / servers) * (reports[slot].latencySeconds ?? 1)
  }

  mutating func heard(_ report: LoadReport, _ slot: Int, in table: ReplicaTable, at now: Moment) {
    reports[slot] = report
  }
}
