package import Model
package import NIOCore
import NIOSSL
package import Selection
import SwiftASN1
import X509

/// Who is at the other end of a channel.
package struct ChannelCaller: Sendable {
  package var identity: Identity
  /// Its address; nil on a Unix socket.
  package var address: IPAddress?

  /// Looks at a channel, whose handshake is over where it has one.
  package init(_ channel: any Channel) {
    let peer: PeerAddress =
      switch channel.remoteAddress {
      case .unixDomainSocket?: .unix
      case let address?: address.ipAddress.flatMap { IPAddress($0.prefix { $0 != "%" }) }.map { .host($0) } ?? .unknown
      case nil: channel.localAddress.map { if case .unixDomainSocket = $0 { .unix } else { .unknown } } ?? .unknown
      }
    identity = peer.identity
    address = peer.host
    guard let handler = try? channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self),
      let certificate = handler.peerCertificate, let bytes = try? certificate.toDERBytes(),
      let names = try? Certificate(derEncoded: bytes).names
    else { return }
    identity = .certificate(names)
  }

  /// The caller with a number of its own.
  package func caller(owner: UInt32, _ policy: AccessPolicy) -> Caller {
    Caller(identity, address: address, owner: owner, policy: policy)
  }
}

extension Certificate {
  /// Its names that say who holds it: `spiffe://...` and `dns:...`.
  var names: [String] {
    guard let alternatives = try? extensions.subjectAlternativeNames else { return [] }
    return alternatives.compactMap { name in
      switch name {
      case .uniformResourceIdentifier(let uri): uri.hasPrefix("spiffe://") ? uri : nil
      case .dnsName(let name): "dns:" + name.lowercased()
      default: nil
      }
    }
  }
}
