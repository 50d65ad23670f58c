import Placement
import Testing

@testable import Report

@Suite("Terminal report")
struct TerminalReportTests {
  @Test("The headline compares with what runs now")
  func headline() {
    let text = SampleReports.shop().text()
    let expected = """
      online-shop
                                  before     after
        localized share           50.1 %  →  65.8 %
        within a zone             61.6 %  →  81.3 %
        traffic between nodes  750 KiB/s  →  514 KiB/s of 1.47 MiB/s
        peak utilization          65.0 %  →  80.0 %
        moves                                13 replicas
        gap                                  2.7 % (objective 1.56 M, bound 1.51 M)

      """
    #expect(text.hasPrefix(expected))
  }

  @Test("Where nothing bounds the objective, the gap is unknown and not the whole of it")
  func unbounded() {
    var report = SampleReports.shop()
    report.lowerBound = 0
    #expect(report.gap == nil)
    #expect(report.text().contains("  unknown (objective 1.56 M, no bound)\n"))
    let early = SolverProgress(
      phase: "search", elapsed: .zero, objective: 5, localizedShare: nil, lowerBound: 0)
    #expect(early.gap == nil)
  }

  @Test("Each of several traffic matrices has a line")
  func matrices() {
    let mean = SampleReports.shopWithMatrices(.mean).text()
    let expected = """

      Traffic matrices, by mean
        matrix  weight     traffic    crosses  local before   local  in zone
        day          2  1.47 MiB/s  514 KiB/s        50.1 %  65.8 %   81.3 %
        night        1   448 KiB/s  290 KiB/s        50.7 %  35.3 %   43.1 %

      """
    #expect(mean.contains(expected), "\(mean)")
    let worst = SampleReports.shopWithMatrices(.worst).text()
    #expect(worst.contains("Traffic matrices, by the worst\n"))
    #expect(worst.contains("  night (the worst)  "))
    #expect(!SampleReports.shop().text().contains("matrices"))
  }

  @Test("The curve of moves has a line for each point, from what runs now to the plan")
  func curve() {
    let text = SampleReports.shopWithCurve().text()
    let expected = """

      What moves buy: the best found with at most so many
        moves   local         in zone    peak
            0  50.1 %          61.6 %  65.0 %

      """
    #expect(text.contains(expected), "\(text)")
    #expect(text.contains("     13  65.8 %  +15.7   81.3 %  80.0 %\n"), "\(text)")
    #expect(!SampleReports.shop().text().contains("What moves buy"))
  }

  @Test("Without a placement that runs there is no before and there are no moves")
  func withoutBefore() {
    var problem = SampleReports.shop().problem
    problem.current = problem.workloads.map { _ in nil }
    let text = PlanReport(title: "t", problem: problem, assignment: SampleReports.shop().after).text()
    #expect(!text.contains("→"))
    #expect(!text.contains("moves"))
    #expect(!text.contains("Moves"))
    #expect(!text.contains("gap"))
  }

  @Test("Shares before speak of what runs, and say so where some of it does not")
  func partlyRunning() {
    var problem = SampleReports.shop().problem
    problem.current[0] = nil
    let report = PlanReport(title: "t", problem: problem, assignment: SampleReports.shop().after)
    #expect(report.text().contains("Before: of the"))
    #expect(report.before?.localShareOfEdge.prefix(2) == [nil, 0])
  }

  @Test(
    "No line is wider than the terminal and none holds a control code, whatever the names", arguments: [40, 80, 120])
  func hostileNames(width: Int) {
    var problem = SampleReports.shop().problem
    let names = SampleReports.hostileNames
    for w in names.indices { problem.workloads[w].name = names[w] }
    for n in problem.nodes.indices { problem.nodes[n].name += "\u{1B}[31m\u{9B}1m" + String(repeating: "長", count: 40) }
    problem.zones[1] += "\r\n\u{0}"
    var report = PlanReport(
      title: "t\u{1B}]0;x\u{7}", problem: problem, assignment: SampleReports.shop().after,
      warnings: ["\u{1B}c " + String(repeating: "w", count: 300)],
      outside: [.init(name: "\u{8}x", traffic: 1, share: 1)]
    )
    report.ends = [.init(name: "\u{1B}[31m", meaning: "\u{9B}1m", evidence: "\u{0}", traffic: 1)]
    for isWide in [false, true] {
      let text = report.text(TerminalStyle(width: width), isWide: isWide)
      for line in text.split(separator: "\n") {
        if !isWide, width >= 80 { #expect(line.displayWidth <= width, "\(line)") }
        #expect(!line.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) })
      }
    }
  }

  @Test("Lists are cut and say so; the wide form shows all")
  func limits() {
    let report = SampleReports.large(workloads: 60, nodes: 8)
    let text = report.text()
    #expect(text.contains("and 20 more workloads; -o wide shows all"))
    #expect(text.contains("more edges; -o wide shows all"))
    let wide = report.text(isWide: true)
    #expect(!wide.contains("-o wide"))
    #expect(wide.contains("service-59"))
    #expect(wide.contains("gke-prod-default-pool-7d9f1007"))
  }

  @Test("The wide form says what the names in the traffic were taken for, and by what")
  func ends() {
    var report = SampleReports.shop()
    report.ends = [
      .init(name: "redis", meaning: "shop/redis-node", evidence: "Service shop/redis", traffic: 150_000),
      .init(
        name: "orders at 10.1.0.7", meaning: "shop/pg", evidence: "address 10.1.0.7 of pod shop/pg-0", traffic: 12_000),
    ]
    let expected = """

      What the names in the traffic were taken for
        name in the traffic  means            found by                              traffic
        redis                shop/redis-node  Service shop/redis                  146 KiB/s
        orders at 10.1.0.7   shop/pg          address 10.1.0.7 of pod shop/pg-0  11.7 KiB/s

      """
    let wide = report.text(isWide: true)
    #expect(wide.contains(expected), "\(wide)")
    #expect(!report.text().contains("were taken for"))
  }

  @Test("Colours only where they are wanted")
  func colours() {
    #expect(!SampleReports.shop().text(TerminalStyle(color: false)).contains("\u{1B}"))
    #expect(SampleReports.shop().text(TerminalStyle(color: true)).contains("\u{1B}[1m"))
  }
}
