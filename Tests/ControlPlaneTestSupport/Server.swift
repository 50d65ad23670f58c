package import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension ControlPlane {
  /// A server of the control plane as a process, which does not outlive this one.
  ///
  /// Unchecked, because the compiler does not know that `Process` is only started and stopped here, one after the other.
  package final class Server: @unchecked Sendable {
    private let process = Process()
    private let watchdog = Process()
    private let log: URL

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - program: The program.
    ///   - arguments: Its arguments.
    ///   - log: The file that gets what it writes.
    ///   - folder: A folder that goes with the server.
    package init(_ program: URL, _ arguments: [String], log: URL, folder: URL? = nil) throws {
      self.log = log
      try Data().write(to: log)
      let handle = try FileHandle(forWritingTo: log)
      process.executableURL = program
      process.arguments = arguments
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = handle
      process.standardError = handle
      try process.run()
      // When the tests are killed, nobody else ends the server.
      watchdog.executableURL = URL(filePath: "/bin/sh")
      let script = """
        while kill -0 $PPID && kill -0 $1; do sleep 1; done 2> /dev/null
        kill -9 $1 2> /dev/null
        [ -z "$2" ] || { sleep 2; rm -rf "$2"; }
        """
      watchdog.arguments = ["-c", script, "watchdog", "\(process.processIdentifier)", folder?.path ?? ""]
      watchdog.standardInput = FileHandle.nullDevice
      watchdog.standardOutput = FileHandle.nullDevice
      watchdog.standardError = FileHandle.nullDevice
      try watchdog.run()
    }

    /// Whether it still runs.
    package var isRunning: Bool { process.isRunning }

    /// The last lines that it wrote.
    package var lastWords: String {
      let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
      return text.split(separator: "\n").suffix(15).joined(separator: "\n")
    }

    /// Kills it, and waits until it is gone.
    package func kill() async {
      send(SIGKILL)
      while process.isRunning { try? await Task.sleep(for: .milliseconds(5)) }
    }

    /// The status that it ended with; nil while it runs.
    package var exitStatus: Int32? { process.isRunning ? nil : process.terminationStatus }

    /// Sends a signal.
    package func send(_ signal: Int32) {
      if process.isRunning { sendSignal(process.processIdentifier, signal) }
    }
  }

}
private func sendSignal(_ process: pid_t, _ signal: Int32) { _ = kill(process, signal) }
