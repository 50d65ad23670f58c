import Connections
import Formats
import Foundation

extension ClientConfiguration {
  /// Where a pod finds what its service account gives it.
  package static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

  /// The way to the API server of the cluster that this process is a pod of. The token is read again as it rotates.
  ///
  /// Throws ``ConfigurationError`` where the process is in no cluster, or its pod has no service account.
  ///
  /// - Parameters:
  ///   - environment: The process's environment, with the API server's address.
  ///   - folder: Where the service account's files are.
  package static func inCluster(
    environment: [String: String] = ProcessInfo.processInfo.environment, folder: String = serviceAccountFolder
  ) throws(ConfigurationError) -> ClientConfiguration {
    func variable(_ name: String) throws(ConfigurationError) -> String {
      guard let value = environment[name], !value.isEmpty else {
        throw ConfigurationError(
          code: .notFound, source: name, message: "found nothing, expected what each pod of a cluster has")
      }
      return value
    }
    let host = try variable("KUBERNETES_SERVICE_HOST")
    let port = try variable("KUBERNETES_SERVICE_PORT")
    var configuration = ClientConfiguration(
      server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)",
      authorities: .file("\(folder)/ca.crt"),
      credentials: Credentials(token: .file("\(folder)/token"))
    )
    for path in ["\(folder)/token", "\(folder)/ca.crt"] { _ = try contents(of: path) }
    if let namespace = try? contents(of: "\(folder)/namespace") {
      configuration.namespace = String(decoding: namespace, as: UTF8.self).trimmingSpace
    }
    return configuration
  }

  /// The bytes of a small file.
  static func contents(of path: String, field: String = "") throws(ConfigurationError) -> [UInt8] {
    do {
      return [UInt8](try Data(contentsOf: URL(filePath: path)))
    } catch {
      let reason = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "is not there"
      throw ConfigurationError(code: .notRead, source: path, field: field, message: "the file \(reason)")
    }
  }
}
