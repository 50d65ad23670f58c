import Foundation

/// Certificates that `openssl` makes, in a folder of their own that goes with the last reference.
package final class TestCertificates: Sendable {
  /// Whether there is an `openssl`; in CI there must be.
  package static let areAvailable =
    ProcessInfo.processInfo.environment["CI"] != nil || FileManager.default.isExecutableFile(atPath: openssl)
  private static let openssl = "/usr/bin/openssl"

  private let folder: URL

  /// Makes an empty folder.
  package init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// The path of a file in it.
  package func path(_ name: String) -> String { folder.appending(path: name).path }

  /// Makes a self-signed certificate for 127.0.0.1, `name.crt` with its key `name.key`.
  ///
  /// - Parameter names: more names of whom it is for, such as `URI:spiffe://cluster.local/ns/a/sa/b` or `DNS:a.b`.
  package func make(_ name: String, subject: String? = nil, names: [String] = []) throws {
    let process = Process()
    process.executableURL = URL(filePath: Self.openssl)
    process.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
      "/CN=\(subject ?? name)", "-addext", "subjectAltName=\((["IP:127.0.0.1"] + names).joined(separator: ","))",
      "-keyout", path("\(name).key"), "-out",
      path("\(name).crt"),
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
  }
}
