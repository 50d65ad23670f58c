import Foundation
import Testing

@testable import Report

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite("Overflow over time")
struct OverflowReportTests {
  /// A rush: up to 1,080 a minute, of which 540 stay.
  private static func rush(_ name: String, neighbours: [String]) -> OverflowSeries {
    let points = (0...1000).map { k in
      let demand = 1080 * (1 - abs(Double(k) - 500) / 500)
      let over = max(0, demand - 540)
      return OverflowSeries.Point(
        time: Double(k), demand: demand, local: demand - over, remote: [over * 0.75, over * 0.25], shed: 0,
        responseTime: 0.2 + over / 1000)
    }
    return OverflowSeries(name: name, neighbours: neighbours, capacity: 540, points: points)
  }

  @Test("Fewer points are the means of those that they stand for")
  func thinned() throws {
    let thin = Self.rush("r", neighbours: ["b", "c"]).drawable(most: 10)
    #expect(thin.points.count == 10)
    #expect(abs(thin.points.map(\.demand).reduce(0, +) / 10 - 540) < 3)
    for point in thin.points { #expect(abs(point.total - point.demand) < 1e-6) }
    #expect(try #require(thin.points[4].responseTime) > 0.6)
  }

  @Test("Pages and drawings are well-formed whatever the names and the figures, and load nothing")
  func names() throws {
    let bad = "</svg><img src=x>&\"'\u{0}\u{1B}"
    var odd = Self.rush(bad, neighbours: [bad, "c"])
    odd.points[3].demand = .nan
    odd.points[4].local = .infinity
    odd.points[5].remote = []
    odd.points[6].responseTime = .nan
    let empty = OverflowSeries(name: "none")
    let one = OverflowSeries(name: "one", points: [.init(time: 5, demand: 1, local: 1)])
    let figures = OverflowFigures(columns: [bad, "a"], rows: [[bad, "1"]])
    let report = OverflowReport(title: bad, abstract: bad, series: [odd, empty, one], figures: figures)
    let parser = XMLParser(data: Data(report.svg().utf8))
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "") line \(parser.lineNumber)")
    let html = report.html()
    #expect(!html.contains("<img") && !html.contains("src=x>") && !html.contains("@import"))
    for picture in html.matches(of: /(?s)<svg class="chart.*?<\/svg>/) {
      #expect(XMLParser(data: Data(picture.0.utf8)).parse())
    }
    #expect(html.matches(of: /<section id="s/).count == 3)
  }

  @Test("The terminal's strip stacks what stayed below what went out, in as many columns as fit")
  func strip() {
    let text = OverflowStrip(Self.rush("r", neighbours: ["edge-b", "edge-c"])).text(TerminalStyle(width: 60))
    let lines = text.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 60 }, "\(text)")
    #expect(lines[1].contains("1.07 k") && lines[1].contains("░") && !lines[1].contains("█"), "\(text)")
    #expect(lines.contains { $0.contains("540 ┼") }, "\(text)")
    #expect(lines[9].contains("█") && !lines[9].contains("▒"), "\(text)")
    #expect(lines.last?.contains("edge-b") == true && lines.last?.contains("turned away") == false)
  }

  @Test("A strip of nothing, of one point, and of what is no number is drawn too")
  func degenerate() {
    for points in [
      [], [OverflowSeries.Point(time: 0, demand: 5, local: 5)], [.init(time: .nan, demand: .nan, local: .infinity)],
    ] {
      let text = OverflowStrip(OverflowSeries(name: "x", points: points)).text(TerminalStyle())
      #expect(text.contains("served here"))
    }
  }
}
