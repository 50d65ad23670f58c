import Placement

extension PlanReport {
  /// How much of a list a terminal report shows.
  private enum Limit {
    static let placements = 40
    static let edges = 10
    static let steps = 20
    static let outside = 5
  }

  /// Renders the report as tables for a terminal, each line with a line feed at its end.
  ///
  /// - Parameters:
  ///   - style: the terminal.
  ///   - isWide: whether to show more columns, the nodes, and lists in full.
  package func text(_ style: TerminalStyle = TerminalStyle(), isWide: Bool = false) -> String {
    let sections = [
      headlineSection(style),
      matrixSection(style),
      placementSection(style, isWide),
      isWide ? nodeSection(style) : nil,
      edgeSection(style, isWide),
      curveSection(style),
      stepSection(style, isWide),
      outsideSection(style, isWide),
      endSection(style, isWide),
      warningSection(style),
    ]
    return sections.compactMap { $0 }.joined(separator: "\n")
  }

  func titled(_ title: String, _ body: String, _ style: TerminalStyle) -> String {
    let width = style.width ?? .max
    return style.apply(.strong, to: title.printable.truncated(to: width)) + "\n" + body
  }

  private func more(_ count: Int, _ noun: String, _ style: TerminalStyle) -> String {
    guard count > 0 else { return "" }
    let text = "  and \(Human.count(count, "more " + noun)); -o wide shows all"
    return style.apply(.faint, to: text.truncated(to: style.width ?? .max)) + "\n"
  }

  // MARK: - Headline

  private func headlineSection(_ style: TerminalStyle) -> String {
    var table = TextTable(
      columns: before == nil
        ? [.init(""), .init("", overflow: .wrap)]
        : [.init(""), .init("before", isNumeric: true), .init(""), .init("after", overflow: .wrap)],
      indent: 2
    )
    for figure in headline() {
      let value = TextTable.Cell(figure.value, figure.isBetter ? .good : .plain)
      if before == nil {
        table.add([TextTable.Cell(figure.name, .faint), value])
      } else {
        let arrow = figure.before == nil ? "" : "→"
        table.add([
          TextTable.Cell(figure.name, .faint), TextTable.Cell(figure.before ?? ""), TextTable.Cell(arrow), value,
        ])
      }
    }
    var body = table.render(style)
    if let note = beforeNote { body += paragraph(note, style) }
    return titled(title, body, style)
  }

  private func paragraph(_ text: String, _ style: TerminalStyle, bullet: String = "") -> String {
    let indent = String(repeating: " ", count: 2 + bullet.displayWidth)
    let lines = text.printable.wrapped(to: (style.width ?? .max) - indent.count)
    return lines.enumerated().map { i, line in
      (i == 0 ? "  " + bullet : indent) + line + "\n"
    }.joined()
  }

  // MARK: - Placements and nodes

  private func placementSection(_ style: TerminalStyle, _ isWide: Bool) -> String {
    var columns = [
      TextTable.Column("workload", overflow: .truncateMiddle), .init("replicas", isNumeric: true),
    ]
    if isWide { columns += problem.resources.map { .init($0 + " each", isNumeric: true) } }
    if isWide, before != nil { columns.append(.init("before", overflow: .wrap)) }
    columns.append(.init("nodes", overflow: .wrap))
    var table = TextTable(columns: columns, indent: 2)
    let shown = isWide ? problem.workloads.count : min(problem.workloads.count, Limit.placements)
    for w in 0..<shown {
      var cells = [TextTable.Cell(names[w]), "\(problem.workloads[w].replicas)"]
      if isWide {
        for k in problem.resources.indices {
          cells.append(TextTable.Cell(resourceUnits[k].describe(problem.requests[w * problem.resources.count + k])))
        }
        if let before { cells.append(TextTable.Cell(places(before.assignment.placed[w]), .faint)) }
      }
      let isMoved = before.map { $0.replicas[w] > 0 && $0.assignment.placed[w] != after.placed[w] } ?? false
      cells.append(TextTable.Cell(places(after.placed[w]), isMoved ? .strong : .plain))
      table.add(cells)
    }
    let title = names.namespace.map { "Placements in namespace \($0)" } ?? "Placements"
    return titled(title, table.render(style) + more(problem.workloads.count - shown, "workload", style), style)
  }

  /// `node-1 ×2, node-2`.
  func places(_ placed: [Problem.Placed]) -> String {
    placed.map { place in
      problem.nodes[place.node].name.printable + (place.replicas == 1 ? "" : "\u{00A0}×\(place.replicas)")
    }.joined(separator: ", ")
  }

  private func nodeSection(_ style: TerminalStyle) -> String {
    var columns = [TextTable.Column("node", overflow: .truncateMiddle)]
    if problem.zones.count > 1 { columns.append(.init("zone", overflow: .truncateMiddle)) }
    columns.append(.init("replicas", isNumeric: true))
    columns += problem.resources.map { .init($0, isNumeric: true) }
    columns += problem.resources.map { .init("of " + $0, isNumeric: true) }
    var table = TextTable(columns: columns, indent: 2)
    let load = problem.load(after)
    var replicas = Array(repeating: 0, count: problem.nodes.count)
    for place in after.placed.joined() { replicas[place.node] += place.replicas }
    for (n, node) in problem.nodes.enumerated() {
      var cells = [TextTable.Cell(node.name)]
      if problem.zones.count > 1 { cells.append(TextTable.Cell(problem.zones[node.zone])) }
      cells.append("\(replicas[n])")
      let range = n * problem.resources.count..<(n + 1) * problem.resources.count
      for i in range {
        let share = problem.allocatable[i] > 0 ? Double(load[i]) / Double(problem.allocatable[i]) : 0
        cells.append(TextTable.Cell(Human.percent(share), share > 1 ? .warning : .plain))
      }
      for (k, i) in range.enumerated() {
        cells.append(TextTable.Cell(resourceUnits[k].describe(problem.allocatable[i])))
      }
      table.add(cells)
    }
    return titled("Nodes", table.render(style), style)
  }

  // MARK: - Edges

  private func edgeSection(_ style: TerminalStyle, _ isWide: Bool) -> String? {
    let crossing = edgeFigures().filter(\.crosses)
    guard !crossing.isEmpty else { return nil }
    let shown = isWide ? crossing.count : min(crossing.count, Limit.edges)
    var columns = [
      TextTable.Column("between", overflow: .truncateMiddle), .init("and", overflow: .truncateMiddle),
      .init("crosses", isNumeric: true),
    ]
    if isWide {
      columns.append(.init("of", isNumeric: true))
      if before != nil { columns.append(.init("local before", isNumeric: true)) }
    }
    columns.append(.init("local", isNumeric: true))
    if isWide, problem.zones.count > 1 { columns.append(.init("in zone", isNumeric: true)) }
    if isWide { columns.append(.init("cost", isNumeric: true)) }
    columns.append(.init("why", overflow: .wrap))
    var table = TextTable(columns: columns, indent: 2)
    let analysis = CrossingAnalysis(self)
    for figures in crossing.prefix(shown) {
      let edge = problem.edges[figures.edge]
      var cells = [
        TextTable.Cell(names[edge.u]), TextTable.Cell(names[edge.v]),
        TextTable.Cell(Human.traffic(figures.crossing, unit: problem.trafficUnit), .warning),
      ]
      if isWide {
        cells.append(TextTable.Cell(Human.traffic(figures.traffic, unit: problem.trafficUnit)))
        if before != nil { cells.append(TextTable.Cell(figures.localBefore.map(Human.percent) ?? "–")) }
      }
      cells.append(TextTable.Cell(Human.percent(figures.local)))
      if isWide, problem.zones.count > 1 { cells.append(TextTable.Cell(Human.percent(figures.zone))) }
      if isWide { cells.append(TextTable.Cell(Human.number(figures.cost))) }
      cells.append(TextTable.Cell(analysis.reason(edge: figures.edge)?.text ?? ""))
      table.add(cells)
    }
    return titled(
      "Traffic that still crosses nodes, heaviest first",
      table.render(style) + more(crossing.count - shown, "edge", style),
      style
    )
  }

  // MARK: - Moves

  private func stepSection(_ style: TerminalStyle, _ isWide: Bool) -> String? {
    guard before != nil, !(moves.steps.isEmpty && moves.blocked.isEmpty) else { return nil }
    var table = TextTable(
      columns: [
        .init("", isNumeric: true), .init("workload", overflow: .truncateMiddle), .init("", overflow: .truncateMiddle),
        .init(""), .init("", overflow: .truncateMiddle), .init("", overflow: .wrap),
      ],
      indent: 2
    )
    let shown = isWide ? moves.steps.count : min(moves.steps.count, Limit.steps)
    for (i, step) in moves.steps.prefix(shown).enumerated() { table.add(cells(step, "\(i + 1)")) }
    var body = table.render(style) + more(moves.steps.count - shown, "step", style)
    if !moves.interruptions.isEmpty {
      body += paragraph(
        "\(Human.count(moves.interruptions.count, "replica")) must stop before there is room to start elsewhere: "
          + Set(moves.interruptions.map { names[$0.workload] }).sorted().joined(separator: ", ") + ".",
        style
      )
    }
    if !moves.blocked.isEmpty {
      body += paragraph("These do not fit at all, because the placement itself puts too much on a node:", style)
      var table = table.emptied
      for step in moves.blocked { table.add(cells(step, "")) }
      body += table.render(style)
    }
    return titled("Moves, in an order in which no node gets too full", body, style)
  }

  private func cells(_ step: MoveOrder.Step, _ number: String) -> [TextTable.Cell] {
    [
      TextTable.Cell(number, .faint),
      TextTable.Cell(names[step.workload] + (step.replicas == 1 ? "" : " ×\(step.replicas)")),
      TextTable.Cell(step.from.map { problem.nodes[$0].name } ?? "new"),
      "→",
      TextTable.Cell(step.to.map { problem.nodes[$0].name } ?? "removed"),
      TextTable.Cell(step.partText ?? "", .warning),
    ]
  }

  // MARK: - What is not in the plan

  private func outsideSection(_ style: TerminalStyle, _ isWide: Bool) -> String? {
    guard !outside.isEmpty else { return nil }
    let sorted = outside.sorted { ($1.traffic, $0.name) < ($0.traffic, $1.name) }
    let shown = isWide ? sorted.count : min(sorted.count, Limit.outside)
    var table = TextTable(
      columns: [
        .init("outside end", overflow: .truncateMiddle), .init("traffic", isNumeric: true),
        .init("of all", isNumeric: true),
      ],
      indent: 2
    )
    for entry in sorted.prefix(shown) {
      table.add([
        TextTable.Cell(entry.name), TextTable.Cell(Human.traffic(entry.traffic, unit: problem.trafficUnit)),
        TextTable.Cell(Human.percent(entry.share)),
      ])
    }
    return titled(
      "Traffic with ends outside the plan", table.render(style) + more(sorted.count - shown, "end", style), style)
  }

  private func endSection(_ style: TerminalStyle, _ isWide: Bool) -> String? {
    guard isWide, !ends.isEmpty else { return nil }
    var table = TextTable(
      columns: [
        .init("name in the traffic", overflow: .truncateMiddle), .init("means", overflow: .wrap),
        .init("found by", overflow: .wrap), .init("traffic", isNumeric: true),
      ],
      indent: 2
    )
    for end in ends {
      table.add([
        TextTable.Cell(end.name), TextTable.Cell(end.meaning), TextTable.Cell(end.evidence, .faint),
        TextTable.Cell(Human.traffic(end.traffic, unit: problem.trafficUnit)),
      ])
    }
    return titled("What the names in the traffic were taken for", table.render(style), style)
  }

  private func warningSection(_ style: TerminalStyle) -> String? {
    guard !warnings.isEmpty else { return nil }
    return titled("Warnings", warnings.map { paragraph($0, style, bullet: "– ") }.joined(), style)
  }
}

extension MoveOrder.Step {
  /// What is special about a step; nil for a whole move.
  var partText: String? {
    switch part {
    case .whole: nil
    case .stop: "stops first, starts in a later step"
    case .start: "starts again"
    }
  }
}
