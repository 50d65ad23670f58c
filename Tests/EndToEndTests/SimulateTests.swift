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
    ])
  func wrong(arguments: [String], message: String) async throws {
    let run = try await TonariProcess(arguments).result()
    #expect(run.status == 2)
    #expect(run.messages.contains(message), "\(run.messages)")
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
