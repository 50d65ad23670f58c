import ArgumentParser
import Connections
import Foundation
import Model
import Overflow
import Placement
import Planner
import Selection
import Testing

@testable import tonari

@Suite("Options")
struct OptionsTests {
  @Test("search for a minute by default, and without a limit where the effort is given")
  func timeLimit() throws {
    #expect(try SearchOptions.parse([]).solverOptions.timeLimit == .seconds(60))
    #expect(try SearchOptions.parse(["--effort", "3"]).solverOptions.timeLimit == nil)
    #expect(try SearchOptions.parse(["--effort", "3", "--time-limit", "2s"]).solverOptions.timeLimit == .seconds(2))
    #expect(try SearchOptions.parse(["--prove", "--seed", "7"]).solverOptions.seed == 7)
  }

  @Test(
    "weigh utilization and moves in units of all traffic",
    arguments: [
      ([], 0.2, 0.0), (["--profile", "traffic"], 0, 0), (["--profile", "utilization"], 5, 0),
      (["--lambda", "0.5"], 0.5, 0), (["--profile", "traffic", "--lambda", "2"], 2, 0),
      (["--move-cost", "0.01"], 0.2, 0.01),
    ] as [([String], Double, Double)]
  )
  func weights(arguments: [String], utilization: Double, move: Double) throws {
    var problem = Problem(
      resources: [],
      nodes: [.init(name: "n")],
      workloads: [.init(name: "a", replicas: 1), .init(name: "b", replicas: 1)],
      requests: [],
      allocatable: []
    )
    problem.edges = [.init(u: 0, v: 1, traffic: 400)]
    try ObjectiveOptions.parse(arguments).apply(to: &problem)
    #expect(problem.weights.utilization == utilization * 400)
    #expect(problem.weights.move == move * 400)
    #expect(problem.weights.maxMoves == nil)
  }

  @Test("balance a cluster without traffic all the same")
  func noTraffic() throws {
    var problem = Problem(resources: [], nodes: [], workloads: [], requests: [], allocatable: [])
    try ObjectiveOptions.parse(["--max-moves", "3"]).apply(to: &problem)
    #expect(problem.weights.utilization == 0.2)
    #expect(problem.weights.maxMoves == 3)
  }

  @Test("take several files after one name, and the name again")
  func files() throws {
    let input = try InputOptions.parse(["--cluster", "a", "b", "-t", "x", "-c", "-", "--pin", "shop/cart", "web"])
    #expect(input.cluster == ["a", "b", "-"])
    #expect(input.traffic.traffic == ["x"])
    #expect(input.pin.map(\.description) == ["shop/cart", "default/web"])
    #expect(input.excludeNamespace == ["kube-system"])
  }

  @Test(
    "name a traffic matrix where what is before the '=' is a name",
    arguments: [
      ("day=day.csv", "day", "day.csv"), ("week-end_2=-", "week-end_2", "-"), ("夜=a=b.csv", "夜", "a=b.csv"),
      ("day.csv", nil, "day.csv"), ("./day=b.csv", nil, "./day=b.csv"), ("a.b=c", nil, "a.b=c"), ("day=", nil, "day="),
      ("=day", nil, "=day"),
    ] as [(String, String?, String)])
  func matrixNames(argument: String, name: String?, path: String) {
    let parsed = TrafficArgument(argument)
    #expect(parsed.name == name)
    #expect(parsed.path == path)
  }

  @Test("take several traffic matrices with their weights")
  func matrices() throws {
    let input = try InputOptions.parse(
      ["-c", "c", "-t", "day=a.csv", "night=-", "--traffic-weight", "night=0.5", "--combine", "mean"])
    #expect(input.traffic.namedFiles.map(\.name) == ["day", "night"])
    #expect(input.traffic.namedFiles.map(\.files.paths) == [["a.csv"], ["-"]])
    #expect(input.traffic.files == nil)
    #expect(try input.matrices.weights() == ["night": 0.5])
    #expect(input.readsStandardInput)
  }

  @Test(
    "refuse traffic matrices that do not fit",
    arguments: [
      (["-t", "a", "--combine", "worst"], "--combine: expected traffic with names"),
      (["-t", "a=a", "b"], "'b' has no name"),
      (["-t", "a=a", "a=b"], "'a' is given a second time"),
      (["-t", "a=a", "b=b", "--traffic-weight", "c=1"], "'c' is no name of --traffic"),
      (["-t", "a=a", "--traffic-weight", "a=0"], "'a=0': expected name=weight"),
      (["-t", "a=a", "--traffic-weight", "a=1", "a=2"], "'a' is given a second time"),
      (["-t", "a=a", "--traffic-weight", "a=1", "--combine", "worst"], "the worst counts whatever its weight"),
      (["-t", "a=a", "--prometheus", "http://p"], "--prometheus: its traffic has no name"),
      (["-t", "a=-", "b=-"], "standard input can be read once only"),
    ])
  func matricesRefused(arguments: [String], message: String) throws {
    let error = try #require(throws: (any Error).self) { try InputOptions.parse(["-c", "c"] + arguments) }
    #expect(InputOptions.message(for: error).contains(message))
  }

  @Test("refuse traffic matrices where one is followed")
  func matricesFollowed() throws {
    for (command, arguments) in [
      (PlanCommand.self, ["--watch", "--kubeconfig", "k", "-t", "day=day.csv"]),
      (ExtenderCommand.self, ["-c", "c", "-t", "day=day.csv"]),
    ] as [(any ParsableArguments.Type, [String])] {
      let error = try #require(throws: (any Error).self) { try command.parse(arguments) }
      #expect(command.message(for: error).contains("'day=day.csv' names one of several"))
    }
  }
}

@Suite("An output file")
struct OutputFileTests {
  @Test("is written as a whole over the one before, and leaves nothing beside it")
  func writes() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = OutputFile(path: folder.appending(path: "plan.yaml").path)
    try file.check()
    try file.write("first, and longer\n")
    try file.write("second\n")
    try OutputFile(path: "/dev/null").write("nothing")
    #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "second\n")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["plan.yaml"])
  }

  @Test("that is a pipe is written to, not replaced, and that is a link stays one")
  func special() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let link = folder.appending(path: "link").path
    try OutputFile(path: folder.appending(path: "file").path).write("before")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.appending(path: "file").path)
    try OutputFile(path: link).write("first")
    try OutputFile(path: link).write("second")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link).hasSuffix("/file"))
    #expect(try String(contentsOfFile: link, encoding: .utf8) == "second")

    let pipe = folder.appending(path: "pipe").path
    #expect(mkfifo(pipe, 0o600) == 0)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try OutputFile(path: pipe).write("plan")
    var bytes = [UInt8](repeating: 0, count: 8)
    #expect(read(reader, &bytes, bytes.count) == 4)
    #expect(String(decoding: bytes.prefix(4), as: UTF8.self) == "plan")
  }

  @Test(
    "that cannot be written is refused before any work is done",
    arguments: [
      ("/nowhere/plan.yaml", "/nowhere: No such file or directory"), ("/tmp", "it is a folder"),
      ("/dev/null/plan.yaml", "/dev/null: "),
    ]
  )
  func refused(path: String, reason: String) throws {
    let error = try #require(throws: OutputFile.Failure.self) { try OutputFile(path: path).check() }
    #expect(error.description.hasPrefix("\(path): cannot be written: \(reason)"))
  }

  @Test(
    "refuse a listener of a selector that the network reaches without TLS",
    arguments: [
      (["--grpc", "0.0.0.0:9443"], "--grpc 0.0.0.0:9443"), (["--grpc", "[::]:9443"], "--grpc [::]:9443"),
      (["--picker", "10.0.0.1:9002"], "--picker 10.0.0.1:9002"),
      (["--framed", "tcp:0.0.0.0:1"], "--framed tcp:0.0.0.0:1"),
      (["--framed", "tcp:host.example:1"], "--framed tcp:host.example:1"),
      (
        ["--framed", "tcp:10.0.0.1:1", "--grpc", "0.0.0.0:1", "--tls-cert", "a", "--tls-key", "b"],
        "--framed tcp:10.0.0.1:1"
      ),
    ])
  func plainListeners(arguments: [String], listener: String) throws {
    let error = #expect(throws: (any Error).self) { try SelectorOptions.parse(arguments) }
    let message = SelectorOptions.message(for: try #require(error))
    #expect(message.contains("\(listener): others on the network") && message.contains("--insecure"), "\(message)")
    #expect(try SelectorOptions.parse(arguments + ["--insecure"]).plainListeners == [listener])
  }

  @Test("take listeners of this machine, and those with TLS")
  func closedListeners() throws {
    for arguments in [
      ["--grpc", "127.0.0.1:1", "--picker", "[::1]:2", "--framed", "tcp:localhost:3", "--framed", "unix:/x"],
      ["--grpc", "0.0.0.0:1", "--framed", "tls:0.0.0.0:2", "--tls-cert", "a", "--tls-key", "b"],
    ] {
      #expect(try SelectorOptions.parse(arguments).plainListeners == [])
    }
    #expect(throws: (any Error).self) { try SelectorOptions.parse(["--framed", "tls:0.0.0.0:2"]) }
    #expect(throws: (any Error).self) {
      try SelectorOptions.parse(["--framed", "unix:/x", "--allow", "register=everybody"])
    }
    let options = try SelectorOptions.parse(["--framed", "unix:/x", "--allow", "register=local"])
    #expect(options.access.policy.rights(of: .local).allows(.register, for: "a/b"))
  }
}
