import Foundation
import Simulation
import Testing

@Suite("tonari simulate")
struct SimulateTests {
  @Test("prints one object with a run for each policy, load and seed")
  func json() async throws {
    let run = try await TonariProcess.run(
      "simulate", "testbed", "--policy", "tonari", "--policy", "least-request", "--load", "0.3", "--seeds", "2", "-o",
      "json")
    #expect(run.status == 0, "\(run.messages)")
    let result = try JSONDecoder().decode(SimulationResult.self, from: run.output)
    #expect(result.scenario == "testbed")
    #expect(result.runs.map(\.policy) == ["tonari", "tonari", "least-request", "least-request"])
    #expect(result.runs.map(\.seed) == [1, 2, 1, 2])
    #expect(result.runs.allSatisfy { $0.load == 0.3 && $0.requests > 6000 && $0.errors == 0 && $0.p99Ms > $0.p50Ms })
  }

  @Test("prints a row for each policy and load")
  func table() async throws {
    let run = try await TonariProcess.run("simulate", "sinkhole", "--policy", "random", "--load", "0.2", "--seeds", "1")
    #expect(run.status == 0, "\(run.messages)")
    let lines = run.text.split(separator: "\n")
    #expect(lines.count == 3, "\(run.text)")
    #expect(lines[2].contains("random") && lines[2].contains("0.2"))
  }

  @Test(
    "says what is wrong with its arguments",
    arguments: [
      (["simulate", "nowhere"], "'nowhere': expected testbed"), (["simulate", "testbed", "--seeds", "0"], "--seeds 0"),
      (["simulate", "testbed", "--load", "-1"], "--load"), (["simulate", "testbed", "--policy", "best"], "best"),
      (["simulate", "testbed", "--selectors", "0"], "--selectors 0"),
      (["simulate", "overflow-ramp", "--policy", "random"], "'random': expected one of baseline"),
      (["simulate", "overflow-ramp", "--load", "1"], "no --load"),
      (["simulate", "overflow-calibration", "--chart", "a.svg"], "--chart"),
    ])
  func wrong(arguments: [String], message: String) async throws {
    let run = try await TonariProcess(arguments).result()
    #expect(run.status == 2)
    #expect(run.messages.contains(message), "\(run.messages)")
  }

  @Test("plays the ramp of the experiment, shows it beside what was published, and draws it")
  func overflow() async throws {
    try await Fixtures.withFolder { folder in
      let arguments = ["simulate", "overflow-ramp", "--policy", "tonari", "--policy", "rpmmax-540", "--seeds", "1"]
      let table = try await TonariProcess(arguments + ["--chart", "ramp.svg"], in: folder).result()
      #expect(table.status == 0, "\(table.messages)")
      let lines = table.text.split(separator: "\n")
      #expect(lines[2].hasPrefix("baseline") && lines[3].contains("11.4 %") && lines[4].hasPrefix("tonari"))
      let drawing = try String(contentsOf: folder.appending(path: "ramp.svg"), encoding: .utf8)
      #expect(drawing.hasPrefix("<svg") && drawing.contains("rpmmax-540"))
      let json = try await TonariProcess(arguments + ["-o", "json"]).result()
      let result = try JSONDecoder().decode(OverflowResult.self, from: json.output)
      #expect(result.scenario == "overflow-ramp")
      #expect(result.runs.map(\.policy) == ["baseline", "rpmmax-540", "tonari"])
      #expect(result.runs.map(\.capacityRpm) == [nil, 540, 540])
      #expect(result.runs[2].medianMs < 0.037 * result.runs[0].medianMs)
    }
  }

  @Test("shows how one pod of that edge does under a growing load")
  func calibration() async throws {
    let run = try await TonariProcess.run("simulate", "overflow-calibration", "--seeds", "3", "-o", "json")
    #expect(run.status == 0, "\(run.messages)")
    let curve = try JSONDecoder().decode(PodCurve.self, from: run.output)
    #expect(curve.steps.first?.rpm == 10 && curve.steps.last?.rpm == 400)
    let table = try await TonariProcess.run("simulate", "overflow-calibration", "--seeds", "1")
    #expect(table.text.contains("errors"))
  }

  @Test("runs a scenario from a file, as printed, and draws it")
  func file() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "tonari-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "mine.yaml")
    let printed = try await TonariProcess.run("simulate", "congestion", "--print-scenario")
    #expect(printed.status == 0, "\(printed.messages)")
    try printed.output.write(to: file)
    let arguments = ["--policy", "tonari", "--load", "0.3", "--seeds", "1", "-o", "json"]
    let own = try await TonariProcess(["simulate", "congestion"] + arguments).result()
    let chart = folder.appending(path: "mine.svg").path
    let read = try await TonariProcess(["simulate", file.path, "--chart", chart] + arguments).result()
    #expect(read.status == 0, "\(read.messages)")
    #expect(read.output == own.output)
    let drawing = try String(contentsOfFile: chart, encoding: .utf8)
    #expect(drawing.hasPrefix("<svg") && drawing.contains("tonari"))

    try Data("servers: [{cores: 0}]\nworkMs: 1\n".utf8).write(to: file)
    let wrong = try await TonariProcess(["simulate", file.path]).result()
    #expect(wrong.status == 4)
    #expect(wrong.messages.contains("mine.yaml: line 1: servers[0].cores: found '0'"), "\(wrong.messages)")
    let missing = try await TonariProcess(["simulate", folder.appending(path: "no.yaml").path]).result()
    #expect(missing.status == 4)
  }
}
