import Foundation
import Synchronization

/// Python with grpcio, in an environment of the tests' own below `.build`.
package enum Python {
  /// Whether there is a Python; in CI there must be.
  package static let isAvailable =
    ProcessInfo.processInfo.environment["CI"] != nil || FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// How a script ended.
  package struct Result: Sendable {
    /// Its exit status.
    package var status: Int32
    /// What it wrote to standard output.
    package var output: String
    /// What it wrote to standard error.
    package var errors: String
  }

  private static let interpreter = Mutex<URL?>(nil)

  /// Runs a script of this repository.
  ///
  /// - Parameters:
  ///   - script: where it is in the repository.
  ///   - arguments: its arguments.
  package static func run(_ script: String, _ arguments: [String]) async throws -> Result {
    let interpreter = try interpreter.withLock { made in
      let interpreter = try made ?? environment()
      made = interpreter
      return interpreter
    }
    return try await withCheckedThrowingContinuation { continuation in
      // Waiting for a process would hold up what the server runs on.
      Thread.detachNewThread {
        continuation.resume(
          with: Swift.Result { try start(interpreter, [root.appending(path: script).path] + arguments) })
      }
    }
  }

  /// Makes the environment where it is not there for these requirements.
  private static func environment() throws -> URL {
    let requirements = root.appending(path: "Tests/PythonTestSupport/requirements.txt")
    let folder = root.appending(path: ".build/python-peer")
    let interpreter = folder.appending(path: "bin/python")
    let mark = folder.appending(path: "complete-\(stamp([requirements, example("requirements.txt")]))")
    guard !FileManager.default.fileExists(atPath: mark.path) else { return interpreter }
    try? FileManager.default.removeItem(at: folder)
    for (program, arguments) in [
      (URL(filePath: "/usr/bin/env"), ["python3", "-m", "venv", folder.path]),
      (interpreter, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements.path]),
    ] {
      let result = try start(program, arguments)
      guard result.status == 0 else { throw Failure(description: "\(arguments): \(result.errors)") }
    }
    try Data().write(to: mark)
    return interpreter
  }

  /// The environment cannot be made.
  package struct Failure: Error, CustomStringConvertible {
    /// Why.
    package var description: String
  }

  private static func example(_ name: String) -> URL {
    root.appending(path: "Sources/SelectorProtocol/examples/\(name)")
  }

  private static func stamp(_ files: [URL]) -> String {
    let bytes = files.flatMap { (try? Data(contentsOf: $0)).map(Array.init) ?? [] }
    return String(
      bytes.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }, radix: 16)
  }

  private static func start(_ program: URL, _ arguments: [String]) throws -> Result {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let collected = Mutex(Data())
    let reader = Thread { collected.withLock { $0 = errors.fileHandleForReading.readDataToEndOfFile() } }
    reader.start()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    while !reader.isFinished { Thread.sleep(forTimeInterval: 0.001) }
    return Result(
      status: process.terminationStatus, output: text,
      errors: String(decoding: collected.withLock { $0 }, as: UTF8.self))
  }
}
