import Formats

extension Kubeconfig {
  /// One kubeconfig file as it is written (client.authentication and clientcmd/api/v1).
  struct Document {
    var file: String
    var content: Content

    struct Content: Decodable {
      var clusters: [NamedCluster]?
      var users: [NamedUser]?
      var contexts: [NamedContext]?
      var currentContext: String?

      enum CodingKeys: String, CodingKey {
        case clusters, users, contexts
        case currentContext = "current-context"
      }
    }

    struct NamedCluster: Decodable {
      var name: String?
      var cluster: Cluster?
    }

    struct NamedUser: Decodable {
      var name: String?
      var user: User?
    }

    struct NamedContext: Decodable {
      var name: String?
      var context: Context?
    }

    struct Cluster: Decodable {
      var server: String?
      var tlsServerName: String?
      var insecureSkipTLSVerify: Bool?
      var certificateAuthority: String?
      var certificateAuthorityData: String?
      var proxyURL: String?

      enum CodingKeys: String, CodingKey {
        case server
        case tlsServerName = "tls-server-name"
        case insecureSkipTLSVerify = "insecure-skip-tls-verify"
        case certificateAuthority = "certificate-authority"
        case certificateAuthorityData = "certificate-authority-data"
        case proxyURL = "proxy-url"
      }
    }

    struct Context: Decodable {
      var cluster: String?
      var user: String?
      var namespace: String?
    }

    struct User: Decodable {
      var clientCertificate: String?
      var clientCertificateData: String?
      var clientKey: String?
      var clientKeyData: String?
      var token: String?
      var tokenFile: String?
      var username: String?
      var password: String?
      var impersonate: String?
      var impersonateUID: String?
      var impersonateGroups: [String]?
      var impersonateExtra: [String: [String]]?
      var exec: Exec?
      var authProvider: AuthProvider?

      enum CodingKeys: String, CodingKey {
        case clientCertificate = "client-certificate"
        case clientCertificateData = "client-certificate-data"
        case clientKey = "client-key"
        case clientKeyData = "client-key-data"
        case token, tokenFile, username, password
        case impersonate = "as"
        case impersonateUID = "as-uid"
        case impersonateGroups = "as-groups"
        case impersonateExtra = "as-user-extra"
        case exec
        case authProvider = "auth-provider"
      }
    }

    struct AuthProvider: Decodable {
      var name: String?
    }

    struct Exec: Decodable {
      struct Variable: Decodable {
        var name: String
        var value: String?
      }

      var apiVersion: String?
      var command: String?
      var args: [String]?
      var env: [Variable]?
      var installHint: String?
      var provideClusterInfo: Bool?
      var interactiveMode: String?
    }
  }
}

extension Kubeconfig.Document {
  /// Reads a file.
  static func read(_ file: String) throws(ConfigurationError) -> Self {
    try Self(parsing: ClientConfiguration.contents(of: file), file: file)
  }

  /// Reads a file's bytes: YAML or JSON.
  init(parsing bytes: [UInt8], file: String) throws(ConfigurationError) {
    let content = bytes.withUnsafeBufferPointer { bytes in
      Result { () throws(ConfigurationError) in try Self.content(of: bytes, file) }
    }
    self.init(file: file, content: try content.get())
  }

  private static func content(
    of bytes: UnsafeBufferPointer<UInt8>, _ file: String
  ) throws(ConfigurationError) -> Content {
    var transcoder = YAMLTranscoder(bytes)
    let document: YAMLTranscoder.Document?
    do {
      document = try transcoder.next()
    } catch {
      throw ConfigurationError(code: .syntax, source: "\(file):\(error.line)", message: error.message)
    }
    guard let document, document.json != Array("null".utf8) else { return Content() }
    let content = document.json.withUnsafeBufferPointer { json in
      Result { () throws(ManifestError) in
        var scanner = JSONScanner(json)
        let input = ManifestFragment.Input(source: file, json: json, yamlLine: document.line)
        return try ManifestFragment(of: input, passing: &scanner).decode(Content.self)
      }
    }
    do {
      return try content.get()
    } catch {
      throw ConfigurationError(code: .syntax, source: file, field: error.path, message: error.message)
    }
  }
}
