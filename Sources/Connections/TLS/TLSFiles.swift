import NIOSSL

/// Where a server's certificates are.
package struct TLSFiles: Hashable, Sendable {
  /// The certificate chain, as PEM.
  package var certificate: String
  /// Its private key, as PEM.
  package var key: String
  /// The authorities that clients' certificates must come from, as PEM; nil to take any client.
  package var clientAuthority: String?

  /// Names the files.
  package init(certificate: String, key: String, clientAuthority: String? = nil) {
    self.certificate = certificate
    self.key = key
    self.clientAuthority = clientAuthority
  }

  /// Why certificates cannot be used.
  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which file, and what is wrong with it.
    package var description: String
  }

  /// All files.
  var paths: [String] { [certificate, key] + [clientAuthority].compactMap { $0 } }

  /// What is in the files.
  struct Contents {
    var override: NIOSSLContextConfigurationOverride
    var context: NIOSSLContext
  }

  /// Reads the files.
  func read(_ applicationProtocols: [String]) throws(Failure) -> Contents {
    func reading<Value>(_ path: String, _ read: () throws -> Value) throws(Failure) -> Value {
      do { return try read() } catch { throw Failure(description: "\(path): cannot be used: \(error)") }
    }
    let chain = try reading(certificate) { try NIOSSLCertificate.fromPEMFile(certificate) }
      .map { NIOSSLCertificateSource.certificate($0) }
    let privateKey = try reading(key) { try NIOSSLPrivateKey(file: key, format: .pem) }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain, privateKey: .privateKey(privateKey))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = applicationProtocols
    if let clientAuthority {
      let authorities = try reading(clientAuthority) { try NIOSSLCertificate.fromPEMFile(clientAuthority) }
      configuration.trustRoots = .certificates(authorities)
      configuration.certificateVerification = .noHostnameVerification
    }
    // The context is made whoever asks for it: that the key is the certificate's is checked there.
    let context = try reading("\(certificate), \(key)") { try NIOSSLContext(configuration: configuration) }
    var override = NIOSSLContextConfigurationOverride()
    override.certificateChain = chain
    override.privateKey = .privateKey(privateKey)
    return Contents(override: override, context: context)
  }
}
