import ControlPlaneTestSupport
import Foundation
import Synchronization

/// A program of `benchmarks/Envoy`, in C.
enum BenchmarkProgram {
  private static let known = Mutex<[String: URL]>([:])

  /// The program, which is built where it is not yet.
  static func built(_ name: String) throws -> URL {
    try known.withLock { known in
      if let program = known[name] { return program }
      let program = FileManager.default.temporaryDirectory.appending(path: "tonari-\(name)-\(UUID().uuidString)")
      let source = Fixtures.root.appending(path: "benchmarks/Envoy/\(name).c")
      guard let compiler = Fixtures.program("cc") ?? Fixtures.program("clang") else {
        throw TestFailure("no C compiler")
      }
      _ = try Fixtures.run(compiler, ["-O2", source.path, "-o", program.path, "-lm"])
      guard FileManager.default.isExecutableFile(atPath: program.path) else {
        throw TestFailure("\(name).c is not built")
      }
      known[name] = program
      return program
    }
  }
}
