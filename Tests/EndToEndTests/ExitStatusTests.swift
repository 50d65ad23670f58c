import Foundation
import Testing

@Suite("The exit status")
struct ExitStatusTests {
  @Test("is 0 for help, which teaches by example", arguments: [[], ["plan"], ["evaluate"], ["completions"]])
  func help(command: [String]) async throws {
    let run = try await TonariProcess(command + ["--help"]).result()
    #expect(run.status == 0)
    #expect(run.messages.isEmpty)
    #expect(run.text.contains("EXAMPLES\n"))
    #expect(run.text.contains("tonari \(command.first ?? "plan")"))
  }

  @Test("is 0 for the version")
  func version() async throws {
    let run = try await TonariProcess.run("--version")
    #expect(run.status == 0)
    #expect(run.text.contains("."))
  }

  @Test("is 0 for completions, which a shell can read", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) async throws {
    let run = try await TonariProcess.run("completions", shell)
    #expect(run.status == 0)
    #expect(run.text.contains("--time-limit") || run.text.contains("time-limit"))
  }

  @Test(
    "is 2 for wrong usage, which is explained on standard error",
    arguments: [
      (["plam"], "plam"),
      (["plan"], "--cluster"),
      (["plan", "--cluster", "a", "--colour"], "--colour"),
      (["plan", "--cluster", "a", "--time-limit", "60"], "'60': expected a duration such as 500ms"),
      (["plan", "--cluster", "a", "--effort", "11"], "--effort: expected a level from 1 to 10"),
      (["plan", "--cluster", "a", "--threads", "0"], "--threads"),
      (["plan", "--cluster", "a", "--lambda", "-1"], "--lambda"),
      (["plan", "--cluster", "a", "--lambda", "nan"], "--lambda"),
      (["plan", "--cluster", "a", "--max-moves", "x"], "--max-moves"),
      (["plan", "--cluster", "a", "--profile", "fast"], "--profile"),
      (["plan", "--cluster", "a", "--format", "xml"], "'xml': expected one of prometheus, kiali"),
      (["plan", "--cluster", "a", "--pin", "a/b/c"], "'a/b/c': expected namespace/name"),
      (["plan", "--cluster", "-", "--traffic", "-"], "standard input can be read once only"),
      (["evaluate", "--cluster", "-", "--plan", "-"], "standard input can be read once only"),
      (["completions", "csh"], "csh"),
    ] as [([String], String)]
  )
  func usage(arguments: [String], part: String) async throws {
    let run = try await TonariProcess(arguments).result()
    #expect(run.status == 2, "\(run.messages)")
    #expect(run.messages.contains(part), "\(run.messages)")
    #expect(run.output.isEmpty)
  }

  @Test(
    "is 3 where there is no placement, and says why",
    arguments: [
      (Fixtures.manifest(cpu: "5"), "needs 5 CPU: 1 node matches, the largest has 4 CPU left"),
      (Fixtures.manifest(cpu: "3", replicas: 2), "needs room for 2 × 3 CPU"),
      (Fixtures.manifest(cpu: "1", nodeSelector: "{disk: ssd}"), "disk=ssd"),
    ]
  )
  func infeasible(manifest: Data, reason: String) async throws {
    let run = try await TonariProcess.run("plan", "--cluster", "-", "--time-limit", "20s", input: manifest)
    #expect(run.status == 3, "\(run.messages)")
    #expect(run.output.isEmpty)
    #expect(run.messages.contains("default/web"), "\(run.messages)")
    #expect(run.messages.contains(reason), "\(run.messages)")
  }

  @Test(
    "is 4 for bad input, which is named with its place",
    arguments: [
      ("{\"kind\": ", "", "", "standard input:"),
      ("kind: Node\nmetadata: {name: [}", "", "", "standard input:2"),
      ("", "", "", "standard input: found an empty input"),
      ("kind: Node\napiVersion: v1\nmetadata: {name: n}", "", "", "no workload to place"),
      ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: n}", "", "", "no node that takes replicas"),
      (web, "a,b\n1,2\n", "", "traffic:1"),
      (web, "source,destination,bytes_per_second\nweb,db,many\n", "", "traffic:2"),
      (web, "", "web: default/wob", "map.yaml:1: 'default/wob'"),
    ]
  )
  func badInput(cluster: String, traffic: String, map: String, part: String) async throws {
    try await Fixtures.withFolder { folder in
      var arguments = ["plan", "--cluster", "-"]
      for (name, text) in [("traffic", traffic), ("map.yaml", map)] where !text.isEmpty {
        try Data(text.utf8).write(to: folder.appending(path: name))
        arguments += ["--\(name.prefix { $0 != "." })", name]
      }
      let run = try await TonariProcess(arguments, input: Data(cluster.utf8), in: folder).result()
      #expect(run.status == 4, "\(run.messages)")
      #expect(run.output.isEmpty)
      #expect(run.messages.hasPrefix("tonari: "))
      #expect(run.messages.contains(part), "\(run.messages)")
    }
  }

  static let web = String(decoding: Fixtures.manifest(cpu: "1"), as: UTF8.self)

  @Test(
    "is 4 where standard output cannot be written, whatever is written there",
    arguments: [
      ["plan", "-o", "yaml"] + Fixtures.example, ["plan"] + Fixtures.example,
      ["evaluate", "-o", "json"] + Fixtures.example,
      ["simulate", "overflow-calibration", "-o", "json"], ["completions", "bash"], ["plan", "--help"], ["--version"],
    ])
  func fullDisk(arguments: [String]) async throws {
    let process = Process()
    process.executableURL = TonariProcess.executable
    process.arguments = arguments
    let messages = Pipe()
    process.standardError = messages
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: "/dev/full"))
    try process.run()
    let text = String(decoding: try messages.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 4, "\(text)")
    #expect(text.contains("tonari: standard output: cannot be written: No space left on device"), "\(text)")
  }

  @Test(
    "is 4 for files that are not there or cannot be written",
    arguments: [
      ["plan", "--cluster", "/nowhere/cluster.json"],
      ["plan", "--cluster", "/"],
      ["plan", "--out", "/nowhere/plan.yaml"] + Fixtures.example,
      ["evaluate", "--plan", "/nowhere/plan.yaml"] + Fixtures.example,
      ["evaluate", "--plan", Fixtures.traffic] + Fixtures.example,
    ]
  )
  func files(arguments: [String]) async throws {
    let run = try await TonariProcess(arguments).result()
    #expect(run.status == 4, "\(run.messages)")
    #expect(run.output.isEmpty)
    #expect(run.messages.hasPrefix("tonari: /"), "\(run.messages)")
  }
}
