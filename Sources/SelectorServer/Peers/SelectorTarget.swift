import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Model
import Selection

/// A selector that is spoken to by gRPC.
package struct SelectorTarget: Hashable, Sendable, CustomStringConvertible {
  /// How the connection is secured.
  package struct Security: Hashable, Sendable {
    /// The authorities that vouch for the selector, as PEM.
    package var authority: String
    /// This side's certificate chain and key, as PEM, for selectors that want one; nil for none.
    package var certificate: String?
    /// The key of the certificate.
    package var key: String?

    /// Names the files.
    package init(authority: String, certificate: String? = nil, key: String? = nil) {
      self.authority = authority
      self.certificate = certificate
      self.key = key
    }
  }

  /// The host, by name or number.
  package var host: String
  /// The port.
  package var port: Int
  /// The name that the selector's certificate must have; nil for the host.
  package var serverName: String?
  /// How the connection is secured; nil for plain HTTP/2.
  package var security: Security?

  /// A file with a token for it, which is read anew for each call; nil for none.
  package var tokenFile: String?

  /// Names a selector.
  package init(
    host: String, port: Int, serverName: String? = nil, security: Security? = nil, tokenFile: String? = nil
  ) {
    self.host = host
    self.port = port
    self.serverName = serverName
    self.security = security
    self.tokenFile = tokenFile
  }

  /// `host:port`.
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// A connection that is made when it is first used.
  func transport() throws -> HTTP2ClientTransport.Posix {
    let target: any ResolvableTarget =
      if host.contains(":") {
        .ipv6(address: host, port: port)
      } else if host.allSatisfy({ $0.isNumber || $0 == "." }) {
        .ipv4(address: host, port: port)
      } else {
        .dns(host: host, port: port)
      }
    return try HTTP2ClientTransport.Posix(
      target: target, transportSecurity: transportSecurity,
      config: .defaults {
        // An address is no server name in TLS: a certificate for it is checked against where the connection leads.
        let name = serverName ?? host
        if security != nil, IPAddress(name) == nil { $0.http2.authority = name }
      })
  }

  /// What proves who calls it. Throws where the token cannot be read, or would travel in plain text to another machine.
  func credentials() throws -> Metadata {
    guard let tokenFile else { return [:] }
    guard security != nil || host == "localhost" || IPAddress(host)?.isLoopback == true else {
      throw RPCError(code: .failedPrecondition, message: "a token is not sent without TLS")
    }
    let text = try String(contentsOfFile: tokenFile, encoding: .utf8)
    return ["authorization": "Bearer \(text.trimmingCharacters(in: .whitespacesAndNewlines))"]
  }

  /// Who is there: with TLS whoever has the name that its certificate must have.
  func caller(owner: UInt32, _ access: AccessPolicy) -> Caller {
    let address = IPAddress(host)
    let unproven: Identity = address?.isLoopback == true || host == "localhost" ? .local : .anyone
    let identity: Identity = security == nil ? unproven : .certificate(["dns:" + (serverName ?? host).lowercased()])
    return Caller(identity, address: address, owner: owner, policy: access)
  }

  private var transportSecurity: HTTP2ClientTransport.Posix.TransportSecurity {
    guard let security else { return .plaintext }
    let roots = TLSConfig.TrustRootsSource.certificates([.file(path: security.authority, format: .pem)])
    guard let certificate = security.certificate, let key = security.key else {
      return .tls { $0.trustRoots = roots }
    }
    return .mTLS(
      certificateChain: [.file(path: certificate, format: .pem)], privateKey: .file(path: key, format: .pem)
    ) { $0.trustRoots = roots }
  }
}
