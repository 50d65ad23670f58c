import Connections
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// TLS with whatever certificates there are when a connection comes in.
struct ReloadingTLSChannel<Base: ServerChildChannel>: ServerChildChannel {
  private let base: Base
  private let certificates: ReloadingCertificates

  init(_ base: Base, _ certificates: ReloadingCertificates) {
    self.base = base
    self.certificates = certificates
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificates.context))
    }.flatMap {
      base.setup(channel: channel, logger: logger)
    }
  }

  func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}
