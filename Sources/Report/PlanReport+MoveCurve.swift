import Placement

/// What moves buy: how good a placement can be with fewer of them.
extension PlanReport {
  /// The terminal's table.
  func curveSection(_ style: TerminalStyle) -> String? {
    guard let points = moveCurve?.points, let first = points.first else { return nil }
    let hasZones = problem.zones.count > 1
    var columns = [
      TextTable.Column("moves", isNumeric: true), .init("local", isNumeric: true), .init("", isNumeric: true),
    ]
    if hasZones { columns.append(.init("in zone", isNumeric: true)) }
    columns.append(.init("peak", isNumeric: true))
    var table = TextTable(columns: columns, indent: 2)
    for point in points {
      var cells = [
        TextTable.Cell(Human.grouped(point.limit)), TextTable.Cell(Human.percent(point.evaluation.localizedShareNode)),
        TextTable.Cell(gain(point, over: first), .good),
      ]
      if hasZones { cells.append(TextTable.Cell(Human.percent(point.evaluation.localizedShareZone))) }
      cells.append(TextTable.Cell(Human.percent(point.evaluation.peakUtilization)))
      table.add(cells)
    }
    return titled("What moves buy: the best found with at most so many", table.render(style), style)
  }

  /// The page's chart and table.
  var curvePageSection: PageSection? {
    guard let points = moveCurve?.points, let first = points.first else { return nil }
    let chart = LineChart(
      title: "Localized share over moves",
      series: [
        .init(
          name: "localized share", style: "share",
          points: points.map { (time: Double($0.limit), value: $0.evaluation.localizedShareNode) })
      ],
      axis: .moves, format: { Human.fixed($0 * 100, decimals: 1) + " %" })
    let hasZones = problem.zones.count > 1
    var columns: [PageTable.Column] = [
      .init(title: "Moves", isNumeric: true), .init(title: "Localized share", isNumeric: true),
      .init(title: "Points", isNumeric: true),
    ]
    if hasZones { columns.append(.init(title: "In its zone", isNumeric: true)) }
    columns += [.init(title: "Peak utilization", isNumeric: true), .init(title: "Objective", isNumeric: true)]
    var table = PageTable(id: "curve-table", caption: "What moves buy", columns: columns)
    for point in points {
      let evaluation = point.evaluation
      var cells: [PageTable.Cell] = [
        .number(Human.grouped(point.limit), Double(point.limit), "name"),
        .number(Human.percent(evaluation.localizedShareNode), evaluation.localizedShareNode),
        .number(
          gain(point, over: first), evaluation.localizedShareNode - first.evaluation.localizedShareNode, "soft"),
      ]
      if hasZones {
        cells.append(.number(Human.percent(evaluation.localizedShareZone), evaluation.localizedShareZone))
      }
      cells += [
        .number(Human.percent(evaluation.peakUtilization), evaluation.peakUtilization),
        .number(Human.number(evaluation.objective), evaluation.objective),
      ]
      table.add(cells)
    }
    return PageSection(
      id: "curve", name: "What moves buy",
      body: """
        <p class="hint">The best placement that was found with at most so many moved replicas; the last is the plan. \
        Each can be had: plan with --max-moves.</p><div class="charts"><figure><figcaption>Localized share \
        <span>by the number of moves</span></figcaption>\(chart.render())</figure></div>\(table.markup)
        """
    )
  }

  /// "+9.1": percentage points over where the curve begins.
  private func gain(_ point: MoveCurve.Point, over first: MoveCurve.Point) -> String {
    let points = (point.evaluation.localizedShareNode - first.evaluation.localizedShareNode) * 100
    guard points.magnitude >= 0.05 else { return "" }
    return (points > 0 ? "+" : "") + Human.fixed(points, decimals: 1)
  }
}
