import Foundation
import Hummingbird
import Logging
import Testing

@testable import Extender

/// With certificates that `openssl` makes.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "needs /usr/bin/openssl"))
struct TLSTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path }

  /// Makes a self-signed certificate, or one that an authority signs.
  private func certificate(_ name: String, subject: String) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
      "/CN=\(subject)", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path("\(name).key"), "-out",
      path("\(name).crt"),
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("Changed certificates are used from then on, and broken ones are not")
  func reload() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try certificate("server", subject: "first")
    let files = TLSFiles(certificate: path("server.crt"), key: path("server.key"))
    let certificates = try ReloadingCertificates(files, logger: logger)
    let first = certificates.context
    certificates.reload()
    #expect(certificates.context === first)
    try certificate("server", subject: "second")
    certificates.reload()
    let second = certificates.context
    #expect(second !== first)
    try "nonsense".write(toFile: files.certificate, atomically: true, encoding: .utf8)
    certificates.reload()
    #expect(certificates.context === second)
  }

  @Test("A file that cannot be used is named")
  func missing() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = TLSFiles(certificate: path("none.crt"), key: path("none.key"))
    #expect { try files.context() } throws: { "\($0)".contains("none.crt") }
  }

  @Test("Clients need a certificate where an authority of clients is given", arguments: [false, true])
  func mutual(hasCertificate: Bool) async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try certificate("server", subject: "server")
    try certificate("client", subject: "client")
    var configuration = ExtenderServer.Configuration(port: 0)
    configuration.tls = TLSFiles(
      certificate: path("server.crt"), key: path("server.key"), clientAuthority: path("client.crt"))
    let (ports, port) = AsyncStream<Int>.makeStream()
    let webhook = SchedulerWebhook(ExtenderState(), logger: logger)
    let application = try ExtenderServer(configuration, webhook) { port.yield($0) }.application()
    let server = Task { try await application.run() }
    defer { server.cancel() }
    let number = try #require(await ports.first { _ in true })
    #expect(
      try get("https://127.0.0.1:\(number)/livez", hasCertificate: hasCertificate) == (hasCertificate ? "ok\n" : ""))
  }

  private func get(_ url: String, hasCertificate: Bool) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      ["curl", "-s", "--max-time", "20", "--cacert", path("server.crt"), url]
      + (hasCertificate ? ["--cert", path("client.crt"), "--key", path("client.key")] : [])
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }
}
