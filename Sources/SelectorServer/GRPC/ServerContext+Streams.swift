package import GRPCCore
import ServiceLifecycle

extension ServerContext {
  /// Serves a stream until its work is done, its client has gone, its deadline is over or the server ends.
  package func serve(_ work: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await work() }
      group.addTask {
        try await cancellation.cancelled
        throw RPCError.endedByTransport
      }
      group.addTask {
        try await gracefulShutdown()
        throw RPCError.ending
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}

extension ServerContext {
  /// Whether nobody waits for the answer any more: the client has gone, or its deadline is over. A server that ends answers
  /// what it was asked.
  var isOver: Bool { cancellation.isCancelled && !Task.isShuttingDownGracefully }
}

extension RPCError {
  static let ending = RPCError(code: .unavailable, message: "this selector ends")
  /// What a request whose cancellation handle has fired is answered: its server ends, or its deadline is over. A client
  /// that has gone hears nothing.
  static var endedByTransport: RPCError {
    Task.isShuttingDownGracefully
      ? ending : RPCError(code: .deadlineExceeded, message: "the deadline of the request is over")
  }

  /// The status of a fault, and when to try again (gRFC A6).
  init(_ fault: SelectorFault) {
    let code = Status.Code(rawValue: Int(clamping: fault.code.number)).flatMap { RPCError.Code($0) }
    let wait = fault.retryAfterMilliseconds
    self.init(
      code: code ?? .unknown, message: fault.message, metadata: wait > 0 ? ["grpc-retry-pushback-ms": "\(wait)"] : [:])
  }
}

extension String {
  /// The host of a peer as gRPC writes it, such as `ipv4:10.0.0.1:4711`: its ports are many.
  var host: String {
    hasPrefix("ipv") ? lastIndex(of: ":").map { String(self[..<$0]) } ?? self : self
  }
}
