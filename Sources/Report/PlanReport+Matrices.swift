import Placement

/// Where several traffic matrices are planned together: what each comes to.
extension PlanReport {
  /// What counts, in words.
  private var combinationText: String {
    switch problem.combination {
    case .mean: "Their mean by weight is what counts."
    case .worst: "What counts is the one with the highest cost, as a share of its own traffic."
    }
  }

  /// The matrix that counts where the worst does: its cost is the greatest part of what it would be if nothing were local.
  private var worst: Int? {
    guard problem.combination == .worst, problem.matrices.count > 1 else { return nil }
    func share(_ m: Int) -> Double {
      let figures = evaluation.matrices[m]
      return figures.totalTraffic > 0 ? figures.cost / figures.totalTraffic : 0
    }
    return problem.matrices.indices.max { share($0) < share($1) }
  }

  private func name(_ m: Int) -> String { problem.matrices[m].name + (m == worst ? " (the worst)" : "") }

  /// The terminal's table.
  func matrixSection(_ style: TerminalStyle) -> String? {
    guard !problem.matrices.isEmpty else { return nil }
    let hasZones = problem.zones.count > 1
    let hasWeights = problem.combination == .mean
    var columns = [TextTable.Column("matrix", overflow: .truncateMiddle)]
    if hasWeights { columns.append(.init("weight", isNumeric: true)) }
    columns += [.init("traffic", isNumeric: true), .init("crosses", isNumeric: true)]
    if before != nil { columns.append(.init("local before", isNumeric: true)) }
    columns.append(.init("local", isNumeric: true))
    if hasZones { columns.append(.init("in zone", isNumeric: true)) }
    var table = TextTable(columns: columns, indent: 2)
    for (m, figures) in evaluation.matrices.enumerated() {
      var cells = [TextTable.Cell(name(m))]
      if hasWeights { cells.append(TextTable.Cell(Human.significant(problem.matrices[m].weight))) }
      cells += [
        TextTable.Cell(Human.traffic(figures.totalTraffic, unit: problem.trafficUnit)),
        TextTable.Cell(Human.traffic(figures.betweenNodes, unit: problem.trafficUnit)),
      ]
      if let before { cells.append(TextTable.Cell(Human.percent(before.evaluation.matrices[m].localizedShareNode))) }
      cells.append(TextTable.Cell(Human.percent(figures.localizedShareNode), .strong))
      if hasZones { cells.append(TextTable.Cell(Human.percent(figures.localizedShareZone))) }
      table.add(cells)
    }
    let title = problem.combination == .mean ? "Traffic matrices, by mean" : "Traffic matrices, by the worst"
    return titled(title, table.render(style), style)
  }

  /// The page's table.
  var matrixPageSection: PageSection? {
    guard !problem.matrices.isEmpty else { return nil }
    let hasZones = problem.zones.count > 1
    let hasWeights = problem.combination == .mean
    var columns = [PageTable.Column(title: "Matrix")]
    if hasWeights { columns.append(.init(title: "Weight", isNumeric: true)) }
    columns += [.init(title: "Traffic", isNumeric: true), .init(title: "Between nodes", isNumeric: true)]
    if before != nil { columns.append(.init(title: "Localized before", isNumeric: true)) }
    columns.append(.init(title: "Localized share", isNumeric: true))
    if hasZones { columns.append(.init(title: "In its zone", isNumeric: true)) }
    var table = PageTable(id: "matrix-table", caption: "Traffic matrices", columns: columns)
    for (m, figures) in evaluation.matrices.enumerated() {
      var cells = [PageTable.Cell.text(name(m), "name")]
      if hasWeights {
        let weight = problem.matrices[m].weight
        cells.append(.number(Human.significant(weight), weight, "soft"))
      }
      cells += [
        .number(Human.traffic(figures.totalTraffic, unit: problem.trafficUnit), figures.totalTraffic),
        .number(Human.traffic(figures.betweenNodes, unit: problem.trafficUnit), figures.betweenNodes),
      ]
      if let before {
        let was = before.evaluation.matrices[m].localizedShareNode
        cells.append(.number(Human.percent(was), was, "soft"))
      }
      let share = figures.localizedShareNode
      cells.append(
        PageTable.Cell(
          content: "<span class=\"meter slim\"><i style=\"width:\(share * 100)%\"></i></span>\(Human.percent(share))",
          value: share))
      if hasZones { cells.append(.number(Human.percent(figures.localizedShareZone), figures.localizedShareZone)) }
      table.add(cells)
    }
    return PageSection(
      id: "matrices", name: "Matrices", title: "Traffic matrices",
      body: "<p class=\"hint\">One placement for all of them. \(combinationText)</p>\(table.markup)")
  }
}

extension Evaluation.Matrix {
  /// Traffic per second that leaves its node.
  var betweenNodes: Double { totalTraffic * (1 - localizedShareNode) }
}
