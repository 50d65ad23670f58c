import Model
package import NIOCore

/// Closes connections of HTTP/1 whose requests do not come in, or whose answers are not taken: a head has some seconds, a
/// body a least rate, and who is silent, or does not read, is not waited for.
///
/// Two handlers of a channel share it: one sees bytes, before they are decoded, and one what they are.
package final class RequestClock {
  /// How long is waited for what.
  package struct Limits: Hashable, Sendable {
    /// For a whole head, from its first byte on.
    package var head = Duration.seconds(10)
    /// For a whole body, from its head on.
    package var body = Duration.seconds(30)
    /// For a body before its rate counts.
    package var bodyGrace = Duration.seconds(3)
    /// What of a body must come each second, in bytes.
    package var leastRate = 4096
    /// For a request, where there is none.
    package var idle = Duration.seconds(120)
    /// For an answer to be taken, while nothing of it is.
    package var write = Duration.seconds(15)
    /// For what is coming in when the daemon ends.
    package var end = Duration.seconds(2)

    /// The usual limits.
    package init() {}
  }

  /// What a part of a request is.
  package enum Part: Sendable {
    /// The head.
    case head
    /// Some of the body.
    case body
    /// The end of the body.
    case end
  }

  private enum State {
    case idle(since: NIODeadline)
    case head(since: NIODeadline)
    case body(since: NIODeadline, bytes: Int)
  }

  private let limits: Limits
  private var state = State.idle(since: .now())
  private var unwritableSince: NIODeadline?
  private var endingSince: NIODeadline?

  private init(_ limits: Limits) {
    self.limits = limits
  }

  /// A handler to be added where requests are decoded; it adds the one that sees bytes at the front by itself.
  ///
  /// - Parameter classify: tells what a part is.
  package static func handler<RequestPart: Sendable>(
    _ limits: Limits, classify: @escaping @Sendable (RequestPart) -> Part
  ) -> any ChannelHandler & RemovableChannelHandler {
    PartClock(RequestClock(limits), classify)
  }

  fileprivate func note(bytes: Int) {
    switch state {
    case .idle: state = .head(since: .now())
    case .head: break
    case .body(let since, let count): state = .body(since: since, bytes: count + bytes)
    }
  }

  fileprivate func note(_ part: Part) {
    switch part {
    case .head: state = .body(since: .now(), bytes: 0)
    case .body: break
    case .end: state = .idle(since: .now())
    }
  }

  fileprivate func noteWrite(isWritable: Bool) {
    if case .idle = state { state = .idle(since: .now()) }
    unwritableSince = isWritable ? nil : unwritableSince ?? .now()
  }

  fileprivate func noteEnd() { endingSince = endingSince ?? .now() }

  /// Whether the connection has had its time.
  fileprivate var isOver: Bool {
    let now = NIODeadline.now()
    func passed(_ since: NIODeadline, _ limit: Duration) -> Bool {
      now - since > .nanoseconds(limit.wholeNanoseconds)
    }
    if let unwritableSince, passed(unwritableSince, limits.write) { return true }
    switch state {
    case .idle(let since): return passed(since, limits.idle)
    case .head(let since): return passed(since, limits.head) || endingSince.map { passed($0, limits.end) } ?? false
    case .body(let since, let bytes):
      if passed(since, limits.body) || endingSince.map({ passed($0, limits.end) }) ?? false { return true }
      guard passed(since, limits.bodyGrace) else { return false }
      let seconds = Double((now - since).nanoseconds) * 1e-9
      return Double(bytes) < seconds * Double(limits.leastRate)
    }
  }
}

/// Sees bytes, and the time.
private final class ByteClock: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private let clock: RequestClock
  private var timer: RepeatedTask?

  init(_ clock: RequestClock) {
    self.clock = clock
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound((clock, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleRepeatedTask(initialDelay: .milliseconds(500), delay: .milliseconds(500)) {
      task in
      let (clock, context) = bound.value
      guard clock.isOver else { return }
      task.cancel()
      context.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    clock.note(bytes: unwrapInboundIn(data).readableBytes)
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    clock.noteWrite(isWritable: context.channel.isWritable)
    context.write(data, promise: promise)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    clock.noteWrite(isWritable: context.channel.isWritable)
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent { clock.noteEnd() }
    context.fireUserInboundEventTriggered(event)
  }
}

/// Sees what the bytes are.
private final class PartClock<RequestPart: Sendable>: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = RequestPart

  private let clock: RequestClock
  private let classify: @Sendable (RequestPart) -> RequestClock.Part

  init(_ clock: RequestClock, _ classify: @escaping @Sendable (RequestPart) -> RequestClock.Part) {
    self.clock = clock
    self.classify = classify
  }

  func handlerAdded(context: ChannelHandlerContext) {
    do {
      try context.pipeline.syncOperations.addHandler(ByteClock(clock), position: .first)
    } catch {
      context.close(promise: nil)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    clock.note(classify(unwrapInboundIn(data)))
    context.fireChannelRead(data)
  }
}
