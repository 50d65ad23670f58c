import Foundation
import Planner
import Testing

@Suite("tonari demo")
struct DemoTests {
  /// The figures of a line of the last table, without its unit, in percent.
  private func shares(_ text: String, _ title: String) -> [Double] {
    let line = text.split(separator: "\n").first { $0.contains(title) } ?? ""
    return line.split(separator: " ").compactMap { Double($0) }
  }

  @Test(
    "shows that a scheduler which asks the extender gets the plan's localized share, and one that does not gets less")
  func example() async throws {
    try await Fixtures.withFolder { folder in
      let planned = try await TonariProcess(
        ["plan", "--quiet", "--effort", "1", "--out", "plan.yaml"] + Fixtures.example, in: folder
      ).result()
      #expect(planned.status == 0, "\(planned.messages)")
      let plan = try PlacementPlan(Data(contentsOf: folder.appending(path: "plan.yaml")), file: "plan.yaml")
      let claim = try #require(plan.status).traffic.localizedShare.node * 100
      for seed in 1...3 {
        let run = try await TonariProcess(
          ["demo", "extender", "--plan", "plan.yaml", "--seed", "\(seed)"] + Fixtures.example, in: folder
        ).result()
        #expect(run.status == 0, "\(run.messages)")
        #expect(run.messages.isEmpty)
        #expect(run.text.utf8.allSatisfy { $0 >= 0x20 || $0 == UInt8(ascii: "\n") })
        let shares = shares(run.text, "localized share")
        try #require(shares.count == 3, "\(run.text)")
        #expect(abs(shares[1] - claim) < 1)
        #expect(abs(shares[2] - claim) < 0.1)
        #expect(shares[0] < claim - 20)
        #expect(run.text.contains("orders-db-1"))
      }
    }
  }

  @Test("says that pods wait which no node takes")
  func pending() async throws {
    let cluster = try Fixtures.file(Fixtures.manifest(cpu: "3", replicas: 2))
    defer { try? FileManager.default.removeItem(at: cluster) }
    let plan = """
      {"apiVersion": "tonari.dev/v1alpha1", "kind": "PlacementPlan", "metadata": {"name": "p"}, "spec": {"placements": \
      [{"workload": {"kind": "Deployment", "namespace": "default", "name": "web"}, "nodes": \
      [{"name": "node-1", "replicas": 1}]}]}}
      """
    let run = try await TonariProcess.run(
      "demo", "extender", "--cluster", cluster.path, "--plan", "-", input: Data(plan.utf8))
    #expect(run.status == 0, "\(run.messages)")
    #expect(shares(run.text, "pods that no node takes") == [1, 1, 0])
    #expect(run.messages.contains("1 of 2 replicas"))
  }

  @Test("refuses a plan of another cluster, and two inputs from standard input")
  func refusals() async throws {
    let cluster = try Fixtures.file(Fixtures.manifest(cpu: "1"))
    let plan = try Fixtures.file(
      Data(
        """
        apiVersion: tonari.dev/v1alpha1
        kind: PlacementPlan
        metadata: {name: p}
        spec: {placements: [{workload: {kind: Deployment, namespace: default, name: other}, nodes: []}]}

        """.utf8))
    defer { for file in [cluster, plan] { try? FileManager.default.removeItem(at: file) } }
    let other = try await TonariProcess.run("demo", "extender", "--cluster", cluster.path, "--plan", plan.path)
    #expect(other.status == 4)
    #expect(other.messages.contains("spec.placements[0].workload"))
    let twice = try await TonariProcess.run("demo", "extender", "--cluster", "-", "--plan", "-")
    #expect(twice.status == 2)
  }

  @Test("shows that the selector shuns slow and failing replicas, and keeps what the plan promises on its nodes")
  func selector() async throws {
    try await Fixtures.withFolder { folder in
      let planned = try await TonariProcess(
        ["plan", "--quiet", "--effort", "1", "--out", "plan.yaml"] + Fixtures.example, in: folder
      ).result()
      #expect(planned.status == 0, "\(planned.messages)")
      let run = try await TonariProcess(
        ["demo", "selector", "--plan", "plan.yaml", "--requests", "600"] + Fixtures.example, in: folder
      ).result()
      #expect(run.status == 0, "\(run.messages)")
      func failures(_ title: String) throws -> Int {
        let line = try #require(run.text.split(separator: "\n").first { $0.contains(title) }, "\(run.text)")
        let words = line.dropFirst(line.prefix { $0 == " " }.count + title.count).split(separator: " ")
        #expect(words.first == "600")
        return try #require(Int(words[1]))
      }
      #expect(try failures("round robin") == 50)
      #expect(try failures("selector") < 25)
      #expect(run.text.contains("stayed on their node"))
    }
  }

  @Test("shows a rush at an edge that overflows to the edge next door, and comes back")
  func overflow() async throws {
    try await Fixtures.withFolder { folder in
      let run = try await TonariProcess(
        ["demo", "overflow", "--seconds", "6", "--report", "rush.html"], in: folder
      ).result()
      #expect(run.status == 0, "\(run.messages)")
      #expect(run.text.contains("▒ next door") && run.text.contains("served next door"), "\(run.text)")
      let lines = run.text.split(separator: "\n")
      for name in ["by itself", "overflowing"] { #expect(lines.contains { $0.contains(name) }, "\(run.text)") }
      let page = try String(contentsOf: folder.appending(path: "rush.html"), encoding: .utf8)
      #expect(page.contains("overflowing") && page.contains("</html>"))
      let wrong = try await TonariProcess.run("demo", "overflow", "--seconds", "0")
      #expect(wrong.status == 2)
    }
  }
}
