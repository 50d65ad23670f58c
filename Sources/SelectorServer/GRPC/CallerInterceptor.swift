import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Model
package import Selection
import SelectorProtocol
import X509

/// Finds out who calls a method by gRPC, and lets through what they may call.
///
/// Who has a certificate is known by its names; who sends a token, by what its review says; others by where they call from.
/// A method that nothing is known of needs no right: its service checks for itself.
struct CallerInterceptor: ServerInterceptor {
  @TaskLocal private static var current: Caller?

  private let access: AccessPolicy
  private let pod: NodePod?
  private let tokens: (any TokenReviewing)?
  private let capabilities: [MethodDescriptor: Capability]

  /// - Parameters:
  ///   - pod: whose socket it is; nil for one that several share.
  ///   - capabilities: what is needed for methods that need one thing, whatever is asked.
  init(
    _ access: AccessPolicy, pod: NodePod? = nil, tokens: (any TokenReviewing)?,
    capabilities: [MethodDescriptor: Capability]
  ) {
    self.access = access
    self.pod = pod
    self.tokens = tokens
    self.capabilities = capabilities.merging(Self.capabilities) { one, _ in one }
  }

  /// Who calls the method that is being served.
  static var caller: Caller {
    get throws(RPCError) {
      guard let current else { throw RPCError(code: .internalError, message: "nobody knows who calls") }
      return current
    }
  }

  /// What methods of a selector need that answer everything or nothing.
  private static let capabilities: [MethodDescriptor: Capability] = [
    Tonari_Selector_V1_ReplicaSelector.Method.Exchange.descriptor: .exchange
  ]

  func intercept<Input: Sendable, Output: Sendable>(
    request: StreamingServerRequest<Input>, context: ServerContext,
    next: @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
  ) async throws -> StreamingServerResponse<Output> {
    let caller = try await caller(of: request.metadata, context)
    if let needed = capabilities[context.descriptor], !caller.rights.allows(needed) {
      throw RPCError(SelectorFault.denied(needed, caller))
    }
    return try await Self.$current.withValue(caller) { try await next(request, context) }
  }

  private func caller(of metadata: Metadata, _ context: ServerContext) async throws -> Caller {
    let peer = PeerAddress(grpc: context.remotePeer)
    var identity = pod.map { .pod($0.identity) } ?? peer.identity
    let transport = context.transportSpecific as? HTTP2ServerTransport.Posix.Context
    if let certificate = transport?.peerCertificate { identity = .certificate(certificate.names) }
    if let tokens, let authorization = metadata[stringValues: "authorization"].first(where: { _ in true }) {
      guard authorization.count > 7, authorization.prefix(7).lowercased() == "bearer " else {
        throw RPCError(code: .unauthenticated, message: "authorization: expected 'Bearer' and a token")
      }
      do {
        identity = .serviceAccount(try await tokens.review(String(authorization.dropFirst(7)), from: peer.host))
      } catch let fault as SelectorFault {
        throw RPCError(fault)
      }
    }
    return Caller(identity, address: peer.host, owner: 0, policy: access, pod: pod)
  }
}

/// Finds out whose a token is.
package protocol TokenReviewing: Sendable {
  /// The service account that a token is of. Throws ``SelectorFault`` where it is none, or nobody can say so at present.
  ///
  /// - Parameter peer: from where it came, so that one peer cannot use up what there is for all.
  func review(_ token: String, from peer: IPAddress?) async throws -> Identity.ServiceAccount
}

extension PeerAddress {
  /// Reads `ipv4:10.0.0.1:80`, `ipv6:[::1]:80` or `unix:...`, as grpc-swift writes a peer.
  init(grpc peer: String) {
    if peer.hasPrefix("unix:") {
      self = .unix
    } else if peer.hasPrefix("ipv4:") || peer.hasPrefix("ipv6:"), let colon = peer.lastIndex(of: ":") {
      let host = peer[peer.index(peer.startIndex, offsetBy: 5)..<max(colon, peer.index(peer.startIndex, offsetBy: 5))]
      self = IPAddress(host.prefix { $0 != "%" }).map { .host($0) } ?? .unknown
    } else {
      self = .unknown
    }
  }
}
