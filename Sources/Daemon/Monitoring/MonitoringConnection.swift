import Dispatch
import NIOCore
import NIOHTTP1
import Synchronization

/// Answers one connection's requests for health and metrics. What takes long is worked out on a queue beside the event
/// loop, for all that ask at a time once.
final class MonitoringConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// A request with a body of more bytes is not read to its end.
  private static let mostBody = 1 << 16

  private let routes: HealthRoutes
  private let press: AnswerPress
  private var head: HTTPRequestHead?
  private var body = 0

  init(_ routes: HealthRoutes, _ press: AnswerPress) {
    self.routes = routes
    self.press = press
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): (self.head, body) = (head, 0)
    case .body(let bytes):
      body += bytes.readableBytes
      if body > Self.mostBody { context.close(promise: nil) }
    case .end:
      guard let head else { return }
      self.head = nil
      answer(head, context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let path = String(head.uri.prefix { $0 != "?" })
    guard head.method == .GET || head.method == .HEAD else {
      return write(HealthAnswer("only GET is answered here\n", status: 405), to: head, context)
    }
    if let answer = routes.quickAnswer(path) { return write(answer, to: head, context) }
    guard routes.contains(path) else { return write(HealthAnswer("not found\n", status: 404), to: head, context) }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    press.answer(path, routes, on: context.eventLoop).whenSuccess { answer in
      let (connection, context) = bound.value
      connection.write(answer, to: head, context)
    }
  }

  private func write(_ answer: HealthAnswer, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard context.channel.isActive else { return }
    var head = HTTPResponseHead(version: request.version, status: HTTPResponseStatus(statusCode: answer.status))
    head.headers.add(name: "content-type", value: answer.type)
    head.headers.add(name: "content-length", value: "\(answer.text.utf8.count)")
    if !request.isKeepAlive { head.headers.add(name: "connection", value: "close") }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request.method == .GET {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.text)))), promise: nil)
    }
    let end = context.writeAndFlush(wrapOutboundOut(.end(nil)))
    guard !request.isKeepAlive else { return }
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    end.whenComplete { _ in bound.value.close(promise: nil) }
  }
}

/// Works answers out on a queue of its own, one after the other; who asks for what another is about to be answered shares
/// that answer.
final class AnswerPress: Sendable {
  private let queue = DispatchQueue(label: "tonari.monitoring")
  private let waiting = Mutex<[String: [EventLoopPromise<HealthAnswer>]]>([:])

  /// The answer for a path, later.
  func answer(_ path: String, _ routes: HealthRoutes, on eventLoop: any EventLoop) -> EventLoopFuture<HealthAnswer> {
    let promise = eventLoop.makePromise(of: HealthAnswer.self)
    let isFirst = waiting.withLock { waiting in
      waiting[path, default: []].append(promise)
      return waiting[path]?.count == 1
    }
    if isFirst {
      queue.async { [self] in
        // Who asks from here on wants what is newer than this.
        let promises = waiting.withLock { $0.removeValue(forKey: path) ?? [] }
        let answer = routes.slowAnswer(path) ?? HealthAnswer("not found\n", status: 404)
        for promise in promises { promise.succeed(answer) }
      }
    }
    return promise.futureResult
  }
}
