import Placement

extension PlanReport {
  /// Renders the report as one HTML page that needs nothing else: no network, no other file.
  ///
  /// All texts of the report are escaped. Long lists are cut, and the page says so.
  package func html() -> String {
    let sections = [
      matrixPageSection, graphSection, nodeSection, searchSection, edgeSection, placementSection, curvePageSection,
      moveSection,
      outsideSection,
    ]
    let shown = sections.compactMap { $0 }
    let links = shown.map { "<a href=\"#\($0.id)\">\($0.name)</a>" as Markup }.joined()
    let page: Markup = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
      <meta name="generator" content="tonari">
      <link rel="icon" href="data:,">
      <title>\(title) – placement</title>
      <style>\(Self.resource(PackageResources.page_css))</style>
      </head>
      <body>
      <header>
      <div class="brand"><svg width="22" height="14" aria-hidden="true"><rect x="1" y="1" width="9" height="12" rx="2.5"/>\
      <rect x="12" y="1" width="9" height="12" rx="2.5"/></svg>tonari</div>
      <h1><bdi>\(title)</bdi></h1>
      \(detailList)
      </header>
      <main>
      <div class="wrap">\(cards)\(warningSection)</div>
      <nav aria-label="Sections"><div>\(links)\
      <label>Find <input id="search" type="search" placeholder="a workload" autocomplete="off" spellcheck="false"></label>\
      </div></nav>
      <div class="wrap">\(shown.map(\.markup).joined())</div>
      </main>
      <footer>Shares assume that a request stays on its node, then in its zone, as long as a replica there has room.</footer>
      <script type="application/json" id="names">\(Self.json(names.labels))</script>
      <script>\(Self.resource(PackageResources.page_js))</script>
      </body>
      </html>

      """
    return page.text
  }

  /// A part of the page with a title of its own.
  struct PageSection {
    var id: String
    /// In the navigation.
    var name: String
    /// Above the section.
    var title: String
    var body: Markup

    init(id: String, name: String, title: String? = nil, body: Markup) {
      self.id = id
      self.name = name
      self.title = title ?? name
      self.body = body
    }

    var markup: Markup { "<section id=\"\(id)\"><h2>\(title)</h2>\(body)</section>\n" }
  }

  private static func resource(_ bytes: [UInt8]) -> Markup { Markup(verbatim: String(decoding: bytes, as: UTF8.self)) }

  /// Strings as a JSON array that cannot end the script element around it.
  private static func json(_ strings: [String]) -> Markup {
    let items = strings.map { string in
      var item = "\""
      for scalar in string.unicodeScalars {
        switch scalar {
        case "\"": item += "\\\""
        case "\\": item += "\\\\"
        case "<": item += "\\u003c"
        case ">": item += "\\u003e"
        case "&": item += "\\u0026"
        default: item.unicodeScalars.append(scalar)
        }
      }
      return item + "\""
    }
    return Markup(verbatim: "[" + items.joined(separator: ",") + "]")
  }

  // MARK: - Head

  private var detailList: Markup {
    var all = [
      Detail("workloads", Human.grouped(problem.workloads.count)),
      Detail("replicas", Human.grouped(problem.workloads.reduce(0) { $0 + $1.replicas })),
      Detail("nodes", Human.grouped(problem.nodes.count)),
    ]
    if problem.zones.count > 1 { all.append(Detail("zones", Human.grouped(problem.zones.count))) }
    if let namespace = names.namespace { all.append(Detail("namespace", namespace)) }
    let items = (all + details).map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" as Markup }
    return "<dl class=\"details\">\(items.joined())</dl>"
  }

  private var warningSection: Markup {
    guard !warnings.isEmpty else { return "" }
    let items = warnings.map { "<li>\($0)</li>" as Markup }.joined()
    return """
      <section class="notice" id="warnings"><details\(warnings.count <= 3 ? " open" : "")>\
      <summary>\(Human.count(warnings.count, "warning"))</summary><ul>\(items)</ul></details></section>
      """
  }

  // MARK: - Cards

  private struct Card {
    var name: String
    var value: String
    var note: Markup = ""
    var shares: (before: Double?, after: Double)?
    var style = ""

    var markup: Markup {
      var bars: Markup = ""
      if let shares {
        let was = shares.before.map { "<span class=was><i style=\"width:\(min(1, $0) * 100)%\"></i></span>" as Markup }
        bars = """
          <div class="pair" aria-hidden="true">\(was ?? "")\
          <span><i style="width:\(min(1, shares.after) * 100)%"></i></span></div>
          """
      }
      return """
        <li class="card \(style)"><span class="name">\(name)</span><span class="value">\(value)</span>\
        <span class="note">\(note)</span>\(bars)</li>
        """
    }
  }

  private var cards: Markup {
    let was = before?.evaluation
    var cards = [
      Card(
        name: "Localized share", value: Human.percent(evaluation.localizedShareNode),
        note: change(was?.localizedShareNode, evaluation.localizedShareNode, moreIsBetter: true),
        shares: (was?.localizedShareNode, evaluation.localizedShareNode), style: "lead")
    ]
    if problem.zones.count > 1 {
      cards.append(
        Card(
          name: "Stays in its zone", value: Human.percent(evaluation.localizedShareZone),
          note: change(was?.localizedShareZone, evaluation.localizedShareZone, moreIsBetter: true),
          shares: (was?.localizedShareZone, evaluation.localizedShareZone)))
    }
    let total = max(evaluation.totalTraffic, was?.totalTraffic ?? 0)
    cards.append(
      Card(
        name: "Traffic between nodes", value: Human.traffic(evaluation.betweenNodes, unit: problem.trafficUnit),
        note: was.map { "was \(Human.traffic($0.betweenNodes, unit: problem.trafficUnit))" }
          ?? "of \(Human.traffic(evaluation.totalTraffic, unit: problem.trafficUnit))",
        shares: total > 0 ? (was.map { $0.betweenNodes / total }, evaluation.betweenNodes / total) : nil))
    cards.append(
      Card(
        name: "Peak utilization", value: Human.percent(evaluation.peakUtilization),
        note: change(was?.peakUtilization, evaluation.peakUtilization, moreIsBetter: false),
        shares: (was?.peakUtilization, evaluation.peakUtilization)))
    if before != nil {
      let interruptions = moves.interruptions.reduce(0) { $0 + $1.replicas }
      cards.append(
        Card(
          name: "Moves", value: Human.grouped(evaluation.moves),
          note: interruptions == 0
            ? "\(evaluation.moves == 1 ? "replica" : "replicas"), none interrupted"
            : "replicas, \(Human.grouped(interruptions)) interrupted"))
    }
    if isOptimal {
      cards.append(
        Card(name: "Quality", value: "Optimal", note: "proven: objective \(Human.number(evaluation.objective))"))
    } else if let gap, let lowerBound {
      cards.append(
        Card(
          name: "Gap", value: Human.percent(gap),
          note: "objective \(Human.number(evaluation.objective)), bound \(Human.number(lowerBound))"))
    }
    var markup: Markup = "<ul class=\"cards\">\(cards.map(\.markup).joined())</ul>\n"
    if let beforeNote { markup += "<p class=\"hint\">\(beforeNote)</p>" }
    return markup
  }

  private func change(_ was: Double?, _ now: Double, moreIsBetter: Bool) -> Markup {
    guard let was else { return "" }
    let points = (now - was) * 100
    guard points.magnitude >= 0.05 else { return "as before" }
    let text = (points > 0 ? "+" : "") + Human.fixed(points, decimals: 1)
    let style: Markup = (points > 0) == moreIsBetter ? "" : " class=worse"
    return "was \(Human.percent(was)) <b\(style) title=\"percentage points\">\(text)</b>"
  }

  // MARK: - Pictures

  private var graphSection: PageSection? {
    guard !problem.nodes.isEmpty, !problem.workloads.isEmpty else { return nil }
    let figure = GraphFigure(self)
    var pictures: Markup = ""
    func add(_ name: String, _ assignment: Assignment, _ evaluation: Evaluation) {
      let share = "\(Human.percent(evaluation.localizedShareNode)) of traffic stays on its node"
      let (svg, note) = figure.render(assignment, label: "\(name): \(share)")
      let small: Markup = note.isEmpty ? "" : "<p class=\"hint\">\(note)</p>"
      pictures += "<figure><figcaption>\(name) <span>\(share)</span></figcaption>\(svg)\(small)</figure>"
    }
    if let before { add("Before", before.assignment, before.evaluation) }
    add(before == nil ? "Placement" : "After", after, evaluation)
    let what =
      switch figure.layout.density {
      case .chips: "The wider a curve, the more traffic. Point at a workload to see whom it talks to; click to keep it."
      case .dots:
        "Each square is a workload on a node, each curve all traffic between two nodes. Point at a square to find the "
          + "workload's others; click to keep them."
      case .cells:
        "Each box is a node, each curve all traffic between two nodes."
      }
    return PageSection(
      id: "graph",
      name: "Graph",
      title: before == nil ? "Service graph" : "Service graph, before and after",
      body: """
        <p class="hint">\(what)</p>\
        \(legend(figure.layout.density))<p class="readout" id="readout" role="status"></p>\
        <div class="figures\(before == nil ? " one" : "")">\(pictures)</div>
        """
    )
  }

  private func legend(_ density: GraphLayout.Density) -> Markup {
    func curve(_ style: Markup, _ name: String) -> Markup {
      """
      <li><svg width="34" height="12" aria-hidden="true"><path class="flow \(style)" d="M2 6H32" stroke-width="4"/></svg>\
      \(name)</li>
      """
    }
    let steps = stride(from: 0, through: 10, by: 2).map { step in
      "<rect class=\"dot l\(step)\" x=\"\(step * 5)\" width=\"10.4\" height=\"12\"/>" as Markup
    }.joined()
    var entries: [Markup] = [
      """
      <li>none <svg width="60" height="12" aria-hidden="true">\(steps)</svg> all of \
      \(density == .cells ? "a node's" : "a workload's") traffic stays on the node</li>
      """
    ]
    if density == .chips { entries.append(curve("local", "stays on its node")) }
    entries.append(curve("cross", "crosses nodes"))
    if problem.zones.count > 1 { entries.append(curve("cross far", "crosses zones")) }
    return "<ul class=\"legend\">\(entries.joined())</ul>"
  }

  private var searchSection: PageSection? {
    let points = progress.map { (time: $0.elapsed.seconds, progress: $0) }
    guard points.count > 1 else { return nil }
    let objective = points.compactMap { point in point.progress.objective.map { (time: point.time, value: $0) } }
    let bound = points.map { (time: $0.time, value: $0.progress.lowerBound) }
    let share = points.compactMap { point in point.progress.localizedShare.map { (time: point.time, value: $0) } }
    let objectives = LineChart(
      title: "Objective and bound over time",
      series: [
        .init(name: "objective", style: "objective", points: objective.thinned),
        .init(name: "bound", style: "bound", points: bound.thinned),
      ].filter { !$0.points.isEmpty },
      fillsBetween: !objective.isEmpty,
      format: Human.number
    )
    let localized = LineChart(
      title: "Localized share over time",
      series: [.init(name: "localized share", style: "share", points: share.thinned)],
      range: 0...1, format: { Human.fixed($0 * 100, decimals: 0) + " %" })
    let second: Markup =
      share.isEmpty
      ? ""
      : """
      <figure><figcaption>Localized share <span>of the best placement so far</span></figcaption>\
      \(localized.render())</figure>
      """
    return PageSection(
      id: "search", name: "Search",
      body: """
        <p class="hint">What the solver found, and what it proved that no placement can beat. \
        Time is since it started.</p><div class="charts"><figure><figcaption><b><i class="key objective"></i>Objective and \
        <i class="key bound"></i>bound</b> <span>\(quality.map { "gap " + $0 } ?? "")</span></figcaption>\(objectives.render())</figure>\(second)</div>
        """
    )
  }
}

extension Duration {
  /// In seconds.
  fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension [(time: Double, value: Double)] {
  /// Without the points at which nothing changes, the last one kept, and at most some hundreds.
  fileprivate var thinned: Self {
    var kept: Self = []
    for point in self where kept.last?.value != point.value { kept.append(point) }
    if let last, kept.last?.time != last.time { kept.append(last) }
    let most = 600
    guard kept.count > most else { return kept }
    return (0..<most).map { kept[$0 * (kept.count - 1) / (most - 1)] }
  }
}
