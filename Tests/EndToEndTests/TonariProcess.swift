import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A run of the built `tonari`, as a user's shell would start it.
final class TonariProcess {
  /// What a run left behind.
  struct Result {
    var status: Int32
    var output: Data
    var messages: String
    /// Whether a signal ended it.
    var isKilled: Bool

    var text: String { String(decoding: output, as: UTF8.self) }
  }

  /// Where the build put the executable: beside the test bundle.
  static let executable: URL = {
    var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appending(path: "tonari")
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isFolder), !isFolder.boolValue {
        return candidate
      }
      folder.deleteLastPathComponent()
    }
    return URL(filePath: "tonari")
  }()

  private let process = Process()
  private let output = Collector()
  private let messages = Collector()

  /// Starts `tonari` with arguments, in a folder, with text on standard input.
  init(_ arguments: [String], input: Data = Data(), in folder: URL? = nil) throws {
    process.executableURL = Self.executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardOutput = output.pipe
    process.standardError = messages.pipe
    let stdin = Pipe()
    process.standardInput = stdin
    output.start()
    messages.start()
    try process.run()
    // A process that does not read its input closes it; what cannot be written then is no fault.
    signal(SIGPIPE, SIG_IGN)
    DispatchQueue.global().async {
      try? stdin.fileHandleForWriting.write(contentsOf: input)
      try? stdin.fileHandleForWriting.close()
    }
  }

  /// Runs `tonari` to its end.
  static func run(_ arguments: String..., input: Data = Data(), in folder: URL? = nil) async throws -> Result {
    try await TonariProcess(arguments, input: input, in: folder).result()
  }

  /// Its number among the system's processes.
  var identifier: Int32 { process.processIdentifier }

  /// What was written to standard error so far.
  var messagesSoFar: String { String(decoding: messages.data, as: UTF8.self) }

  /// Sends a signal.
  func send(_ signal: Int32) {
    kill(process.processIdentifier, signal)
  }

  /// Waits for the end.
  func result() async -> Result {
    let output = await output.all()
    let messages = await messages.all()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus,
      output: output,
      messages: String(decoding: messages, as: UTF8.self),
      isKilled: process.terminationReason == .uncaughtSignal
    )
  }
}

/// Reads a pipe to its end on a thread of its own, so that the writer never waits.
///
/// Unchecked, because the compiler does not know that the lock guards the data.
private final class Collector: @unchecked Sendable {
  let pipe = Pipe()
  private let lock = NSCondition()
  private var collected = Data()
  private var isComplete = false

  var data: Data { lock.withLock { collected } }

  func start() {
    Thread.detachNewThread { [self] in
      while true {
        let chunk = pipe.fileHandleForReading.availableData
        lock.withLock {
          collected += chunk
          isComplete = chunk.isEmpty
          lock.broadcast()
        }
        if chunk.isEmpty { return }
      }
    }
  }

  func all() async -> Data {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { [self] in
        lock.lock()
        while !isComplete { lock.wait() }
        lock.unlock()
        continuation.resume(returning: data)
      }
    }
  }
}
