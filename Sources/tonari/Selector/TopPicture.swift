import Report
import SelectorProtocol
import Topology

/// One look at a selector after another, as text.
struct TopPicture {
  private struct Counts {
    var picks: UInt64
    var failures: UInt64
  }

  private var before: [String: [String: Counts]]?
  /// Whether there was a look before the last one, so that rates are known.
  private(set) var hasRates = false

  /// Draws what there is now, with rates since the look before.
  mutating func draw(_ statuses: [Tonari_Selector_V1_WatchResponse], seconds: Double, _ style: TerminalStyle) -> String
  {
    hasRates = before != nil
    var text = ""
    var counts: [String: [String: Counts]] = [:]
    for status in statuses {
      text += heading(status).printable + "\n"
      if status.hasOverflow { text += overflow(status.overflow).printable + "\n" }
      var table = TextTable(
        columns: [
          .init("replica", overflow: .truncateMiddle), .init("node", overflow: .truncateMiddle), .init("state"),
          .init("in flight", isNumeric: true), .init("others", isNumeric: true), .init("takes", isNumeric: true),
          .init("picks/s", isNumeric: true), .init("failed/s", isNumeric: true), .init("reported", isNumeric: true),
        ], indent: 2)
      for replica in status.replicas {
        let address = replica.replica.address
        let now = Counts(picks: replica.picks, failures: replica.failures)
        counts[status.service, default: [:]][address] = now
        table.add(row(replica, now, before?[status.service]?[address], seconds))
      }
      text += table.render(style) + "\n"
    }
    before = counts
    return statuses.isEmpty ? "The selector has no services.\n" : text
  }

  private func heading(_ status: Tonari_Selector_V1_WatchResponse) -> String {
    let picks = status.picks
    let total = picks.node &+ picks.zone &+ picks.cluster &+ picks.remote
    func share(_ count: UInt64) -> String { total > 0 ? Human.percent(Double(count) / Double(total)) : "–" }
    var text = "\(status.service) (\(status.policy)): \(Human.grouped(Int(clamping: total))) picks"
    text += ", node \(share(picks.node)), zone \(share(picks.zone)), cluster \(share(picks.cluster))"
    text += ", remote \(share(picks.remote))"
    if picks.panic > 0 { text += ", panic \(share(picks.panic))" }
    if picks.none > 0 { text += ", \(Human.grouped(Int(clamping: picks.none))) without a replica" }
    return text
  }

  private func overflow(_ status: Tonari_Selector_V1_OverflowStatus) -> String {
    func rate(_ perMinute: Double) -> String {
      Human.grouped(Int(saturating: max(-1e15, min(1e15, perMinute)).rounded()))
    }
    var text = "  overflow\(status.dryRun ? " (dry run)" : ""): \(rate(status.demandPerMinute))/min come, "
    text += "\(rate(status.capacityPerMinute))/min borne in \(status.cluster)"
    for neighbour in status.neighbours {
      text += ", \(rate(neighbour.sentPerMinute))/min to \(neighbour.name)"
      if neighbour.down { text += " (down)" }
    }
    if status.shed > 0 { text += ", \(Human.grouped(Int(clamping: status.shed))) turned away" }
    return text
  }

  private func row(
    _ replica: Tonari_Selector_V1_ReplicaStatus, _ now: Counts, _ before: Counts?, _ seconds: Double
  ) -> [TextTable.Cell] {
    func rate(_ now: UInt64, _ before: UInt64?) -> String {
      guard let before, now >= before else { return "–" }
      return Human.grouped(Int(saturating: (Double(now - before) / seconds).rounded()))
    }
    let state: TextTable.Cell =
      if replica.ejected {
        TextTable.Cell("ejected", .warning)
      } else {
        switch replica.replica.state {
        case .starting: TextTable.Cell("starting", .faint)
        case .draining: TextTable.Cell("draining", .warning)
        default: TextTable.Cell("ready", .good)
        }
      }
    let failures = rate(now.failures, before?.failures)
    let takes = replica.serviceTimeUs > 0 ? Human.fixed(Double(replica.serviceTimeUs) / 1000, decimals: 1) + " ms" : "–"
    return [
      TextTable.Cell(replica.replica.address), TextTable.Cell(replica.replica.locality.node), state,
      "\(replica.inFlight)", TextTable.Cell(Human.fixed(replica.others, decimals: 1)), TextTable.Cell(takes),
      TextTable.Cell(rate(now.picks, before?.picks)),
      TextTable.Cell(failures, failures == "0" || failures == "–" ? .plain : .warning),
      TextTable.Cell(replica.hasLoad ? Human.duration(.milliseconds(Int64(replica.loadAgeMs))) + " ago" : "–"),
    ]
  }
}
