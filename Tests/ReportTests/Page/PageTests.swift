import Foundation
import Model
import Placement
import PlacementTestSupport
import Testing

@testable import Report

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite("Page")
struct PageTests {
  @Test("Interpolated text is escaped, interpolated markup is not")
  func escaping() {
    let inner: Markup = "<b>\("a&b")</b>"
    let outer: Markup = "<i title=\"\("\"'<>")\">\(inner)\(3)\(1.5)</i>"
    #expect(outer.text == "<i title=\"&quot;&#39;&lt;&gt;\"><b>a&amp;b</b>31.5</i>")
  }

  @Test(
    "Coordinates are written to a hundredth",
    arguments: [
      (0.0, "0"), (1.5, "1.5"), (-0.004, "0"), (-0.25, "-0.25"), (12.345, "12.35"), (3.04, "3.04"), (.nan, "0"),
      (.infinity, "0"),
    ])
  func coordinates(_ value: Double, _ text: String) {
    let markup: Markup = "\(value)"
    #expect(markup.text == text)
  }

  @Test("Whatever the names, they stay text: every picture is well-formed and nothing of a name is markup")
  func names() throws {
    let pieces = [
      "<", ">", "&", "\"", "'", "/", "</script>", "<img src=x onerror=y>", "]]>", "<!--", "\\", "\u{202E}", "\u{0}",
      "\u{1B}",
      "é", "隣", "🚀", "a", "-", " ", "\u{FFFF}", "\n",
    ]
    var random = SeededGenerator(seed: 11)
    for _ in 0..<20 {
      func name() -> String { (0..<8).map { _ in pieces.randomElement(using: &random) ?? "a" }.joined() }
      var problem = SampleReports.shop().problem
      for w in problem.workloads.indices { problem.workloads[w].name = name() }
      for n in problem.nodes.indices { problem.nodes[n].name = name() }
      problem.zones = [name(), name()]
      problem.resources = [name(), name()]
      let report = PlanReport(
        title: name(), problem: problem, assignment: SampleReports.shop().after, lowerBound: 1,
        progress: SampleReports.shop().progress, warnings: [name()],
        outside: [.init(name: name(), traffic: 1, share: 1)], details: [.init(name(), name())])
      let html = report.html()
      #expect(!html.contains("<img"))
      #expect(html.matches(of: /<script/).count == 2)
      #expect(html.matches(of: /<\/script>/).count == 2)
      #expect(!html.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202E })
      let pictures = html.matches(of: /(?s)<svg class="(graph|chart).*?<\/svg>/)
      #expect(pictures.count == 4)
      for picture in pictures {
        let parser = XMLParser(data: Data(picture.0.utf8))
        #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "") line \(parser.lineNumber)")
      }
    }
  }

  @Test("Each of several traffic matrices has a row, whatever its name", arguments: Problem.Combination.allCases)
  func matrices(combination: Problem.Combination) throws {
    let html = SampleReports.shopWithMatrices(combination, names: ["<b>day", "n&ght"]).html()
    let table = try #require(html.firstMatch(of: /(?s)<table id="matrix-table">.*?<\/table>/))
    #expect(table.0.matches(of: /<tr>/).count == 3)
    #expect(table.0.contains("&lt;b&gt;day"))
    #expect(table.0.contains("n&amp;ght"))
    #expect(table.0.contains("Weight") == (combination == .mean))
    #expect(!SampleReports.shop().html().contains("matrix-table"))
  }

  @Test("The curve of moves is a chart and a table")
  func curve() throws {
    let html = SampleReports.shopWithCurve().html()
    let table = try #require(html.firstMatch(of: /(?s)<table id="curve-table">.*?<\/table>/))
    #expect(table.0.matches(of: /<tr>/).count == 5)
    let chart = try #require(html.firstMatch(of: /(?s)<svg class="chart"[^>]*Localized share over moves.*?<\/svg>/))
    let parser = XMLParser(data: Data(chart.0.utf8))
    #expect(parser.parse())
    #expect(chart.0.contains("localized share: 65.8 % with 13 moves"))
    #expect(!SampleReports.shop().html().contains("curve-table"))
  }

  @Test("The page names nothing that it would have to load")
  func selfContained() {
    let html = SampleReports.shop().html()
    #expect(!html.contains("http://"))
    #expect(!html.contains("https://"))
    #expect(!html.contains("src="))
    #expect(!html.contains("@import"))
    #expect(!html.contains("url("))
  }

  @Test("Problems without edges, zones, nodes or workloads have a page too")
  func degenerate() {
    let empty = Problem(resources: [], nodes: [], workloads: [], requests: [], allocatable: [])
    #expect(PlanReport(title: "e", problem: empty, assignment: Assignment(placed: [])).html().contains("</html>"))
    var one = Problem(
      resources: ["cpu"], nodes: [.init(name: "n")], workloads: [.init(name: "w", replicas: 1)], requests: [1],
      allocatable: [0])
    one.current = [[.init(node: 0, replicas: 1)]]
    let placed = Assignment(placed: [[.init(node: 0, replicas: 1)]])
    let html = PlanReport(
      title: "e", problem: one, assignment: placed, isOptimal: true, progress: SampleReports.progress(from: 1, to: 1)
    ).html()
    #expect(html.contains("Optimal"))
    #expect(html.matches(of: /["( ]-?(nan|inf)/).isEmpty)
  }

  /// So many workloads of ten replicas, each on ten nodes in a row, in a chain of traffic.
  private func chain(workloads: Int, nodes: Int) -> PlanReport {
    var problem = Problem(
      resources: [], nodes: (0..<nodes).map { .init(name: "node-\($0)") },
      workloads: (0..<workloads).map { .init(name: "w\($0)", replicas: 10) }, requests: [], allocatable: [])
    problem.edges = (1..<workloads).map { .init(u: $0 - 1, v: $0, traffic: Double($0)) }
    let placed = (0..<workloads).map { w in
      (0..<10).map { ($0 + w * 7) % nodes }.sorted().map { Problem.Placed(node: $0, replicas: 1) }
    }
    return PlanReport(title: "chain", problem: problem, assignment: Assignment(placed: placed))
  }

  @Test("Pictures grow with the cluster from chips to squares to boxes, and say what they leave out")
  func densities() {
    #expect(GraphFigure(SampleReports.shop()).layout.density == .chips)
    for (workloads, nodes, density) in [(100, 50, GraphLayout.Density.dots), (900, 400, .cells)] {
      let report = chain(workloads: workloads, nodes: nodes)
      let figure = GraphFigure(report)
      #expect(figure.layout.density == density)
      let (svg, note) = figure.render(report.after, label: "after")
      #expect(svg.text.matches(of: /class="flow c/).count == 120)
      #expect(note.hasPrefix("Drawn are the 120 heaviest of"))
    }
  }

  @Test("Boxes of nodes do not overlap, and zones hold their nodes")
  func layout() {
    for (nodes, zones) in [(1, 1), (3, 2), (5, 5), (7, 2), (40, 3), (100, 6)] {
      let report = SampleReports.large(workloads: 20, nodes: nodes, zones: zones)
      let layout = GraphFigure(report).layout
      for n in 0..<nodes {
        let box = layout.nodes[n]
        #expect(box.x >= 0 && box.y >= 0 && box.maxX <= layout.width && box.maxY <= layout.height)
        for m in 0..<n {
          let other = layout.nodes[m]
          #expect(box.x >= other.maxX || other.x >= box.maxX || box.y >= other.maxY || other.y >= box.maxY)
        }
        if zones > 1, let zone = layout.zones.first(where: { $0.zone == report.problem.nodes[n].zone })?.frame {
          #expect(box.x >= zone.x && box.y >= zone.y && box.maxX <= zone.maxX && box.maxY <= zone.maxY)
        }
      }
    }
  }
}
