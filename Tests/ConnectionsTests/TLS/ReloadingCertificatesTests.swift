import CertificateTestSupport
import Foundation
import Logging
import Testing

@testable import Connections

@Suite(.enabled(if: TestCertificates.areAvailable, "needs /usr/bin/openssl"))
struct ReloadingCertificatesTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("Changed certificates are used from then on, and broken ones are not")
  func reload() throws {
    let made = try TestCertificates()
    try made.make("server", subject: "first")
    let files = TLSFiles(certificate: made.path("server.crt"), key: made.path("server.key"))
    let certificates = try ReloadingCertificates(files, logger: logger)
    let first = certificates.context
    certificates.reload()
    #expect(certificates.context === first)
    try made.make("server", subject: "second")
    certificates.reload()
    let second = certificates.context
    #expect(second !== first)
    try "nonsense".write(toFile: files.certificate, atomically: true, encoding: .utf8)
    certificates.reload()
    #expect(certificates.context === second)
  }

  @Test("A key that is not the certificate's is no pair")
  func mismatch() throws {
    let made = try TestCertificates()
    try made.make("server")
    try made.make("other")
    let files = TLSFiles(certificate: made.path("server.crt"), key: made.path("other.key"))
    #expect(throws: TLSFiles.Failure.self) { try ReloadingCertificates(files, logger: logger) }
  }

  @Test("A file that cannot be used is named")
  func missing() throws {
    let made = try TestCertificates()
    let files = TLSFiles(certificate: made.path("none.crt"), key: made.path("none.key"))
    #expect { try ReloadingCertificates(files, logger: logger) } throws: { "\($0)".contains("none.crt") }
  }
}
