import Logging
import Monitoring
import NIOCore
import NIOSSL

/// Lets connections of gRPC in, and closes those whose clients cost more than they may. The transport has no limits of its
/// own for most of this; it offers a look at its channels, and that is where these stand.
struct HTTP2Guard: Sendable {
  private let gate: ConnectionGate
  private let bytes: Budget
  private let limits: HTTP2Meter.Limits
  private let logger: Logger

  init(_ gate: ConnectionGate, _ bytes: Budget, logger: Logger) {
    self.gate = gate
    self.bytes = bytes
    limits = HTTP2Meter.Limits()
    self.logger = logger
  }

  /// To be called with the channel that listens.
  func listen(_ channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(gate.listenerHandler(), position: .first)
    }
  }

  /// To be called with each connection.
  func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let peer = try gate.admit(channel)
      let handler = MeterHandler(HTTP2Meter(limits, at: MeterHandler.now), bytes, peer, logger)
      let pipeline = channel.pipeline.syncOperations
      if let tls = try? pipeline.handler(type: NIOSSLServerHandler.self) {
        try pipeline.addHandler(handler, position: .after(tls))
      } else {
        try pipeline.addHandler(handler, position: .first)
      }
    }
  }
}

/// Reads along what comes, before it is decoded.
private final class MeterHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  /// How long a client may take to say that it speaks HTTP/2.
  private static let handshake: Int64 = 10_000_000_000
  /// How long a client may take to close what is closed here.
  private static let linger = TimeAmount.seconds(1)
  /// How long a client may read nothing of what is there for it.
  private static let write: Int64 = 30_000_000_000

  private var meter: HTTP2Meter
  private let bytes: Budget
  private let peer: Peer
  private let logger: Logger
  private var counted = 0
  private var unwritableSince: Int64?
  private var timer: RepeatedTask?
  private var isLingering = false

  init(_ meter: HTTP2Meter, _ bytes: Budget, _ peer: Peer, _ logger: Logger) {
    self.meter = meter
    self.bytes = bytes
    self.peer = peer
    self.logger = logger
  }

  static var now: Int64 { Int64(clamping: NIODeadline.now().uptimeNanoseconds) }

  func handlerAdded(context: ChannelHandlerContext) {
    let begin = Self.now
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { task in
      let (handler, context) = bound.value
      let now = Self.now
      guard
        !handler.meter.isGreeted && now - begin > Self.handshake
          || handler.unwritableSince.map({ now - $0 > Self.write }) ?? false
      else { return }
      task.cancel()
      context.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isLingering else { return }
    let now = Self.now
    let fault = unwrapInboundIn(data).withUnsafeReadableBytes { meter.read($0, at: now) }
    if fault == nil, count() { return context.fireChannelRead(data) }
    logger.debug(
      "Closed a connection of gRPC",
      metadata: ["peer": "\(peer)", "reason": "\(fault?.rawValue ?? "there is no memory for its messages")"])
    end()
    context.close(promise: nil)
  }

  /// The transport holds flushes back for a moment; what it wrote before it closes would be lost, the last answers of a
  /// server that ends among it. And what comes meanwhile and is not read makes the system reset the connection, which takes
  /// away from the client what it has not read yet: so it is read and thrown away until the client closes, too.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    context.flush()
    guard mode == .all, !isLingering, context.channel.isActive, meter.isGreeted else {
      return context.close(mode: mode, promise: promise)
    }
    isLingering = true
    if let promise { context.channel.closeFuture.cascade(to: promise) }
    context.close(mode: .output, promise: nil)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: Self.linger) { bound.value.close(promise: nil) }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    unwritableSince = context.channel.isWritable ? nil : unwritableSince ?? Self.now
    context.fireChannelWritabilityChanged()
  }

  /// Counts what its messages hold. Answers whether they may.
  private func count() -> Bool {
    let more = meter.pending - counted
    guard more != 0 else { return true }
    if more > 0 {
      guard bytes.take(more, for: peer) else { return false }
    } else {
      bytes.give(-more, from: peer)
    }
    counted += more
    return true
  }

  private func end() {
    timer?.cancel()
    if counted > 0 { bytes.give(counted, from: peer) }
    counted = 0
  }
}
