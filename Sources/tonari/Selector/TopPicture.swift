import Model
import Report
import SelectorProtocol

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
  ///
  /// - Parameter height: the lines that may be drawn; what has no room is counted. nil for all.
  mutating func draw(
    _ statuses: [Tonari_Selector_V1_WatchResponse], seconds: Double, _ style: TerminalStyle, height: Int? = nil
  ) -> String {
    hasRates = before != nil
    var counts: [String: [String: Counts]] = [:]
    let services = statuses.map { status in
      var table = TextTable(columns: Self.columns, indent: 2)
      for replica in status.replicas {
        let address = replica.replica.address
        let now = Counts(picks: replica.picks, failures: replica.failures)
        counts[status.service, default: [:]][address] = now
        table.add(row(replica, now, before?[status.service]?[address], seconds))
      }
      return (titles(status, style), table)
    }
    before = counts
    guard !services.isEmpty else { return Self.lines(["The selector has no services."], style) }
    guard let height else {
      return services.map { titles, table in
        titles + (table.isEmpty ? "" : table.render(style)) + "\n"
      }.joined()
    }
    // The last line is where the cursor comes to rest.
    var free = max(1, height - 1)
    var text = ""
    for (s, (titles, table)) in services.enumerated() {
      let left = services.count - s
      // Each service gets its share of what is left, and at least its titles; the last line says what has no room.
      let reserve = left > 1 ? 1 : 0
      guard titles.lineCount + reserve <= free else {
        text += Self.line("… \(left) more service\(left == 1 ? "" : "s"): --service shows one alone", style)
        break
      }
      let share = max(titles.lineCount, (free - reserve) / left)
      let block = titles + fit(table, in: share - titles.lineCount, style)
      text += block
      free -= block.lineCount
      if left > 1, free > services.count - s { (text, free) = (text + "\n", free - 1) }
    }
    return text
  }

  private static let columns: [TextTable.Column] = [
    .init("replica", overflow: .truncateMiddle), .init("node", overflow: .truncateMiddle, rank: 2),
    .init("state", rank: 6), .init("in flight", isNumeric: true), .init("others", isNumeric: true, rank: 0),
    .init("takes", isNumeric: true, rank: 3), .init("picks/s", isNumeric: true, rank: 5),
    .init("failed/s", isNumeric: true, rank: 4), .init("reported", isNumeric: true, rank: 1),
  ]

  /// The table in at most so many lines, its last one a count of what has no room.
  private func fit(_ table: TextTable, in lines: Int, _ style: TerminalStyle) -> String {
    guard !table.isEmpty, lines > 0 else { return "" }
    // One line is the title.
    guard table.count + 1 > lines else { return table.render(style) }
    guard lines > 2 else { return Self.line("  … \(table.count) replicas", style) }
    let shown = table.prefix(lines - 2)
    return shown.render(style) + Self.line("  … \(table.count - shown.count) more replicas", style)
  }

  private func titles(_ status: Tonari_Selector_V1_WatchResponse, _ style: TerminalStyle) -> String {
    guard !status.gone else { return Self.lines(["\(status.service): no such service"], style) }
    return Self.lines([heading(status)] + (status.hasOverflow ? [overflow(status.overflow)] : []), style)
  }

  /// Lines, broken where the terminal would break them otherwise.
  private static func lines(_ texts: [String], _ style: TerminalStyle) -> String {
    texts.flatMap { text in
      let text = text.printable
      let indent = String(text.prefix { $0 == " " })
      return style.width.map { width in text.wrapped(to: width - indent.count).map { indent + $0 } } ?? [text]
    }.map { $0 + "\n" }.joined()
  }

  private static func line(_ text: String, _ style: TerminalStyle) -> String {
    (style.width.map { text.truncated(to: $0) } ?? text) + "\n"
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

extension String {
  fileprivate var lineCount: Int { utf8.count { $0 == UInt8(ascii: "\n") } }
}
