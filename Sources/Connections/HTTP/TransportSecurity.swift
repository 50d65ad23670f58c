/// How a server is known, and how a client shows it who it is: TLS.
package struct TransportSecurity: Hashable, Sendable {
  /// A certificate with its key.
  package struct Identity: Hashable, Sendable {
    /// The certificate, and those between it and the authority, as PEM.
    package var certificate: [UInt8]
    /// The private key as PEM.
    package var key: [UInt8]

    /// Makes an identity.
    package init(certificate: [UInt8], key: [UInt8]) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// The authorities that are trusted, as PEM; nil for those that the system trusts.
  package var authorities: [UInt8]?
  /// The name that the server's certificate must bear; nil for the host of the URL.
  package var serverName: String?
  /// Whether the server's certificate is not looked at.
  package var skipsVerification: Bool
  /// The client's certificate.
  package var identity: Identity?

  /// Makes settings; by default, those of a browser.
  package init(
    authorities: [UInt8]? = nil, serverName: String? = nil, skipsVerification: Bool = false, identity: Identity? = nil
  ) {
    self.authorities = authorities
    self.serverName = serverName
    self.skipsVerification = skipsVerification
    self.identity = identity
  }
}
