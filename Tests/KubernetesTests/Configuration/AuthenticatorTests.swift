import ControlPlaneTestSupport
import Foundation
import Testing

@testable import Connections
@testable import Formats
@testable import Kubernetes

struct AuthenticatorTests {
  /// A server that knows one bearer token, the last of a file.
  static func server(knowing token: @escaping @Sendable () -> String) throws -> ScriptedServer {
    try ScriptedServer { request, answer in
      if request.headers["authorization"] == "Bearer \(token())" {
        answer.respond("ok")
      } else {
        answer.respond(APIClientTests.status(401, "Unauthorized"), status: 401)
      }
      return .keep
    }
  }

  static func client(_ server: ScriptedServer, _ credentials: Credentials) -> APIClient {
    APIClient(ClientConfiguration(server: server.url, credentials: credentials), retries: .never, logger: .silent)
  }

  /// A plugin that is a shell script.
  static func plugin(_ folder: TemporaryFolder, _ script: String, version: ExecPlugin.Version = .v1) throws
    -> ExecPlugin
  {
    ExecPlugin(command: try folder.write("plugin", "#!/bin/sh\n\(script)", isExecutable: true), version: version)
  }

  static func answer(_ status: String, version: ExecPlugin.Version = .v1) -> String {
    """
    cat << EOF
    {"apiVersion":"\(version.rawValue)","kind":"ExecCredential","status":{\(status)}}
    EOF

    """
  }

  @Test("A token file is read again when its token is refused")
  func tokenRotation() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("token", "one\n")
    let server = try Self.server { ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").trimmingSpace }
    let client = Self.client(server, Credentials(token: .file(file)))
    #expect(try await client.read(path: "/version") == Array("ok".utf8))
    try folder.write("token", "two\n")
    #expect(try await client.read(path: "/version") == Array("ok".utf8))
    #expect(server.requests.last?.headers["authorization"] == "Bearer two")
  }

  @Test("A token that is refused and does not change is refused once")
  func refusedToken() async throws {
    let folder = try TemporaryFolder()
    let server = try Self.server { "other" }
    let client = Self.client(server, Credentials(token: .file(try folder.write("token", "one"))))
    let error = await #expect(throws: APIError.self) { try await client.read(path: "/version") }
    #expect(error?.isUnauthorized == true)
    #expect(server.requests.count == 1)
  }

  @Test("A token file that vanishes for a moment is not missed; one that was never there is")
  func vanishingFile() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("token", "one")
    let server = try Self.server { "one" }
    let client = Self.client(server, Credentials(token: .file(file)))
    _ = try await client.read(path: "/version")
    try FileManager.default.removeItem(atPath: file)
    _ = try await client.read(path: "/version")
    let other = Self.client(server, Credentials(token: .file(file)))
    let error = await #expect(throws: APIError.self) { try await other.read(path: "/version") }
    #expect(error?.code == .notAuthenticated)
    #expect(error?.message.contains(file) == true)
  }

  @Test(
    "A plugin is run once for all requests, until its credential is refused", arguments: ExecPlugin.Version.allCases)
  func plugin(version: ExecPlugin.Version) async throws {
    let folder = try TemporaryFolder()
    // Gives the number of its runs as token.
    let token = #""token":"$PREFIX$(wc -l < "$FOLDER/runs")""#
    let script = "echo run >> $FOLDER/runs\n\(Self.answer(token, version: version))"
    let file = try folder.write("expected", "t1")
    let server = try Self.server { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
    var plugin = try Self.plugin(folder, script, version: version)
    plugin.environment = ["PREFIX": "t", "FOLDER": folder.path]
    let client = Self.client(server, Credentials(plugin: plugin))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<10 { group.addTask { _ = try await client.read(path: "/version") } }
      try await group.waitForAll()
    }
    try folder.write("expected", "t2")
    _ = try await client.read(path: "/version")
    #expect(try String(contentsOfFile: "\(folder.path)/runs", encoding: .utf8) == "run\nrun\n")
  }

  @Test("A credential that has expired is replaced before it is shown")
  func expiry() async throws {
    let folder = try TemporaryFolder()
    let script = """
      echo run >> "\(folder.path)/runs"
      \(Self.answer(#""token":"t","expirationTimestamp":"2001-01-01T00:00:00Z""#))
      """
    let server = try Self.server { "t" }
    let client = Self.client(server, Credentials(plugin: try Self.plugin(folder, script)))
    for _ in 0..<3 { _ = try await client.read(path: "/version") }
    #expect(try String(contentsOfFile: "\(folder.path)/runs", encoding: .utf8) == "run\nrun\nrun\n")
  }

  @Test("A plugin is told what it needs to know of the cluster")
  func clusterInfo() async throws {
    let folder = try TemporaryFolder()
    let script = "echo \"$KUBERNETES_EXEC_INFO\" > '\(folder.path)/info'\n\(Self.answer(#""token":"t""#))"
    var plugin = try Self.plugin(folder, script)
    plugin.isToldCluster = true
    let server = try Self.server { "t" }
    var configuration = ClientConfiguration(server: server.url, credentials: Credentials(plugin: plugin))
    configuration.authorities = .data(Array("PEM".utf8))
    _ = try await APIClient(configuration, retries: .never, logger: .silent).read(path: "/version")
    let info = try JSONDecoder().decode(
      JSONValue.self, from: Data(contentsOf: URL(filePath: "\(folder.path)/info")))
    #expect(info["kind"]?.string == "ExecCredential")
    #expect(info["spec"]?["cluster"]?["server"]?.string == server.url)
    #expect(info["spec"]?["cluster"]?["certificate-authority-data"]?.string == KubeconfigTests.data)
  }

  /// What a plugin does wrong, and what the error says.
  static let faults: [(String, String)] = [
    ("echo 'not logged in' >&2; exit 3", "status 3: not logged in"),
    ("kill -9 $$", "status 137"),
    ("echo garbage", "no ExecCredential"),
    ("exit 0", "no ExecCredential"),
    (answer(#""token":"t""#, version: .v1beta1), "expected an ExecCredential of client.authentication.k8s.io/v1"),
    (answer(""), "neither a token nor a certificate"),
    (answer(#""clientCertificateData":"c""#), "without key"),
    (answer(#""token":"t","expirationTimestamp":"soon""#), "expirationTimestamp"),
    ("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", "too much"),
  ]

  @Test("A plugin that fails is an error that says why", arguments: faults)
  func pluginFaults(script: String, expected: String) async throws {
    let folder = try TemporaryFolder()
    let server = try Self.server { "t" }
    let client = Self.client(server, Credentials(plugin: try Self.plugin(folder, script)))
    let error = await #expect(throws: APIError.self) { try await client.read(path: "/version") }
    #expect(error?.code == .notAuthenticated)
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    #expect(server.requests.isEmpty)
  }

  @Test("A plugin that is not installed is an error with the hint how to")
  func missingPlugin() async throws {
    var plugin = ExecPlugin(command: "tonari-no-such-plugin", version: .v1)
    plugin.installHint = "Get it from example.com"
    let server = try Self.server { "t" }
    let error = await #expect(throws: APIError.self) {
      try await Self.client(server, Credentials(plugin: plugin)).read(path: "/version")
    }
    #expect(error?.message.contains("Get it from example.com") == true)
  }

  @Test("A program that takes too long is killed with all that it has started")
  func slowPlugin() async throws {
    let folder = try TemporaryFolder()
    let script = "sleep 100 & echo $! > '\(folder.path)/pid'; wait"
    let process = ChildProcess(
      command: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"],
      timeout: .milliseconds(300))
    let error = await #expect(throws: ChildProcess.Failure.self) { try await process.run() }
    #expect(error?.description == "took too long")
    let pid = try #require(
      Int32(String(contentsOfFile: "\(folder.path)/pid", encoding: .utf8).trimmingSpace))
    try await eventually("the child is gone") {
      // A child that nobody has waited for is a zombie, which is gone as well.
      guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return true }
      return stat.contains(") Z")
    }
  }

  @Test("Names, passwords and impersonation are shown as the API wants them")
  func headers() async throws {
    let server = try ScriptedServer { _, answer in
      answer.respond("ok")
      return .keep
    }
    var credentials = Credentials()
    credentials.password = "Aladdin:open sesame"
    credentials.impersonation = .init(user: "jane", uid: "7", groups: ["a", "b"], extra: ["scopes/x": ["view"]])
    _ = try await Self.client(server, credentials).read(path: "/version")
    let headers = try #require(server.requests.first?.headers)
    #expect(headers["authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    #expect(headers["impersonate-user"] == "jane")
    #expect(headers["impersonate-uid"] == "7")
    #expect(headers["impersonate-group"] == "b")
    #expect(headers["impersonate-extra-scopes%2fx"] == "view")
  }
}
