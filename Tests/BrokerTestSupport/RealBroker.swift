public import ControlPlaneTestSupport
import Foundation

/// A real mosquitto on a free port of this machine, which does not outlive the tests.
public final class RealBroker {
  private static let executable = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }
  /// Where the broker is installed, and always in CI, where it must be.
  public static let isWanted = executable != nil || ProcessInfo.processInfo.environment["CI"] != nil

  private let folder: URL
  private let executable: String
  private var server: ControlPlane.Server?
  /// The port that it listens on.
  public let port: Int

  /// Starts a broker.
  public init() async throws {
    guard let executable = Self.executable else { throw TestFailure("mosquitto is not installed") }
    self.executable = executable
    folder = FileManager.default.temporaryDirectory.appending(path: "mqtt-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    port = Int(try LoopbackListener.freePort())
    try "listener \(port) 127.0.0.1\nallow_anonymous true\n".write(
      to: folder.appending(path: "mosquitto.conf"), atomically: true, encoding: .utf8)
    try start()
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  /// Starts it again.
  public func start() throws {
    server = try run(executable, ["-c", folder.appending(path: "mosquitto.conf").path])
  }

  /// Kills it; what it kept is lost.
  public func kill() async { await server?.kill() }

  /// Starts mosquitto's subscriber, for instance to have it killed with a last will.
  public func subscriber(_ arguments: [String]) throws -> ControlPlane.Server {
    try run("/usr/bin/mosquitto_sub", ["-h", "127.0.0.1", "-p", "\(port)"] + arguments)
  }

  /// Publishes a retained message as another process, again until the broker takes it.
  public func publish(_ topic: String, _ payload: String) async throws {
    try await eventually("the broker takes a message") {
      let message = payload.isEmpty ? ["-n"] : ["-m", payload]
      let publisher = try run(
        "/usr/bin/mosquitto_pub",
        ["-h", "127.0.0.1", "-p", "\(port)", "-r", "-q", "1", "-t", topic] + message)
      try await eventually("the publisher ends") { publisher.exitStatus != nil }
      return publisher.exitStatus == 0
    }
  }

  private func run(_ program: String, _ arguments: [String]) throws -> ControlPlane.Server {
    try ControlPlane.Server(URL(filePath: program), arguments, log: folder.appending(path: "log"))
  }
}
