import ArgumentParser
import Foundation
import Placement
import Testing
import Topology

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
}
