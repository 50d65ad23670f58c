package import Connections
package import Daemon
package import Logging
import Model
import NIOCore
import NIOPosix
import NIOSSL
package import Selection
import ServiceLifecycle
import Synchronization

/// Serves framed connections that are secured by TLS: the same messages as ``FramedServer``, of the same processor, on
/// channels of NIO.
package final class FramedTLSServer: Service {
  private let dispatcher: Dispatcher
  private let addresses: [FramedAddress]
  private let tls: TLSFiles
  private let options: FramedOptions
  private let board: WatchBoard
  private let logger: Logger
  private let onListening: @Sendable ([FramedAddress]) -> Void
  private let gate: ConnectionGate
  private let bytes: Budget
  private let counted = Mutex(FramedStatistics())

  /// Makes a server that does not listen yet.
  ///
  /// - Parameters:
  ///   - addresses: where to listen, each as `tls:host:port`.
  ///   - board: what watchers are told; nil for one of its own.
  ///   - ledger: who holds which connections, where other servers share it; nil for what the options say.
  ///   - tls: certificate, key and authority of clients; the first two are read again when they change.
  ///   - onListening: is told where once it listens, with the ports that were free for those asked for as 0.
  package init(
    _ dispatcher: Dispatcher, addresses: [FramedAddress], tls: TLSFiles, options: FramedOptions = FramedOptions(),
    board: WatchBoard? = nil, ledger: ConnectionLedger? = nil,
    logger: Logger = Logger(label: "tonari.selector.framed"),
    onListening: @escaping @Sendable ([FramedAddress]) -> Void = { _ in }
  ) {
    gate = ConnectionGate(ledger ?? options.ledger(), name: "framed")
    bytes = Budget("framed_tls_bytes", total: options.mostHeldBytes, perPeer: options.mostHeldBytesOfPeer)
    self.dispatcher = dispatcher
    self.addresses = addresses
    self.tls = tls
    self.options = options
    self.board = board ?? WatchBoard(dispatcher)
    self.logger = logger
    self.onListening = onListening
  }

  /// Shows in metrics what peers hold, and what was refused.
  package func register(in registry: MetricsRegistry) { registry.watch(bytes, of: "selector") }

  /// What it did since it started.
  package var statistics: FramedStatistics { counted.withLock { $0 } }

  /// Serves until a graceful shutdown or its task is cancelled. Throws where it cannot listen, or `TLSFiles.Failure` where
  /// the certificates cannot be used.
  package func run() async throws {
    let certificates = try ReloadingCertificates(tls, logger: logger)
    let group = MultiThreadedEventLoopGroup.singleton
    let desks = FrameDesks(dispatcher, options, board)
    var listeners: [any Channel] = []
    do {
      for address in addresses { listeners.append(try await listen(on: address, group, certificates, desks)) }
    } catch {
      for listener in listeners { listener.close(promise: nil) }
      throw error
    }
    let found = zip(addresses, listeners).map { address, channel -> FramedAddress in
      .tls(address.host ?? "", UInt16(clamping: channel.localAddress?.port ?? 0))
    }
    onListening(found)
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try? await certificates.run() }
      try? await gracefulShutdown()
      tasks.cancelAll()
    }
    for listener in listeners { try? await listener.close() }
    // What has arrived is answered; then the connections end.
    desks.end()
  }

  private func listen(
    on address: FramedAddress, _ group: MultiThreadedEventLoopGroup, _ certificates: ReloadingCertificates,
    _ desks: FrameDesks
  ) async throws -> any Channel {
    guard case .tls(let host, let port) = address.kind else {
      throw FramedError(.invalidAddress, "\(address): expected tls:host:port")
    }
    return try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: ConnectionGate.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { [gate] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(gate.listenerHandler())
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 4)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let peer: Peer
          do {
            peer = try self.gate.admit(channel)
          } catch {
            self.count { $0.refusedConnections &+= 1 }
            throw error
          }
          self.count {
            $0.connections &+= 1
            $0.openConnections += 1
          }
          channel.closeFuture.whenComplete { _ in self.count { $0.openConnections -= 1 } }
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(NIOSSLServerHandler(context: certificates.context))
          try pipeline.addHandler(
            FramedChannel(desks.desk(of: channel.eventLoop), peer, self.bytes, self.count, self.logger))
        }
      }
      .bind(host: host, port: Int(port)).get()
  }

  private func count(_ change: (inout FramedStatistics) -> Void) { counted.withLock { change(&$0) } }
}

/// What all connections of one event loop share: a processor and memory for answers.
final class FrameDesk {
  let dispatcher: Dispatcher
  let options: FramedOptions
  var processor: FrameProcessor
  var output = OutputBuffer(capacity: 0)
  /// Connections that are to be ended with the server, or when they take too long.
  fileprivate var channels: [ObjectIdentifier: FramedChannel] = [:]
  /// Looks for those.
  fileprivate var sweeping: RepeatedTask?

  init(_ dispatcher: Dispatcher, _ options: FramedOptions, _ board: WatchBoard) {
    self.dispatcher = dispatcher
    self.options = options
    processor = FrameProcessor(dispatcher, options, board: board)
  }
}

/// The desks of event loops.
private final class FrameDesks: Sendable {
  private let dispatcher: Dispatcher
  private let options: FramedOptions
  private let board: WatchBoard
  private let desks = Mutex<[ObjectIdentifier: NIOLoopBound<FrameDesk>]>([:])

  init(_ dispatcher: Dispatcher, _ options: FramedOptions, _ board: WatchBoard) {
    (self.dispatcher, self.options, self.board) = (dispatcher, options, board)
  }

  /// The desk of the event loop that this is called on.
  func desk(of loop: any EventLoop) -> FrameDesk {
    desks.withLock { desks in
      if let desk = desks[ObjectIdentifier(loop)] { return desk }
      let desk = NIOLoopBound(FrameDesk(dispatcher, options, board), eventLoop: loop)
      desk.value.sweeping = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
        let now = Moment.now
        for channel in desk.value.channels.values { channel.closeIfLate(at: now) }
      }
      desks[ObjectIdentifier(loop)] = desk
      return desk
    }.value
  }

  /// Ends all connections.
  func end() {
    for desk in desks.withLock({ Array($0.values) }) {
      desk.eventLoop.execute {
        desk.value.sweeping?.cancel()
        for channel in desk.value.channels.values { channel.close() }
      }
    }
  }
}

/// A framed connection on a channel.
private final class FramedChannel: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let desk: FrameDesk
  private let count: ((inout FramedStatistics) -> Void) -> Void
  private let logger: Logger
  /// Behind a reference, as what cannot be copied does not go in and out of an optional.
  private final class Asker {
    var session: FrameSession

    init(_ caller: Caller, _ peer: Peer) { session = FrameSession(caller, peer: peer) }
  }

  private var peer: Asker?
  /// What is read and not answered.
  private var rest = ByteBuffer()
  private var watching: Scheduled<Void>?
  /// Who holds the connection, and how many bytes of what came are counted for it.
  private let holder: Peer
  private let bytes: Budget
  private var counted = 0
  private var channel: (any Channel)?
  /// When the handshake, or the message that is not complete, began; nil where there is none.
  private var waitsSince: Moment? = .now
  /// Since when the peer reads nothing of what is there for it; nil where it does.
  private var blockedSince: Moment?
  private var lastMessage = Moment.now

  init(
    _ desk: FrameDesk, _ holder: Peer, _ bytes: Budget,
    _ count: @escaping ((inout FramedStatistics) -> Void) -> Void, _ logger: Logger
  ) {
    (self.desk, self.holder, self.bytes, self.count, self.logger) = (desk, holder, bytes, count, logger)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    channel = context.channel
    desk.channels[ObjectIdentifier(context.channel)] = self
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    desk.channels[ObjectIdentifier(context.channel)] = nil
    bytes.give(counted, from: holder)
    counted = 0
    channel = nil
  }

  func close() { channel?.close(promise: nil) }

  /// Closes a connection that takes too long for its handshake, to send a message, to read, or to do anything at all.
  func closeIfLate(at now: Moment) {
    func isOver(_ since: Moment?, _ limit: Duration) -> Bool {
      since.map { now.nanoseconds - $0.nanoseconds > limit.wholeNanoseconds } ?? false
    }
    let isWatching = peer?.session.watches.isEmpty == false
    guard
      blockedSince == nil && isOver(waitsSince, desk.options.messageTimeout)
        || isOver(blockedSince, desk.options.writeTimeout)
        || !isWatching && isOver(lastMessage, desk.options.idleTimeout)
    else { return }
    count { $0.timedOut &+= 1 }
    close()
  }

  /// Counts what is held of what came. Answers false where the peer may not hold so much.
  private func countHeld() -> Bool {
    let held = rest.readableBytes > 4096 ? rest.readableBytes : 0
    if held < counted {
      bytes.give(counted - held, from: holder)
    } else if held > counted, !bytes.take(held - counted, for: holder) {
      count { $0.overfull &+= 1 }
      return false
    }
    counted = held
    return true
  }

  func channelInactive(context: ChannelHandlerContext) {
    watching?.cancel()
    if let peer, !peer.session.picked.isEmpty || peer.session.hasRegistered {
      desk.dispatcher.abandon(owner: peer.session.caller.owner, of: peer.session.picked, at: .now)
    }
    peer = nil
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    rest.writeBuffer(&bytes)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    answer(context)
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    // Whoever does not read the answers is not read from.
    blockedSince = context.channel.isWritable ? nil : .now
    context.channel.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
    if context.channel.isWritable { answer(context) }
    context.fireChannelWritabilityChanged()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  /// Answers frames until they are used up or the peer does not read the answers.
  private func answer(_ context: ChannelHandlerContext) {
    if peer == nil {
      guard rest.readableBytes > 0, context.channel.isActive else { return }
      // The first bytes come after the handshake, which tells who is there.
      let caller = ChannelCaller(context.channel)
      peer = Asker(
        caller.caller(owner: desk.dispatcher.newOwner(), desk.options.access),
        Peer("framed \(caller.address.map(\.description) ?? "unknown")"))
    }
    let now = Moment.now
    while context.channel.isWritable, rest.readableBytes > 0, let peer {
      let progress = rest.withUnsafeReadableBytes {
        desk.processor.process($0, of: &peer.session, into: &desk.output, at: now)
      }
      rest.moveReaderIndex(forwardBy: progress.consumed)
      if progress.consumed > 0 { waitsSince = nil }
      let written = desk.output.count
      count {
        $0.frames &+= UInt64(clamping: progress.frames)
        $0.picks &+= UInt64(clamping: progress.picks)
        $0.bytesRead &+= UInt64(clamping: progress.consumed)
        $0.bytesWritten &+= UInt64(written)
        if progress.fault != nil { $0.malformed &+= 1 }
      }
      let isMore = written >= FrameProcessor.enoughOutput
      send(context)
      if let fault = progress.fault {
        logger.debug("closed a connection", metadata: ["reason": "\(fault)"])
        return context.close(promise: nil)
      }
      if !isMore { break }
    }
    rest.discardReadBytes()
    lastMessage = now
    waitsSince = rest.readableBytes == 0 ? nil : waitsSince ?? now
    guard countHeld() else { return context.close(promise: nil) }
    scheduleWatches(context, at: now)
  }

  private func send(_ context: ChannelHandlerContext) {
    guard desk.output.count > 0 else { return }
    var buffer = context.channel.allocator.buffer(capacity: desk.output.count)
    buffer.writeBytes(desk.output.bytes)
    desk.output.removeAll()
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func scheduleWatches(_ context: ChannelHandlerContext, at now: Moment) {
    guard watching == nil, peer?.session.watches.isEmpty == false else { return }
    watch(context, after: .zero)
  }

  private func watch(_ context: ChannelHandlerContext, after wait: TimeAmount) {
    watching = context.eventLoop.assumeIsolated().scheduleTask(in: wait) { [self] in
      guard let peer else { return }
      let now = Moment.now
      // Whoever does not read is told later, and then the latest.
      guard context.channel.isWritable else { return watch(context, after: .milliseconds(100)) }
      let next = desk.processor.answerWatches(of: &peer.session, into: &desk.output, at: now)
      send(context)
      watching = nil
      if let next { watch(context, after: .nanoseconds(max(1_000_000, next.nanoseconds - now.nanoseconds))) }
    }
  }
}
