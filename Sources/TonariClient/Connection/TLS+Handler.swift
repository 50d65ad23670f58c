import NIOCore
import NIOSSL

extension SelectorClient.TLS {
  /// What secures a connection to a host. Throws where a file cannot be used.
  func handler(host: String) throws -> @Sendable (any Channel) throws -> Void {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    if let authority { configuration.trustRoots = .file(authority) }
    if let certificate, let key {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
      configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
    }
    let context = try NIOSSLContext(configuration: configuration)
    let name = serverName ?? host
    // A number is held against the addresses in the certificate.
    let isNumber = (try? SocketAddress(ipAddress: name, port: 0)) != nil
    return { channel in
      try channel.pipeline.syncOperations.addHandler(
        NIOSSLClientHandler(context: context, serverHostname: isNumber ? nil : name))
    }
  }
}
