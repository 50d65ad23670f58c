import Placement

/// The tables of the page.
extension PlanReport {
  /// The most rows of each table; lists beyond are in the plan.
  private enum Limit {
    static let nodes = 300
    static let edges = 1000
    static let placements = 2000
    static let steps = 500
    static let outside = 200
  }

  private func limited(_ shown: Int, _ all: Int, _ noun: String) -> String {
    shown < all ? " The first \(Human.grouped(shown)) of \(Human.grouped(all)) \(noun) are shown." : ""
  }

  // MARK: - Nodes

  var nodeSection: PageSection? {
    guard !problem.nodes.isEmpty, !problem.resources.isEmpty else { return nil }
    let load = problem.load(after)
    let loadBefore = before.map { problem.load($0.assignment) }
    var replicas = Array(repeating: 0, count: problem.nodes.count)
    for place in after.placed.joined() { replicas[place.node] += place.replicas }
    var columns = [PageTable.Column(title: "Node")]
    if problem.zones.count > 1 { columns.append(.init(title: "Zone")) }
    columns.append(.init(title: "Replicas", isNumeric: true))
    columns += problem.resources.map { .init(title: $0, isNumeric: true) }
    var table = PageTable(id: "utilization", caption: "Utilization of nodes", columns: columns)
    let isLong = problem.nodes.count > 24
    let order =
      isLong
      ? problem.nodes.indices.sorted { a, b in
        (fullestResource(b, load).utilization, a) < (fullestResource(a, load).utilization, b)
      } : Array(problem.nodes.indices)
    for n in order.prefix(Limit.nodes) {
      var cells = [PageTable.Cell.text(problem.nodes[n].name, "name")]
      if problem.zones.count > 1 { cells.append(.text(problem.zones[problem.nodes[n].zone], "soft")) }
      cells.append(.number(Human.grouped(replicas[n]), Double(replicas[n])))
      for k in problem.resources.indices { cells.append(meter(n, k, load, loadBefore)) }
      table.add(cells)
    }
    let orderNote = isLong ? " The fullest come first." : ""
    return PageSection(
      id: "nodes", name: "Nodes",
      body: """
        <p class="hint">What is requested of what a node can give, pods outside the plan included\
        \(before == nil ? "." : "; the thin line marks before.")\
        \(orderNote)\(limited(table.count, problem.nodes.count, "nodes"))</p>\(table.markup)
        """
    )
  }

  private func meter(_ n: Int, _ k: Int, _ load: [Int64], _ loadBefore: [Int64]?) -> PageTable.Cell {
    let i = n * problem.resources.count + k
    let now = utilization(n, k, load)
    let was = loadBefore.map { utilization(n, k, $0) }
    let style = now > 1 + 1e-9 ? "over" : now > 0.9 ? "high" : ""
    let tick = was.map { "<b style=\"left:calc(\(min(1, $0) * 100)% - 1px)\"></b>" as Markup } ?? ""
    var title = "\(resourceUnits[k].describe(load[i])) of \(resourceUnits[k].describe(problem.allocatable[i]))"
    if let was { title += ", before \(Human.percent(was))" }
    return PageTable.Cell(
      content: """
        <span class="meter" title="\(title)"><i class="\(style)" style="width:\(min(1, now) * 100)%"></i>\(tick)</span>\
        \(Human.percent(now))
        """,
      value: now
    )
  }

  // MARK: - Edges

  var edgeSection: PageSection? {
    guard !problem.edges.isEmpty else { return nil }
    let hasZones = problem.zones.count > 1
    var columns: [PageTable.Column] = [
      .init(title: "Workload"), .init(title: "Talks to"), .init(title: "Traffic", isNumeric: true),
      .init(title: "Crosses nodes", isNumeric: true, isSorted: true),
    ]
    if before != nil { columns.append(.init(title: "Local before", isNumeric: true)) }
    columns.append(.init(title: before == nil ? "Local" : "Local after", isNumeric: true))
    if hasZones { columns.append(.init(title: "In zone", isNumeric: true)) }
    columns += [.init(title: "Cost", isNumeric: true), .init(title: "Why it crosses")]
    var table = PageTable(id: "edges", caption: "Traffic edges", columns: columns)
    let analysis = CrossingAnalysis(self)
    let figures = edgeFigures()
    for figure in figures.prefix(Limit.edges) {
      let edge = problem.edges[figure.edge]
      var cells: [PageTable.Cell] = [
        .text(names[edge.u], "name"), .text(names[edge.v], "name"),
        .number(Human.traffic(figure.traffic, unit: problem.trafficUnit), figure.traffic),
        .number(
          figure.crosses ? Human.traffic(figure.crossing, unit: problem.trafficUnit) : "–", figure.crossing,
          figure.crosses ? "warn" : "soft"),
      ]
      if before != nil {
        cells.append(.number(figure.localBefore.map(Human.percent) ?? "–", figure.localBefore ?? -1, "soft"))
      }
      cells.append(
        PageTable.Cell(
          content: """
            <span class="meter slim"><i style="width:\(figure.local * 100)%"></i></span>\(Human.percent(figure.local))
            """,
          value: figure.local))
      if hasZones { cells.append(.number(Human.percent(figure.zone), figure.zone)) }
      cells.append(.number(Human.number(figure.cost), figure.cost))
      cells.append(.text(analysis.reason(edge: figure.edge)?.text ?? "", "why"))
      table.add(cells, workloads: [edge.u, edge.v], edge: (edge.u, edge.v))
    }
    return PageSection(
      id: "traffic", name: "Traffic", title: "Traffic between workloads",
      body: """
        <p class="hint">Who talks to whom, how much of it stays on its node, and what the rest costs in the objective.\
        \(limited(table.count, figures.count, "edges"))</p>\(table.markup)
        """
    )
  }

  // MARK: - Placements and moves

  var placementSection: PageSection? {
    guard !problem.workloads.isEmpty else { return nil }
    var columns: [PageTable.Column] = [.init(title: "Workload"), .init(title: "Replicas", isNumeric: true)]
    columns += problem.resources.map { .init(title: "\($0) each", isNumeric: true) }
    if before != nil { columns.append(.init(title: "Before")) }
    columns.append(.init(title: before == nil ? "Nodes" : "After"))
    var table = PageTable(id: "placement-table", caption: "Placements", columns: columns)
    for w in problem.workloads.indices.prefix(Limit.placements) {
      let replicas = problem.workloads[w].replicas
      var cells: [PageTable.Cell] = [.text(names[w], "name"), .number(Human.grouped(replicas), Double(replicas))]
      for k in problem.resources.indices {
        let request = problem.requests[w * problem.resources.count + k]
        cells.append(.number(resourceUnits[k].describe(request), Double(request), "soft"))
      }
      if let before {
        cells.append(.init(content: placesMarkup(before.assignment.placed[w]), style: "places soft"))
      }
      let isSame = before.map { $0.assignment.placed[w] == after.placed[w] } ?? false
      cells.append(.init(content: placesMarkup(after.placed[w]), style: isSame ? "places soft" : "places"))
      table.add(cells, workloads: [w])
    }
    return PageSection(
      id: "placements", name: "Placements",
      body: """
        <p class="hint">Where each workload's replicas \(before == nil ? "run" : "ran and where they will run").\
        \(limited(table.count, problem.workloads.count, "workloads"))</p>\(table.markup)
        """
    )
  }

  private func placesMarkup(_ placed: [Problem.Placed]) -> Markup {
    guard !placed.isEmpty else { return "–" }
    let items = placed.map { place -> Markup in
      let count = place.replicas == 1 ? "" : " ×\(place.replicas)"
      return "<span>\(problem.nodes[place.node].name)\(count)</span>"
    }
    return Markup(verbatim: items.map(\.text).joined(separator: ", "))
  }

  var moveSection: PageSection? {
    guard before != nil, !(moves.steps.isEmpty && moves.blocked.isEmpty) else { return nil }
    var table = PageTable(
      id: "move-table", caption: "Moves in order",
      columns: [
        .init(title: "Step", isNumeric: true), .init(title: "Workload"), .init(title: "Replicas", isNumeric: true),
        .init(title: "From"), .init(title: "To"), .init(title: "Note"),
      ]
    )
    for (i, step) in moves.steps.prefix(Limit.steps).enumerated() {
      add(step, "\(i + 1)", Double(i), step.partText ?? "", to: &table)
    }
    for step in moves.blocked.prefix(Limit.steps) {
      add(step, "–", .infinity, "does not fit: the placement puts too much on the node", to: &table)
    }
    let interruptions = Set(moves.interruptions.map(\.workload)).map { names[$0] }.sorted()
    let note =
      interruptions.isEmpty
      ? "Each replica starts where it goes before it stops where it was."
      : "A replica starts where it goes before it stops where it was, but for those that wait for each other in a "
        + "circle: \(interruptions.joined(separator: ", "))."
    return PageSection(
      id: "moves", name: "Moves",
      body: """
        <p class="hint">In an order in which no node gets too full at any step. \(note)\
        \(limited(min(Limit.steps, moves.steps.count), moves.steps.count, "steps"))</p>\(table.markup)
        """
    )
  }

  private func add(_ step: MoveOrder.Step, _ number: String, _ rank: Double, _ note: String, to table: inout PageTable)
  {
    table.add(
      [
        .number(number, rank.isFinite ? rank : 1e12, "soft"), .text(names[step.workload], "name"),
        .number(Human.grouped(step.replicas), Double(step.replicas)),
        .text(step.from.map { problem.nodes[$0].name } ?? "new", step.from == nil ? "good" : ""),
        .text(step.to.map { problem.nodes[$0].name } ?? "removed", step.to == nil ? "soft" : ""),
        .text(note, "why"),
      ],
      workloads: [step.workload]
    )
  }

  // MARK: - Outside

  var outsideSection: PageSection? {
    guard !outside.isEmpty else { return nil }
    var table = PageTable(
      id: "outside-table", caption: "Traffic with ends outside",
      columns: [
        .init(title: "Outside end"), .init(title: "Traffic", isNumeric: true, isSorted: true),
        .init(title: "Of all traffic", isNumeric: true),
      ]
    )
    let sorted = outside.sorted { ($1.traffic, $0.name) < ($0.traffic, $1.name) }
    for entry in sorted.prefix(Limit.outside) {
      table.add([
        .text(entry.name, "name"), .number(Human.traffic(entry.traffic, unit: problem.trafficUnit), entry.traffic),
        .number(Human.percent(entry.share), entry.share),
      ])
    }
    return PageSection(
      id: "outside", name: "Outside", title: "Outside the plan",
      body: """
        <p class="hint">Traffic with an end that the plan does not place; no placement changes it.\
        \(limited(table.count, outside.count, "ends"))</p>\(table.markup)
        """
    )
  }
}
