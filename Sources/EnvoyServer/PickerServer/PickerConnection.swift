import Dispatching
import EnvoyProtocol
import GRPCCore
import Monitoring
import NIOCore
import NIOExtras
import NIOHPACK
import NIOHTTP2
import Selection
import SelectorProtocol
import SelectorServer
import SwiftProtobuf

/// A connection of a ``PickerServer``: the frames of all its streams, one after the other, without a task or a channel for
/// each. What arrived together is answered together.
final class PickerConnection: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame
  typealias OutboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  /// How much a peer may send on a connection, and on a stream, before it is told that it may send more.
  static let connectionWindow = 16 << 20
  static let streamWindow = 1 << 20
  private static let firstConnectionWindow = 65_535

  private static let head = HPACKHeaders([(":status", "200"), ("content-type", "application/grpc")])

  private let picker: PickerAnswers
  private var streams: [HTTP2StreamID: PickerStream] = [:]
  /// Bytes that were received since the peer was last told that it may send more.
  private var received = 0
  private var lastStream = HTTP2StreamID.rootStream
  private var isEnding = false
  private var isDirty = false

  init(_ picker: PickerAnswers) {
    self.picker = picker
  }

  func channelActive(context: ChannelHandlerContext) {
    context.fireChannelActive()
    write(
      .windowUpdate(windowSizeIncrement: Self.connectionWindow - Self.firstConnectionWindow), on: .rootStream, context)
    context.flush()
  }

  func channelInactive(context: ChannelHandlerContext) {
    let now = picker.now()
    for id in Array(streams.keys) { streams[id]?.end(at: now) }
    streams = [:]
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.payload {
    case .headers(let headers):
      if streams[frame.streamID] == nil { begin(frame.streamID, headers.headers, context) }
      if headers.endStream { finish(frame.streamID, nil, context) }
    case .data(let data):
      note(received: data.data.readableBytes + (data.paddingBytes.map { $0 + 1 } ?? 0), on: frame.streamID, context)
      if case .byteBuffer(let bytes) = data.data { take(bytes, on: frame.streamID, context) }
      if data.endStream { finish(frame.streamID, nil, context) }
    case .rstStream: forget(frame.streamID, context)
    default: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if isDirty {
      isDirty = false
      context.flush()
    }
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    // Whoever does not read the answers is not read from.
    context.channel.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let closed = event as? StreamClosedEvent { forget(closed.streamID, context) }
    if event is ChannelShouldQuiesceEvent {
      isEnding = true
      write(.goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil), on: .rootStream, context)
      context.flush()
      closeIfDone(context)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // An error of one stream: the handler below has reset it, and says so.
    guard error is NIOHTTP2Errors.StreamError else {
      context.close(promise: nil)
      return
    }
  }
}

// MARK: - Streams

extension PickerConnection {
  private func begin(_ id: HTTP2StreamID, _ headers: HPACKHeaders, _ context: ChannelHandlerContext) {
    lastStream = max(lastStream, id)
    // Trailers of a stream that was answered already have none.
    guard let path = headers.first(name: ":path") else { return }
    switch path {
    case "/envoy.service.ext_proc.v3.ExternalProcessor/Process":
      streams[id] = PickerStream(.process(picker.exchange(PickerHints(headers))))
    case "/grpc.health.v1.Health/Check": streams[id] = PickerStream(.checkHealth)
    default:
      streams[id] = PickerStream(.checkHealth)
      finish(id, RPCError(code: .unimplemented, message: "\(path.prefix(200)) is not served here"), context)
    }
  }

  private func take(_ bytes: ByteBuffer, on id: HTTP2StreamID, _ context: ChannelHandlerContext) {
    guard var stream = streams[id] else { return }
    // Not two of them, or what changes would be copied.
    streams[id] = nil
    do throws(RPCError) {
      try stream.take(bytes, longest: PickerServer.longestMessage) { stream, message throws(RPCError) in
        guard let answer = try picker.answer(message, of: &stream) else { return }
        write(answer, of: &stream, on: id, context)
      }
      streams[id] = stream
    } catch {
      streams[id] = stream
      finish(id, error, context)
    }
  }

  private func write(
    _ message: any SwiftProtobuf.Message, of stream: inout PickerStream, on id: HTTP2StreamID,
    _ context: ChannelHandlerContext
  ) {
    guard let bytes: [UInt8] = try? message.serializedBytes() else { return }
    if !stream.isAnswered {
      stream.isAnswered = true
      write(.headers(.init(headers: Self.head)), on: id, context)
    }
    var buffer = context.channel.allocator.buffer(capacity: PickerStream.headLength + bytes.count)
    buffer.writeInteger(0, as: UInt8.self)
    buffer.writeInteger(UInt32(bytes.count))
    buffer.writeBytes(bytes)
    write(.data(.init(data: .byteBuffer(buffer))), on: id, context)
  }

  /// Ends a stream that its peer has ended, or that cannot go on.
  private func finish(_ id: HTTP2StreamID, _ error: RPCError?, _ context: ChannelHandlerContext) {
    guard var stream = streams.removeValue(forKey: id) else { return }
    stream.end(at: picker.now())
    var trailers = stream.isAnswered ? HPACKHeaders() : Self.head
    trailers.add(name: "grpc-status", value: "\(error?.code.rawValue ?? 0)")
    if let error { trailers.add(name: "grpc-message", value: Self.escaped(error.message)) }
    write(.headers(.init(headers: trailers, endStream: true)), on: id, context)
    // The rest of what the peer would send is not wanted.
    if error != nil { write(.rstStream(.noError), on: id, context) }
    closeIfDone(context)
  }

  /// As gRPC writes messages: what is not printable ASCII, and the percent sign, in percent encoding.
  private static func escaped(_ message: String) -> String {
    message.utf8.reduce(into: "") { text, byte in
      if 0x20...0x7E ~= byte, byte != UInt8(ascii: "%") {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
  }

  private func forget(_ id: HTTP2StreamID, _ context: ChannelHandlerContext) {
    guard var stream = streams.removeValue(forKey: id) else { return }
    stream.end(at: picker.now())
    closeIfDone(context)
  }

  private func closeIfDone(_ context: ChannelHandlerContext) {
    guard isEnding, streams.isEmpty else { return }
    context.flush()
    context.close(promise: nil)
  }

  /// Counts bytes, and tells the peer in time that it may send more.
  private func note(received count: Int, on id: HTTP2StreamID, _ context: ChannelHandlerContext) {
    received += count
    if received >= Self.connectionWindow / 2 {
      write(.windowUpdate(windowSizeIncrement: received), on: .rootStream, context)
      received = 0
    }
    guard var total = streams[id]?.received else { return }
    total += count
    if total >= Self.streamWindow / 2 {
      write(.windowUpdate(windowSizeIncrement: total), on: id, context)
      total = 0
    }
    streams[id]?.received = total
  }

  private func write(_ payload: HTTP2Frame.FramePayload, on id: HTTP2StreamID, _ context: ChannelHandlerContext) {
    isDirty = true
    context.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
  }
}
