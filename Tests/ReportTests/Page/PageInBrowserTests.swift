import Foundation
import Placement
import Testing

@testable import Report

/// Opens pages in a real browser, uses them as a person would, and looks at what came of it.
@Suite(
  "Page in a browser", .serialized,
  .enabled(if: Browser.isWanted, "Chromium is not installed: the page is not tested in a browser"))
struct PageInBrowserTests {
  /// What the probe below finds; see there.
  private struct Findings: Decodable {
    var faults: [String]
    var resources: Int
    var sections: [String]
    var title: String
    var scripts: Int
    var overflowing: [String]
    var outside: Int
    var graphs: Int
    var items: Int
    var unsorted: [Double]
    var descending: [Double]
    var ascending: [Double]
    var names: [String]
    var focused: Int
    var unfocused: Int
    var hidden: Int
    var shown: Int
    var wide: Bool
  }

  /// A script that uses the page and writes down what it finds.
  private static let probe = """
    <script>
    const faults = [];
    window.addEventListener("error", (event) => faults.push(String(event.message)));
    document.addEventListener("securitypolicyviolation", (event) => faults.push(event.violatedDirective));
    window.addEventListener("load", () => {
      const all = (selector) => [...document.querySelectorAll(selector)];
      const column = () => all("#edges tbody tr").map((row) => Number(row.cells[2].dataset.v));
      const click = (element) => element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      const findings = { faults };
      findings.resources = performance.getEntriesByType("resource").length;
      findings.sections = all("section").map((section) => section.id);
      findings.title = document.querySelector("h1").textContent;
      findings.scripts = all("script").length;
      findings.graphs = all("svg.graph").length;
      findings.items = all(".chip, .dot[data-w]").length;
      findings.overflowing = all(".chip").filter((chip) => {
        const box = chip.querySelector("rect").getBBox();
        const texts = [...chip.querySelectorAll("text")].filter((text) => text.textContent).map((text) => text.getBBox());
        return texts.some((text) => text.x < box.x || text.x + text.width > box.x + box.width + 0.5)
          || (texts.length > 1 && texts[0].x + texts[0].width > texts[1].x);
      }).map((chip) => chip.textContent);
      findings.outside = all("svg.graph").filter((svg) => all(".box").some((box) => {
        const { x, y, width, height } = box.getBBox();
        const view = box.ownerSVGElement.viewBox.baseVal;
        return x < 0 || y < 0 || x + width > view.width || y + height > view.height;
      })).length;
      const header = document.querySelectorAll("#edges th button")[2];
      findings.unsorted = column();
      click(header);
      findings.descending = column();
      click(header);
      findings.ascending = column();
      click(document.querySelector("#edges th button"));
      findings.names = all("#edges tbody tr").map((row) => row.cells[0].textContent);
      const item = document.querySelector("svg.graph [data-w]");
      click(item);
      findings.focused = all(".focused .on").length;
      click(item);
      findings.unfocused = all(".focused, .on").length;
      const search = document.getElementById("search");
      search.value = document.querySelector("#placement-table tbody tr td").textContent.toUpperCase();
      search.dispatchEvent(new Event("input", { bubbles: true }));
      findings.hidden = all("#placement-table tr[hidden]").length;
      findings.shown = all("#placement-table tbody tr:not([hidden])").length;
      findings.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
      const result = document.createElement("pre");
      result.id = "findings";
      result.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(findings))));
      document.body.append(result);
    });
    </script>
    """

  private func use(_ report: PlanReport) throws -> Findings {
    let html = report.html().replacing("<head>", with: "<head>" + Self.probe)
    let result = try Browser.open(html)
    #expect(result.console.isEmpty, "\(result.console)")
    let found = try #require(result.dom.firstMatch(of: /<pre id="findings">([A-Za-z0-9+\/=]*)<\/pre>/))
    let json = try #require(Data(base64Encoded: String(found.1)))
    return try JSONDecoder().decode(Findings.self, from: json)
  }

  private func check(_ findings: Findings, _ report: PlanReport) {
    #expect(findings.faults.isEmpty)
    #expect(findings.resources == 0, "the page loads something")
    #expect(findings.scripts == 3, "the page's two and the probe")
    #expect(findings.outside == 0)
    #expect(findings.overflowing.isEmpty, "text is wider than its chip")
    #expect(!findings.wide, "the page scrolls sideways")
    #expect(findings.descending == findings.unsorted.sorted(by: >))
    #expect(findings.ascending == findings.unsorted.sorted())
    #expect(findings.names.count == min(1000, report.problem.edges.count))
    #expect(findings.focused > 0)
    #expect(findings.unfocused == 0)
    #expect(findings.shown >= 1)
    #expect(findings.shown + findings.hidden == report.problem.workloads.count)
  }

  @Test("A shop before and after: draws, sorts, highlights and searches without an error")
  func shop() throws {
    let report = SampleReports.shop()
    let findings = try use(report)
    check(findings, report)
    #expect(
      findings.sections == [
        "warnings", "graph", "nodes", "search", "traffic", "placements", "moves", "outside",
      ])
    #expect(findings.title == "online-shop")
    #expect(findings.graphs == 2)
    #expect(findings.items == 19 + 12)
    #expect(findings.names == findings.names.sorted())
    #expect(findings.shown == 1)
  }

  @Test("A placement of hostile names, with nothing before it")
  func hostile() throws {
    var problem = SampleReports.shop().problem
    for w in problem.workloads.indices { problem.workloads[w].name = SampleReports.hostileNames[w] }
    for n in problem.nodes.indices { problem.nodes[n].name = SampleReports.hostileNames[n] }
    problem.zones = Array(SampleReports.hostileNames.prefix(2))
    problem.current = problem.current.map { _ in nil }
    let title = "</title><script>fail()</script>"
    let report = PlanReport(
      title: title, problem: problem, assignment: SampleReports.shop().after,
      warnings: SampleReports.hostileNames,
      outside: SampleReports.hostileNames.map { .init(name: $0, traffic: 1, share: 0) })
    let findings = try use(report)
    check(findings, report)
    #expect(findings.title == title)
    #expect(findings.graphs == 1)
  }

  @Test("Hundreds of workloads on a hundred nodes")
  func large() throws {
    let report = SampleReports.large(workloads: 500, nodes: 100)
    let findings = try use(report)
    check(findings, report)
    #expect(findings.items > 1000)
  }

  @Test("Pictures in light and dark, as a browser paints them")
  func pictures() throws {
    let html = SampleReports.shop().html()
    let light = try Browser.screenshot(html, name: "shop-light", width: 1400, height: 1500)
    let dark = try Browser.screenshot(html, name: "shop-dark", width: 1400, height: 1500, isDark: true)
    for picture in [light, dark] {
      #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))
      // An empty page of this size takes some 10 KB.
      #expect(picture.count > 80_000)
    }
    #expect(light != dark)
  }
}
