/// Where an API server is, how it is known, and who we are to it.
public struct ClientConfiguration: Hashable, Sendable {
  /// Bytes that are given as they are, or by the file that has them and may change.
  public enum Material: Hashable, Sendable {
    /// The bytes.
    case data([UInt8])
    /// The path of the file.
    case file(String)
  }

  /// The server's URL, such as `https://10.0.0.1:6443`, perhaps with a path.
  public var server: String
  /// The authorities that vouch for the server, as PEM; nil for those that the system trusts.
  public var authorities: Material?
  /// The name that the server's certificate must bear; nil for the host of the URL.
  public var serverName: String?
  /// Whether the server's certificate is not looked at.
  public var skipsVerification = false
  /// The proxy as a URL (`http`, `https` or `socks5`); nil for what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
  public var proxy: String?
  /// Who we are to the server.
  public var credentials: Credentials
  /// The namespace for objects whose namespace is not given.
  public var namespace = "default"

  /// Makes a configuration.
  public init(server: String, authorities: Material? = nil, credentials: Credentials = Credentials()) {
    self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
    self.authorities = authorities
    self.credentials = credentials
  }
}

/// Who a client is to an API server. Of several ways that are given, all are shown.
public struct Credentials: Hashable, Sendable {
  /// Another user that the client acts as.
  public struct Impersonation: Hashable, Sendable {
    /// The user's name.
    public var user: String
    /// The user's identity.
    public var uid: String?
    /// The user's groups.
    public var groups: [String]
    /// What else is known of the user.
    public var extra: [String: [String]]

    /// Makes an impersonation.
    public init(user: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:]) {
      self.user = user
      self.uid = uid
      self.groups = groups
      self.extra = extra
    }
  }

  /// A certificate with its key.
  public struct Certificate: Hashable, Sendable {
    /// The certificate, as PEM.
    public var certificate: ClientConfiguration.Material
    /// The private key, as PEM.
    public var key: ClientConfiguration.Material

    /// Makes a certificate.
    public init(certificate: ClientConfiguration.Material, key: ClientConfiguration.Material) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// A bearer token: from a file it is read again as the file changes.
  public var token: ClientConfiguration.Material?
  /// The client's certificate.
  public var certificate: Certificate?
  /// Name and password, joined by a colon.
  public var password: String?
  /// A program that gives the token or the certificate.
  public var plugin: ExecPlugin?
  /// Another user that the client acts as.
  public var impersonation: Impersonation?

  /// Makes credentials; by default, none.
  public init(
    token: ClientConfiguration.Material? = nil, certificate: Certificate? = nil, plugin: ExecPlugin? = nil
  ) {
    self.token = token
    self.certificate = certificate
    self.plugin = plugin
  }
}
