package import ControlPlaneTestSupport
import Foundation

/// A real mosquitto on a free port of this machine, which does not outlive the tests.
package final class RealBroker {
  private static let executable = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }
  /// Where the broker is installed, and always in CI, where it must be.
  package static let isWanted = executable != nil || ProcessInfo.processInfo.environment["CI"] != nil

  private let folder: URL
  private let executable: String
  private var server: ControlPlane.Server?
  /// The port that it listens on.
  package let port: Int

  /// Starts a broker.
  ///
  /// - Parameters:
  ///   - accessControl: The text of the file that says who may do what; nil for everybody everything.
  ///   - users: Those that there are where there is such a file, whose passwords are their names.
  package init(accessControl: String? = nil, users: [String] = []) async throws {
    guard let executable = Self.executable else { throw TestFailure("mosquitto is not installed") }
    self.executable = executable
    folder = FileManager.default.temporaryDirectory.appending(path: "mqtt-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    port = Int(try LoopbackListener.freePort())
    var settings = "listener \(port) 127.0.0.1\n"
    if let accessControl {
      let (list, passwords) = (folder.appending(path: "mosquitto.acl"), folder.appending(path: "passwords"))
      try accessControl.write(to: list, atomically: true, encoding: .utf8)
      try users.map { "\($0):\($0)\n" }.joined().write(to: passwords, atomically: true, encoding: .utf8)
      // mosquitto reads them under another user where it is started by root.
      for file in [folder, list, passwords] {
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
      }
      let hashing = try run("/usr/bin/mosquitto_passwd", ["-U", passwords.path])
      try await eventually("passwords are hashed") { hashing.exitStatus != nil }
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: passwords.path)
      settings += "allow_anonymous false\nacl_file \(list.path)\npassword_file \(passwords.path)\n"
    } else {
      settings += "allow_anonymous true\n"
    }
    try settings.write(to: folder.appending(path: "mosquitto.conf"), atomically: true, encoding: .utf8)
    try start()
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  /// Starts it again.
  package func start() throws {
    server = try run(executable, ["-c", folder.appending(path: "mosquitto.conf").path])
  }

  /// Kills it; what it kept is lost.
  package func kill() async { await server?.kill() }

  /// Starts mosquitto's subscriber, for instance to have it killed with a last will.
  package func subscriber(_ arguments: [String]) throws -> ControlPlane.Server {
    try run("/usr/bin/mosquitto_sub", ["-h", "127.0.0.1", "-p", "\(port)"] + arguments)
  }

  /// Publishes a retained message as another process, again until the broker takes it.
  ///
  /// - Parameters:
  ///   - user: Who publishes, with its name as its password; nil for nobody.
  ///   - isRetained: Whether the broker is to keep it.
  package func publish(
    _ topic: String, _ payload: String, as user: String? = nil, isRetained: Bool = true
  ) async throws {
    try await eventually("the broker takes a message") {
      let message = payload.isEmpty ? ["-n"] : ["-m", payload]
      let publisher = try run(
        "/usr/bin/mosquitto_pub",
        ["-h", "127.0.0.1", "-p", "\(port)", "-q", "1", "-t", topic] + (isRetained ? ["-r"] : [])
          + (user.map { ["-u", $0, "-P", $0] } ?? []) + message)
      try await eventually("the publisher ends") { publisher.exitStatus != nil }
      return publisher.exitStatus == 0
    }
  }

  private func run(_ program: String, _ arguments: [String]) throws -> ControlPlane.Server {
    try ControlPlane.Server(URL(filePath: program), arguments, log: folder.appending(path: "log"))
  }
}
