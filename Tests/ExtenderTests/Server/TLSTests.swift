import CertificateTestSupport
import Connections
import ControlPlaneTestSupport
import Foundation
import Hummingbird
import Logging
import Testing

@testable import Extender

/// With certificates that `openssl` makes.
@Suite(.enabled(if: TestCertificates.areAvailable, "needs /usr/bin/openssl"))
struct TLSTests {
  private let certificates: TestCertificates
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  init() throws {
    certificates = try TestCertificates()
  }

  @Test("Clients need a certificate where an authority of clients is given", arguments: [false, true])
  func mutual(hasCertificate: Bool) async throws {
    try certificates.make("server")
    try certificates.make("client")
    var configuration = ExtenderServer.Configuration(port: 0)
    configuration.tls = TLSFiles(
      certificate: certificates.path("server.crt"), key: certificates.path("server.key"),
      clientAuthority: certificates.path("client.crt"))
    let (ports, port) = AsyncStream<Int>.makeStream()
    let webhook = SchedulerWebhook(ExtenderState(), logger: logger)
    let application = try ExtenderServer(configuration, webhook) { port.yield($0) }.application()
    let server = Task { try await application.run() }
    defer { server.cancel() }
    let number = try #require(await ports.first { _ in true })
    let text = try await offPool { try get("https://127.0.0.1:\(number)/livez", hasCertificate: hasCertificate) }
    #expect(text == (hasCertificate ? "ok\n" : ""))
  }

  private func get(_ url: String, hasCertificate: Bool) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      ["curl", "-s", "--max-time", "20", "--cacert", certificates.path("server.crt"), url]
      + (hasCertificate ? ["--cert", certificates.path("client.crt"), "--key", certificates.path("client.key")] : [])
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }
}
