import Connections
import ControlPlaneTestSupport
import Foundation

/// Certificates of Tonari's parts, as `manifests/certificates/files/make.sh` makes them.
struct PartCertificates {
  private let folder: URL

  /// Makes them in a folder below another one, where they are not there yet.
  init(in parent: URL) throws {
    folder = parent.appending(path: "tonari-certificates")
    if FileManager.default.fileExists(atPath: folder.path) { return }
    let script = Fixtures.root.appending(path: "manifests/certificates/files/make.sh")
    let secrets = try Fixtures.run(script, [folder.path])
    guard String(decoding: secrets, as: UTF8.self).contains("name: tonari-scheduler-tls") else {
      throw TestFailure("\(script.path) made no Secret tonari-scheduler-tls")
    }
  }

  /// The authority of all of them.
  var authority: String { folder.appending(path: "ca.crt").path }
  /// A part's certificate.
  func certificate(_ part: String) -> String { folder.appending(path: "\(part).crt").path }
  /// A part's private key.
  func key(_ part: String) -> String { folder.appending(path: "\(part).key").path }

  /// How a part speaks to another one that it reaches by an address of this machine.
  func security(of part: String, to server: String) throws -> TransportSecurity {
    func bytes(_ path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(filePath: path))) }
    return TransportSecurity(
      authorities: try bytes(authority), serverName: server,
      identity: .init(certificate: try bytes(certificate(part)), key: try bytes(key(part))))
  }
}
