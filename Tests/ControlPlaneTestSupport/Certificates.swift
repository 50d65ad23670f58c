package import Foundation

/// The keys and certificates of a control plane, made by openssl: an authority (`ca.crt`), the API server's
/// (`server.crt`, `server.key`) and an administrator's (`admin.crt`, `admin.key`).
package struct Certificates {
  /// The names that the API server's certificate bears.
  static let names = "DNS:localhost,DNS:kubernetes.test,IP:127.0.0.1"

  let folder: URL

  /// Makes none yet.
  package init(empty folder: URL) {
    self.folder = folder
  }

  /// Makes them in a folder.
  init(in folder: URL) throws {
    self.folder = folder
    try authority("ca", named: "tonari-test")
    try certificate("server", subject: "/CN=kube-apiserver", extensions: "subjectAltName=\(Self.names)")
    try certificate("admin", subject: "/O=system:masters/CN=admin", extensions: "extendedKeyUsage=clientAuth")
  }

  /// Makes an authority that nobody knows.
  package func authority(_ name: String, named common: String) throws {
    try openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
      "/CN=\(common)", "-keyout", "\(name).key", "-out", "\(name).crt")
  }

  private func certificate(_ name: String, subject: String, extensions: String) throws {
    try openssl(
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", subject, "-keyout",
      "\(name).key", "-out", "\(name).csr")
    try extensions.write(to: folder.appending(path: "\(name).ext"), atomically: true, encoding: .utf8)
    try openssl(
      "x509", "-req", "-in", "\(name).csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
      "-extfile", "\(name).ext", "-out", "\(name).crt")
  }

  private func openssl(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardError = output
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw TestFailure("openssl \(arguments.joined(separator: " ")): \(text)")
    }
  }
}
