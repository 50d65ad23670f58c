import Connections
import Foundation

extension Kubeconfig {
  /// The way to the API server that a context leads to.
  ///
  /// - Parameter name: The context; nil for the current one.
  func configuration(context name: String?) throws(ConfigurationError) -> ClientConfiguration {
    guard let name = name ?? currentContext?.value else {
      throw ConfigurationError(
        code: .notFound, source: fileList, field: "current-context", message: "found nothing, expected a context")
    }
    guard let context = contexts[name] else {
      throw missing("context", name, in: contexts.keys, from: currentContext?.value == name ? "current-context" : "")
    }
    let place = "contexts[\"\(name)\"].context"
    guard let clusterName = context.value.cluster, let cluster = clusters[clusterName] else {
      throw missing("cluster", context.value.cluster ?? "", in: clusters.keys, from: "\(place).cluster")
    }
    var configuration = try Self.configuration(
      Fields(cluster.file, "clusters[\"\(clusterName)\"].cluster"), cluster.value)
    if let namespace = context.value.namespace, !namespace.isEmpty { configuration.namespace = namespace }
    guard let userName = context.value.user, !userName.isEmpty else { return configuration }
    guard let user = users[userName] else {
      throw missing("user", userName, in: users.keys, from: "\(place).user")
    }
    configuration.credentials = try Self.credentials(Fields(user.file, "users[\"\(userName)\"].user"), user.value)
    return configuration
  }

  private var fileList: String { files.joined(separator: ":") }

  private func missing(
    _ kind: String, _ name: String, in names: some Sequence<String>, from field: String
  ) -> ConfigurationError {
    let known = names.sorted().joined(separator: ", ")
    let expected = known.isEmpty ? "there is none" : "expected one of \(known)"
    return ConfigurationError(
      code: .notFound, source: fileList, field: field, message: "found the \(kind) '\(name)', \(expected)")
  }
}

// MARK: - Clusters and users

extension Kubeconfig {
  /// Where fields stand, for paths that are relative to the file and for errors.
  private struct Fields {
    let file: String
    let path: String

    init(_ file: String, _ path: String) {
      self.file = file
      self.path = path
    }

    func error(_ field: String, _ message: String) -> ConfigurationError {
      ConfigurationError(code: .field, source: file, field: "\(path).\(field)", message: message)
    }

    /// A path that may be relative to the file's folder.
    func absolute(_ path: String) -> String {
      if path.hasPrefix("/") { return path }
      return URL(filePath: file).deletingLastPathComponent().appending(path: path).path
    }

    /// What a field gives by its bytes (`…-data`), or else by a file.
    func material(
      _ field: String, data: String?, file: String?
    ) throws(ConfigurationError) -> ClientConfiguration.Material? {
      if let data, !data.isEmpty {
        guard let bytes = Data(base64Encoded: data, options: .ignoreUnknownCharacters), !bytes.isEmpty else {
          throw error("\(field)-data", "found \(data.prefix(12))…, expected base64")
        }
        return .data([UInt8](bytes))
      }
      guard let file, !file.isEmpty else { return nil }
      let path = absolute(file)
      do {
        _ = try ClientConfiguration.contents(of: path)
      } catch {
        throw self.error(field, "found \(path), expected a file: \(error.message)")
      }
      return .file(path)
    }
  }

  private static func configuration(
    _ fields: Fields, _ cluster: Document.Cluster
  ) throws(ConfigurationError) -> ClientConfiguration {
    guard let server = cluster.server, !server.isEmpty else {
      throw fields.error("server", "found nothing, expected a URL")
    }
    let url = server.contains("://") ? server : "http://\(server)"
    guard ["https://", "http://"].contains(where: url.lowercased().hasPrefix), (try? CurlURL(url)) != nil else {
      throw fields.error("server", "found '\(server)', expected a URL such as https://10.0.0.1:6443")
    }
    var configuration = ClientConfiguration(
      server: url,
      authorities: try fields.material(
        "certificate-authority", data: cluster.certificateAuthorityData, file: cluster.certificateAuthority)
    )
    configuration.serverName = cluster.tlsServerName.flatMap { $0.isEmpty ? nil : $0 }
    configuration.skipsVerification = cluster.insecureSkipTLSVerify ?? false
    if configuration.skipsVerification, configuration.authorities != nil {
      throw fields.error(
        "insecure-skip-tls-verify", "found true with a certificate-authority, expected only one of them")
    }
    if let proxy = cluster.proxyURL, !proxy.isEmpty {
      guard ["http://", "https://", "socks5://"].contains(where: proxy.lowercased().hasPrefix) else {
        throw fields.error("proxy-url", "found '\(proxy)', expected http://…, https://… or socks5://…")
      }
      configuration.proxy = proxy
    }
    return configuration
  }

  private static func credentials(
    _ fields: Fields, _ user: Document.User
  ) throws(ConfigurationError) -> Credentials {
    var credentials = Credentials()
    let certificate = try fields.material(
      "client-certificate", data: user.clientCertificateData, file: user.clientCertificate)
    let key = try fields.material("client-key", data: user.clientKeyData, file: user.clientKey)
    switch (certificate, key) {
    case (let certificate?, let key?): credentials.certificate = .init(certificate: certificate, key: key)
    case (nil, nil): break
    case (_, nil): throw fields.error("client-key", "found nothing, expected the key of the client-certificate")
    case (nil, _): throw fields.error("client-certificate", "found nothing, expected what the client-key is for")
    }
    if let token = try fields.material("tokenFile", data: nil, file: user.tokenFile) {
      credentials.token = token
    } else if let token = user.token, !token.isEmpty {
      credentials.token = .data(Array(token.utf8))
    }
    if let name = user.username, !name.isEmpty { credentials.password = "\(name):\(user.password ?? "")" }
    if let name = user.impersonate, !name.isEmpty {
      credentials.impersonation = .init(
        user: name, uid: user.impersonateUID, groups: user.impersonateGroups ?? [],
        extra: user.impersonateExtra ?? [:])
    }
    if let exec = user.exec { credentials.plugin = try plugin(fields, exec) }
    if let provider = user.authProvider {
      throw fields.error(
        "auth-provider", "found '\(provider.name ?? "")', which Kubernetes has dropped; expected exec or a token")
    }
    return credentials
  }

  private static func plugin(_ fields: Fields, _ exec: Document.Exec) throws(ConfigurationError) -> ExecPlugin {
    guard let command = exec.command, !command.isEmpty else {
      throw fields.error("exec.command", "found nothing, expected a program")
    }
    guard let version = exec.apiVersion.flatMap(ExecPlugin.Version.init) else {
      let known = ExecPlugin.Version.allCases.map(\.rawValue).joined(separator: " or ")
      throw fields.error("exec.apiVersion", "found '\(exec.apiVersion ?? "")', expected \(known)")
    }
    if exec.interactiveMode == "Always" {
      throw fields.error("exec.interactiveMode", "found Always, expected a plugin that does without a terminal")
    }
    var plugin = ExecPlugin(command: command.contains("/") ? fields.absolute(command) : command, version: version)
    plugin.arguments = exec.args ?? []
    plugin.environment = Dictionary((exec.env ?? []).map { ($0.name, $0.value ?? "") }) { $1 }
    plugin.installHint = exec.installHint
    plugin.isToldCluster = exec.provideClusterInfo ?? false
    plugin.source = "\(fields.file): \(fields.path).exec"
    return plugin
  }
}
