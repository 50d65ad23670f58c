import NIOCore
import NIOPosix
import SelectorProtocol
import SwiftProtobuf
import Synchronization

/// A framed connection to a selector: requests go out in batches, answers come in any order.
///
/// All requests that are open when it ends fail.
final class SelectorConnection: Sendable {
  /// Why there is no answer.
  enum Failure: Error {
    /// The connection ended.
    case lost
    /// The answer did not come in time.
    case timedOut
    /// There are as many requests in flight as may be.
    case full
  }

  /// Somebody who waits for an answer.
  private struct Waiting {
    var answer: CheckedContinuation<Tonari_Selector_V1_Envelope, any Error>
    var asked: NIODeadline
    var deadline: NIODeadline
  }

  /// How often it is looked for answers that are overdue.
  private static let sweepInterval = TimeAmount.milliseconds(10)

  /// How long a selector has to hear the last of it.
  private static let finishLimit = TimeAmount.seconds(1)

  private struct State {
    var isOpen = true
    var nextID: UInt64 = 1
    var waiting: [UInt64: Waiting] = [:]
    var isSweepScheduled = false
    /// Frames to be sent with the next flush.
    var output = ByteBuffer()
    var isFlushScheduled = false
    /// When anything came in.
    var lastHeard = NIODeadline.now()
    var watches: [UInt64: @Sendable (Tonari_Selector_V1_WatchResponse) -> Void] = [:]
  }

  /// Tells this connection's picks from another's.
  let number: UInt64
  private let channel: any Channel
  private let mostInFlight: Int
  private let state = Mutex(State())

  private init(_ channel: any Channel, number: UInt64, mostInFlight: Int) {
    self.channel = channel
    self.number = number
    self.mostInFlight = mostInFlight
  }

  /// Connects. Throws what the system says against it.
  static func open(
    _ address: SelectorAddress, number: UInt64, timeout: Duration, longestMessage: Int, mostInFlight: Int,
    tls: SelectorClient.TLS, group: any EventLoopGroup
  ) async throws -> SelectorConnection {
    var secure: (@Sendable (any Channel) throws -> Void)?
    if case .tls(let host, _) = address.place { secure = try tls.handler(host: host) }
    let securing = secure
    let bootstrap = ClientBootstrap(group: group).connectTimeout(.init(timeout))
    let setUp: @Sendable (any Channel) -> EventLoopFuture<SelectorConnection> = { channel in
      channel.eventLoop.makeCompletedFuture {
        let connection = SelectorConnection(channel, number: number, mostInFlight: mostInFlight)
        try securing?(channel)
        try channel.pipeline.syncOperations.addHandlers([
          ByteToMessageHandler(FrameDecoder(longest: longestMessage)), EnvelopeHandler(connection: connection),
        ])
        channel.closeFuture.whenComplete { _ in connection.end() }
        return connection
      }
    }
    switch address.place {
    case .unix(let path):
      return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: setUp)
    case .tcp(let host, let port), .tls(let host, let port):
      // The system would take the last 16 bits of it.
      guard (1...65_535).contains(port) else {
        throw SelectorClientError(.invalidRequest, "address '\(address)': expected a port from 1 to 65535")
      }
      return try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .connect(host: host, port: port, channelInitializer: setUp)
    }
  }

  /// Waits until the connection has ended.
  func closed() async {
    try? await channel.closeFuture.get()
  }

  /// Ends the connection at once.
  func close() {
    end()
    channel.close(promise: nil)
  }

  /// Ends the connection once the selector has heard all that it was told: it closes when it has read that nothing more
  /// comes. Closing first would take away what it has not read yet.
  func finish() {
    end()
    channel.eventLoop.execute { [channel] in
      let limit = channel.eventLoop.scheduleTask(in: Self.finishLimit) { channel.close(promise: nil) }
      channel.closeFuture.whenComplete { _ in limit.cancel() }
      channel.close(mode: .output).whenFailure { _ in channel.close(promise: nil) }
    }
  }

  // MARK: Requests

  /// Asks and waits for the answer.
  ///
  /// Throws ``Failure``, or a `CancellationError` where the task is cancelled. An answer that comes in after that is
  /// dropped; where it is a pick, it is completed as cancelled.
  func ask(
    _ request: Tonari_Selector_V1_Envelope.OneOf_Message, timeout: Duration
  ) async throws -> Tonari_Selector_V1_Envelope {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
      return state.nextID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { answer in
        let now = NIODeadline.now()
        let waiting = Waiting(answer: answer, asked: now, deadline: now + TimeAmount(timeout))
        let (failure, mustSweep) = state.withLock { state -> ((any Error)?, Bool) in
          guard state.isOpen else { return (Failure.lost, false) }
          guard state.waiting.count < mostInFlight else { return (Failure.full, false) }
          if Task.isCancelled { return (CancellationError(), false) }
          state.waiting[id] = waiting
          defer { state.isSweepScheduled = true }
          return (nil, !state.isSweepScheduled)
        }
        if let failure { return answer.resume(throwing: failure) }
        send(id, request)
        if mustSweep { scheduleSweep() }
      }
    } onCancel: {
      let waiting = state.withLock { $0.waiting.removeValue(forKey: id) }
      waiting?.answer.resume(throwing: CancellationError())
    }
  }

  /// Tells without an answer. Where the connection has ended, nothing happens.
  func tell(_ request: Tonari_Selector_V1_Envelope.OneOf_Message) {
    send(0, request)
  }

  /// Watches services; what is told of them goes to `hear` until the connection ends.
  func watch(
    _ request: Tonari_Selector_V1_WatchRequest, _ hear: @escaping @Sendable (Tonari_Selector_V1_WatchResponse) -> Void
  ) {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
      state.watches[state.nextID] = hear
      return state.nextID
    }
    send(id, .watch(request))
  }

  private func send(_ id: UInt64, _ request: Tonari_Selector_V1_Envelope.OneOf_Message) {
    var envelope = Tonari_Selector_V1_Envelope()
    envelope.id = id
    envelope.message = request
    let mustFlush = state.withLock { state in
      // Serializing fails only for required fields and messages beyond 2 GB; there are none.
      guard state.isOpen, (try? state.output.writeFrame(envelope)) != nil, !state.isFlushScheduled else { return false }
      state.isFlushScheduled = true
      return true
    }
    // All that is asked until the event loop gets to it goes out at once.
    if mustFlush { channel.eventLoop.execute { self.flush() } }
  }

  private func flush() {
    let output = state.withLock { state in
      defer { state.output = ByteBuffer() }
      state.isFlushScheduled = false
      return state.output
    }
    channel.writeAndFlush(output, promise: nil)
  }

  private func scheduleSweep() {
    channel.eventLoop.scheduleTask(in: Self.sweepInterval) { self.sweep() }
  }

  /// Gives up on answers that are overdue.
  private func sweep() {
    let now = NIODeadline.now()
    let (overdue, isSilent, mustSweep) = state.withLock { state in
      let overdue = state.waiting.filter { $0.value.deadline <= now }
      for id in overdue.keys { state.waiting[id] = nil }
      state.isSweepScheduled = state.isOpen && !state.waiting.isEmpty
      return (overdue.values, overdue.values.contains { state.lastHeard < $0.asked }, state.isSweepScheduled)
    }
    for waiting in overdue { waiting.answer.resume(throwing: Failure.timedOut) }
    // Nothing at all came in since one of them asked: whoever is there answers nobody.
    if isSilent { close() } else if mustSweep { scheduleSweep() }
  }

  // MARK: Answers

  fileprivate func heard(_ envelope: Tonari_Selector_V1_Envelope) {
    let (waiting, watch) = state.withLock { state in
      state.lastHeard = .now()
      return (state.waiting.removeValue(forKey: envelope.id), state.watches[envelope.id])
    }
    if let waiting { return waiting.answer.resume(returning: envelope) }
    switch envelope.message {
    case .watched(let status): watch?(status)
    case .picked(let pick):
      // Whoever asked does not wait any more.
      tell(
        .complete(
          .with {
            $0.pickID = pick.pickID
            $0.outcome = .cancelled
          }))
    default: break
    }
  }

  fileprivate func end() {
    let waiting = state.withLock { state in
      defer {
        state.waiting = [:]
        state.watches = [:]
      }
      state.isOpen = false
      return state.waiting.values
    }
    for waiting in waiting { waiting.answer.resume(throwing: Failure.lost) }
  }
}

/// Hands messages to a connection.
private final class EnvelopeHandler: ChannelInboundHandler {
  typealias InboundIn = Tonari_Selector_V1_Envelope

  private let connection: SelectorConnection

  init(connection: SelectorConnection) {
    self.connection = connection
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    connection.heard(unwrapInboundIn(data))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

extension TimeAmount {
  /// As long as a duration, at least a nanosecond.
  init(_ duration: Duration) {
    let seconds = min(duration / .seconds(1), 1e9)
    // fits: a duration is no NaN, and is cut to less than 2⁶³ nanoseconds.
    self = .nanoseconds(max(1, Int64(seconds * 1e9)))
  }
}
