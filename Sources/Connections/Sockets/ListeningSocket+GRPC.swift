package import GRPCCore
package import GRPCNIOTransportHTTP2Posix
import ServiceLifecycle

extension ListeningSocket {
  /// Serves gRPC on the socket until a graceful shutdown or the task is cancelled; closes it, and takes its file away.
  ///
  /// - Parameters:
  ///   - router: what is served.
  ///   - security: TLS, or none.
  ///   - configuration: bounds.
  ///   - work: is done beside it, once it is served, and cancelled at its end.
  package func serve(
    _ router: RPCRouter<HTTP2ServerTransport.Posix>,
    security: HTTP2ServerTransport.Posix.TransportSecurity = .plaintext,
    configuration: HTTP2ServerTransport.Posix.Config, besides work: @escaping @Sendable () async throws -> Void = {}
  ) async throws {
    defer { removeFile() }
    // The transport closes the descriptor.
    let transport = HTTP2ServerTransport.Posix(
      listeningSocketDescriptor: Int(descriptor), transportSecurity: security, config: configuration)
    let server = GRPCServer(transport: transport, router: router)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        try await server.serve()
        return true
      }
      // A shutdown comes when it listens, and not before: SwiftNIO must not close a socket that it is about to register.
      if (try? await transport.listeningAddress) != nil {
        group.addTask {
          try await work()
          return false
        }
        group.addTask {
          try? await gracefulShutdown()
          removeFile()
          server.beginGracefulShutdown()
          return false
        }
      }
      while try await group.next() == false {}
    }
  }
}
