/// Where an API server is, how it is known, and who we are to it.
package struct ClientConfiguration: Hashable, Sendable {
  /// Bytes that are given as they are, or by the file that has them and may change.
  package enum Material: Hashable, Sendable {
    /// The bytes.
    case data([UInt8])
    /// The path of the file.
    case file(String)
  }

  /// The server's URL, such as `https://10.0.0.1:6443`, perhaps with a path.
  package var server: String
  /// The authorities that vouch for the server, as PEM; nil for those that the system trusts.
  package var authorities: Material?
  /// The name that the server's certificate must bear; nil for the host of the URL.
  package var serverName: String?
  /// Whether the server's certificate is not looked at.
  package var skipsVerification = false
  /// The proxy as a URL (`http`, `https` or `socks5`); nil for what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
  package var proxy: String?
  /// Who we are to the server.
  package var credentials: Credentials
  /// The namespace for objects whose namespace is not given.
  package var namespace = "default"

  /// Makes a configuration.
  package init(server: String, authorities: Material? = nil, credentials: Credentials = Credentials()) {
    self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
    self.authorities = authorities
    self.credentials = credentials
  }
}

/// Who a client is to an API server. Of several ways that are given, all are shown.
package struct Credentials: Hashable, Sendable {
  /// Another user that the client acts as.
  package struct Impersonation: Hashable, Sendable {
    /// The user's name.
    package var user: String
    /// The user's identity.
    package var uid: String?
    /// The user's groups.
    package var groups: [String]
    /// What else is known of the user.
    package var extra: [String: [String]]

    /// Makes an impersonation.
    package init(user: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:]) {
      self.user = user
      self.uid = uid
      self.groups = groups
      self.extra = extra
    }
  }

  /// A certificate with its key.
  package struct Certificate: Hashable, Sendable {
    /// The certificate, as PEM.
    package var certificate: ClientConfiguration.Material
    /// The private key, as PEM.
    package var key: ClientConfiguration.Material

    /// Makes a certificate.
    package init(certificate: ClientConfiguration.Material, key: ClientConfiguration.Material) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// A bearer token: from a file it is read again as the file changes.
  package var token: ClientConfiguration.Material?
  /// The client's certificate.
  package var certificate: Certificate?
  /// Name and password, joined by a colon.
  package var password: String?
  /// A program that gives the token or the certificate.
  package var plugin: ExecPlugin?
  /// Another user that the client acts as.
  package var impersonation: Impersonation?

  /// Makes credentials; by default, none.
  package init(
    token: ClientConfiguration.Material? = nil, certificate: Certificate? = nil, plugin: ExecPlugin? = nil
  ) {
    self.token = token
    self.certificate = certificate
    self.plugin = plugin
  }
}
