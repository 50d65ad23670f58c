import CNGHTTP2
import Dispatching
import GRPCCore
import NIOCore
import NIOExtras

/// A connection of a ``PickerServer``: the frames of all its streams, read and written by nghttp2 one after the other,
/// without a task or a channel for each. What arrived together is answered together.
final class PickerConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// How much a peer may send on a connection, and on a stream, before it is told that it may send more.
  private static let connectionWindow: Int32 = 16 << 20
  private static let streamWindow: UInt32 = 1 << 20

  private let picker: PickerAnswers
  private var session: OpaquePointer?
  private var streams: [Int32: PickerStream] = [:]
  /// What the last stream said to the picker; most say the same.
  private var hints = PickerHints()
  private var hintBytes: [UInt8] = []
  private let decision = PickAnswer()
  private var isEnding = false

  init(_ picker: PickerAnswers) {
    self.picker = picker
  }

  deinit {
    nghttp2_session_del(session)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    var callbacks: OpaquePointer?
    var option: OpaquePointer?
    defer {
      nghttp2_session_callbacks_del(callbacks)
      nghttp2_option_del(option)
    }
    guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&option) == 0 else {
      return context.close(promise: nil)
    }
    // All requests of a sidecar share a connection, and Envoy resets the stream of each: that is no attack.
    nghttp2_option_set_stream_reset_rate_limit(option, 1 << 40, 1 << 20)
    Self.set(callbacks)
    // The session goes with this object, and calls back only while this object calls it.
    let me = Unmanaged.passUnretained(self).toOpaque()
    guard nghttp2_session_server_new2(&session, callbacks, me, option) == 0 else { return context.close(promise: nil) }
    let settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: PickerServer.mostStreams),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: Self.streamWindow),
    ]
    nghttp2_submit_settings(session, Self.noFlags, settings, settings.count)
    nghttp2_session_set_local_window_size(session, Self.noFlags, 0, Self.connectionWindow)
    if context.channel.isActive { send(context) }
  }

  func channelActive(context: ChannelHandlerContext) {
    send(context)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    for stream in streams.values { stream.exchange?.end(at: picker.now()) }
    streams = [:]
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let read = unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
      nghttp2_session_mem_recv(session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    }
    // What is no HTTP/2 at all, or no memory is left.
    if read < 0 { context.close(promise: nil) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    send(context)
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    // Whoever does not read the answers is not read from.
    context.channel.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
    if context.channel.isWritable { send(context) }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent {
      isEnding = true
      nghttp2_submit_shutdown_notice(session)
      send(context)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  /// Writes what there is to write in one piece, and closes where there will be no more.
  private func send(_ context: ChannelHandlerContext) {
    guard context.channel.isWritable else { return }
    var buffer: ByteBuffer?
    while true {
      var bytes: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(session, &bytes)
      guard count > 0, let bytes else { break }
      if buffer == nil { buffer = context.channel.allocator.buffer(capacity: max(512, count)) }
      buffer?.writeBytes(UnsafeRawBufferPointer(start: bytes, count: count))
    }
    if let buffer { context.writeAndFlush(wrapOutboundOut(buffer), promise: nil) }
    let isOver = nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    if isOver || isEnding && streams.isEmpty { context.close(promise: nil) }
  }
}

// MARK: - What nghttp2 calls

extension PickerConnection {
  private static let noFlags = UInt8(NGHTTP2_FLAG_NONE.rawValue)

  private static func set(_ callbacks: OpaquePointer?) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, me in
      // Trailers have none: their stream is there.
      if let frame, let connection = connection(me), connection.streams[frame.pointee.hd.stream_id] == nil {
        connection.streams[frame.pointee.hd.stream_id] = PickerStream()
      }
      return 0
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks) { _, frame, name, nameCount, value, valueCount, _, me in
      if let frame, let stream = connection(me)?.streams[frame.pointee.hd.stream_id], !stream.isBegun {
        stream.note(
          UnsafeRawBufferPointer(start: name, count: nameCount), UnsafeRawBufferPointer(start: value, count: valueCount)
        )
      }
      return 0
    }
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, me in
      guard let frame, let connection = connection(me) else { return 0 }
      let head = frame.pointee.hd
      if head.type == NGHTTP2_HEADERS.rawValue { connection.begin(head.stream_id) }
      if head.type == NGHTTP2_HEADERS.rawValue || head.type == NGHTTP2_DATA.rawValue,
        head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
      {
        connection.finish(head.stream_id, nil)
      }
      return 0
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, bytes, count, me in
      connection(me)?.take(UnsafeRawBufferPointer(start: bytes, count: count), on: id)
      return 0
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, _, me in
      connection(me)?.forget(id)
      return 0
    }
  }
}

// MARK: - Streams

extension PickerConnection {
  private func begin(_ id: Int32) {
    guard let stream = streams[id], !stream.isBegun else { return }
    stream.isBegun = true
    switch stream.method {
    case .process:
      if stream.hints != hintBytes { (hintBytes, hints) = (stream.hints, PickerHints(stream.hints)) }
      stream.exchange = picker.exchange(hints)
    case .checkHealth: break
    case .unknown(let path):
      finish(id, RPCError(code: .unimplemented, message: "\(path.prefix(200)) is not served here"))
    }
  }

  private func take(_ bytes: UnsafeRawBufferPointer, on id: Int32) {
    guard let stream = streams[id], !stream.isEnding else { return }
    do throws(RPCError) {
      try stream.take(bytes, longest: PickerServer.longestMessage) { message throws(RPCError) in
        guard let answer = try picker.answer(message, of: stream, using: decision) else { return }
        stream.send(answer)
        if stream.isAnswered {
          nghttp2_session_resume_data(session, id)
        } else {
          stream.isAnswered = true
          respond(on: id)
        }
      }
    } catch {
      finish(id, error)
    }
  }

  /// Ends a stream that its peer has ended, or that cannot go on.
  private func finish(_ id: Int32, _ error: RPCError?) {
    guard let stream = streams[id], !stream.isEnding else { return }
    stream.isEnding = true
    stream.exchange?.end(at: picker.now())
    stream.error = error
    if stream.isAnswered { nghttp2_session_resume_data(session, id) } else { submitTrailers(of: stream, on: id) }
  }

  private func forget(_ id: Int32) {
    guard let stream = streams.removeValue(forKey: id) else { return }
    stream.exchange?.end(at: picker.now())
  }

  /// Begins the response, whose messages are taken from the stream as there is room for them.
  private func respond(on id: Int32) {
    var source = nghttp2_data_provider()
    source.read_callback = { session, id, buffer, count, flags, _, me in
      guard let connection = connection(me), let stream = connection.streams[id] else {
        return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
      }
      let moved = stream.move(into: UnsafeMutableRawBufferPointer(start: buffer, count: count))
      if stream.isSent, stream.isEnding {
        flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
        connection.submitTrailers(of: stream, on: id)
      } else if moved == 0 {
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
      }
      return moved
    }
    HeaderFields.head.withUnsafeFields { nghttp2_submit_response(session, id, $0.baseAddress, $0.count, &source) }
  }

  private func submitTrailers(of stream: PickerStream, on id: Int32) {
    HeaderFields(status: stream.error, withHead: !stream.isAnswered).withUnsafeFields { fields in
      if stream.isAnswered {
        nghttp2_submit_trailer(session, id, fields.baseAddress, fields.count)
      } else {
        nghttp2_submit_response(session, id, fields.baseAddress, fields.count, nil)
      }
    }
    // The rest of what the peer would send is not wanted.
    if stream.error != nil { nghttp2_submit_rst_stream(session, Self.noFlags, id, NGHTTP2_NO_ERROR.rawValue) }
  }
}

/// The connection that a callback is for.
private func connection(_ me: UnsafeMutableRawPointer?) -> PickerConnection? {
  me.map { Unmanaged<PickerConnection>.fromOpaque($0).takeUnretainedValue() }
}
