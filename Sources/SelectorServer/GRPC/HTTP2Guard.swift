import Daemon
import Logging
import Model
import NIOCore
import NIOSSL

/// Lets connections of gRPC in, and closes those whose clients cost more than they may. The transport has no limits of its
/// own for most of this; it offers a look at its channels, and that is where these stand.
struct HTTP2Guard: Sendable {
  private let gate: ConnectionGate
  private let bytes: Budget
  private let limits: HTTP2Meter.Limits
  private let graceTime: TimeAmount
  private let logger: Logger

  /// Makes a guard.
  ///
  /// - Parameter graceTime: How long the end of the server waits for what a client asked.
  init(_ gate: ConnectionGate, _ bytes: Budget, graceTime: Duration, logger: Logger) {
    self.gate = gate
    self.bytes = bytes
    self.graceTime = .nanoseconds(graceTime.wholeNanoseconds)
    limits = HTTP2Meter.Limits()
    self.logger = logger
  }

  /// To be called with the channel that listens.
  func listen(_ channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      try channel.syncOptions?.setOption(.backlog, value: ConnectionGate.backlog)
      try channel.pipeline.syncOperations.addHandler(gate.listenerHandler(), position: .first)
    }
  }

  /// To be called with each connection.
  func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let peer = try gate.admit(channel)
      let handler = MeterHandler(HTTP2Meter(limits, at: MeterHandler.now), bytes, peer, graceTime, logger)
      let pipeline = channel.pipeline.syncOperations
      if let tls = try? pipeline.handler(type: NIOSSLServerHandler.self) {
        try pipeline.addHandler(handler, position: .after(tls))
      } else {
        try pipeline.addHandler(handler, position: .first)
      }
    }
  }
}

/// Reads along what comes, before it is decoded; and says to the client that the server ends, before the transport does.
private final class MeterHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// How long a client may take to say that it speaks HTTP/2.
  private static let handshake: Int64 = 10_000_000_000
  /// How long a client may take to close what is closed here.
  private static let linger = TimeAmount.seconds(1)
  /// How long a client may take to acknowledge that the server ends.
  private static let confirmation = TimeAmount.seconds(5)
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
  private let graceTime: TimeAmount
  private var ending = Ending.none
  private var deadline: Scheduled<Void>?

  /// How far the end has come; see ``userInboundEventTriggered(context:event:)``.
  private enum Ending: Equatable {
    /// Nobody said that the server ends.
    case none
    /// The client was told, and is to acknowledge a ping.
    case announced(ping: UInt64)
    /// The transport ends the connection when everything is answered.
    case confirmed
  }

  init(_ meter: HTTP2Meter, _ bytes: Budget, _ peer: Peer, _ graceTime: TimeAmount, _ logger: Logger) {
    self.meter = meter
    self.bytes = bytes
    self.peer = peer
    self.graceTime = graceTime
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
    if fault == nil, count() {
      context.fireChannelRead(data)
      return confirm(context)
    }
    logger.debug(
      "Closed a connection of gRPC",
      metadata: ["peer": "\(peer)", "reason": "\(fault?.rawValue ?? "there is no memory for its messages")"])
    end()
    context.close(promise: nil)
  }

  /// A server that ends tells its clients (GOAWAY), and has them acknowledge it (PING): requests may be on their way until
  /// then, and have to be taken. The transport takes none from its own word on: a request that crosses it is an error, and
  /// closes the connection where nothing else is open on it. So the client is told from here, and the transport hears that
  /// it ends once no more requests can come.
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard event is ChannelShouldQuiesceEvent, ending == .none, context.channel.isActive else {
      return context.fireUserInboundEventTriggered(event)
    }
    let ping = UInt64.random(in: .min ... .max)
    ending = .announced(ping: ping)
    var frames = context.channel.allocator.buffer(capacity: 34)
    // Streams up to the last there can be are taken; there was no error.
    frames.writeBytes([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0])
    frames.writeBytes([0, 0, 8, 6, 0, 0, 0, 0, 0])
    frames.writeInteger(ping)
    context.writeAndFlush(wrapOutboundOut(frames), promise: nil)
    // Whoever does not acknowledge reads no answers either.
    close(context, in: min(graceTime, Self.confirmation))
  }

  private func confirm(_ context: ChannelHandlerContext) {
    guard case .announced(let ping) = ending, meter.acknowledged == ping else { return }
    ending = .confirmed
    close(context, in: graceTime)
    context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
  }

  /// Closes the connection when a time is over, and not when the one before is.
  private func close(_ context: ChannelHandlerContext, in time: TimeAmount) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    deadline?.cancel()
    deadline = context.eventLoop.scheduleTask(in: time) {
      let (handler, context) = bound.value
      handler.close(context: context, mode: .all, promise: nil)
    }
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
    deadline?.cancel()
    if counted > 0 { bytes.give(counted, from: peer) }
    counted = 0
  }
}
