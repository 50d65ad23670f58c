import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Gives clients leave to send their bodies that wait for it (`Expect: 100-continue`): others wait for a second, for nothing.
/// A body that is too large is not asked for.
final class ContinueHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundOut = HTTPResponsePart

  private let largest: Int

  init(largest: Int) {
    self.largest = largest
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let request) = unwrapInboundIn(data), let expected = request.headerFields[.expect],
      expected.lowercased() == "100-continue",
      request.headerFields[.contentLength].flatMap({ Int($0) }).map({ $0 <= largest }) ?? true
    {
      context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }
    context.fireChannelRead(data)
  }
}
