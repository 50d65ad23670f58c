import Foundation

/// A headless Chromium that opens a page and tells what came of it.
struct Browser {
  /// What a run gives.
  struct Result {
    /// The document after its scripts have run.
    var dom: String
    /// What was written to the console: errors, and whatever scripts log.
    var console: [String]
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// Where Chromium is; nil where it is not installed.
  static let executable: String? = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let names = ["chromium", "chromium-browser", "google-chrome"]
    return path.split(separator: ":").flatMap { folder in names.map { "\(folder)/\($0)" } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// Whether to run tests that need it: with CI set they run in any case, and fail where it is missing.
  static var isWanted: Bool { executable != nil || ProcessInfo.processInfo.environment["CI"] != nil }

  /// Opens a page, lets its scripts run, and answers the document.
  static func open(_ html: String) throws -> Result {
    try inTemporaryFolder { folder in
      let page = folder.appendingPathComponent("page.html")
      try html.write(to: page, atomically: true, encoding: .utf8)
      return try run(["--dump-dom", page.absoluteString], in: folder)
    }
  }

  /// Takes a picture of a page, as PNG. With `TONARI_SCREENSHOTS` set to a folder, it is also kept there.
  static func screenshot(_ html: String, name: String, width: Int, height: Int, isDark: Bool = false) throws -> Data {
    try inTemporaryFolder { folder in
      let page = folder.appendingPathComponent("page.html")
      let picture = folder.appendingPathComponent("page.png")
      try html.write(to: page, atomically: true, encoding: .utf8)
      let scheme = isDark ? ["--blink-settings=preferredColorScheme=0"] : []
      _ = try run(
        scheme + ["--screenshot=\(picture.path)", "--window-size=\(width),\(height)", page.absoluteString], in: folder)
      let data = try Data(contentsOf: picture)
      if let kept = ProcessInfo.processInfo.environment["TONARI_SCREENSHOTS"] {
        try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: kept).appendingPathComponent("\(name).png"))
      }
      return data
    }
  }

  private static func inTemporaryFolder<T>(_ body: (URL) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tonari-page-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }

  private static func run(_ arguments: [String], in folder: URL) throws -> Result {
    guard let executable else { throw Failure(description: "CI needs Chromium, and there is none in PATH") }
    let (output, errors) = (folder.appendingPathComponent("stdout"), folder.appendingPathComponent("stderr"))
    for file in [output, errors] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments =
      [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
        "--virtual-time-budget=3000", "--user-data-dir=\(folder.appendingPathComponent("profile").path)",
      ] + arguments
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    let deadline = Date(timeIntervalSinceNow: 120)
    while process.isRunning, Date() < deadline { Thread.sleep(forTimeInterval: 0.02) }
    if process.isRunning {
      process.terminate()
      throw Failure(description: "Chromium did not finish in two minutes")
    }
    let log = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
    guard process.terminationStatus == 0 else {
      throw Failure(description: "Chromium ended with \(process.terminationStatus): \(log.suffix(2000))")
    }
    return Result(
      dom: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      console: log.split(separator: "\n").filter { $0.contains("CONSOLE") }.map(String.init)
    )
  }
}
