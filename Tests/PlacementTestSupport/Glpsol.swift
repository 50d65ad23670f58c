package import Foundation

/// GLPK's own command line, which reads MathProg.
package enum Glpsol {
  /// The folder of the models.
  package static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("models")

  private static var path: String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/glpsol" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Whether it is there, or has to be.
  package static var isExpected: Bool { path != nil || ProcessInfo.processInfo.environment["CI"] != nil }

  /// What it printed.
  package struct Answer {
    /// All of it.
    package var output: String
    /// Whether the best whole solution was found.
    package var isOptimal: Bool { output.contains("INTEGER OPTIMAL SOLUTION FOUND") }
    /// Whether there is proven to be no solution.
    package var isInfeasible: Bool {
      output.contains("HAS NO PRIMAL FEASIBLE") || output.contains("HAS NO INTEGER FEASIBLE")
    }
    /// What the model prints after it is solved.
    package var cost: Double? {
      guard let start = output.range(of: "\ncost ")?.upperBound else { return nil }
      return Double(output[start...].prefix { $0 != ":" })
    }
  }

  private struct Missing: Error, CustomStringConvertible {
    var description: String { "glpsol is not on the PATH: install glpk-utils" }
  }

  /// Solves a model with a file of data.
  package static func solve(_ model: String, _ data: URL) throws -> Answer {
    guard let path else { throw Missing() }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["--tmlim", "30", "--cuts"]
    process.arguments? += ["-m", models.appendingPathComponent(model).path, "-d", data.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Answer(output: String(decoding: output, as: UTF8.self))
  }

  /// Solves a model with data.
  package static func solve(_ model: String, text: String) throws -> Answer {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).dat")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try solve(model, file)
  }
}
