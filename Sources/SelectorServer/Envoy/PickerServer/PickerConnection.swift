import CNGHTTP2
import Daemon
import GRPCCore
import Model
import NIOCore
import NIOExtras
import Selection

/// A connection of a ``PickerServer``: the frames of all its streams, read and written by nghttp2 one after the other,
/// without a task or a channel for each. What arrived together is answered together.
final class PickerConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// How much a peer may send on a connection, and on a stream, before it is told that it may send more.
  private static let connectionWindow: Int32 = 16 << 20
  private static let streamWindow: UInt32 = 256 << 10
  /// Acknowledgements of pings and settings that wait to be taken.
  private static let mostAcknowledgements = 256

  private let picker: PickerAnswers
  private let limits: PickerLimits
  private let peer: Peer
  private var session: OpaquePointer?
  private var streams: [Int32: PickerStream] = [:]
  /// What the last stream said to the picker; most say the same.
  private var hints = PickerHints()
  private var hintBytes: [UInt8] = []
  private let decision = PickAnswer()
  /// Who is there; known once the first stream begins, which is after a handshake.
  private var caller: Caller?
  private weak var channel: (any Channel)?
  private var isEnding = false
  /// Bytes that its streams hold.
  private var held = 0
  /// Streams that may be reset before they were answered, and when that was counted.
  private var resets: Double
  private var resetsCounted = NIODeadline.now()
  private var isGreeted = false
  /// When something came last, and whether the peer was asked since then if it is there.
  private var lastRead = NIODeadline.now()
  private var isAsked = false
  private var unwritableSince: NIODeadline?
  private var timer: RepeatedTask?

  init(_ picker: PickerAnswers, _ limits: PickerLimits = PickerLimits(), _ peer: Peer = Peer("unknown")) {
    self.picker = picker
    self.limits = limits
    self.peer = peer
    resets = limits.resets.burst
  }

  deinit {
    nghttp2_session_del(session)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    channel = context.channel
    var callbacks: OpaquePointer?
    var option: OpaquePointer?
    defer {
      nghttp2_session_callbacks_del(callbacks)
      nghttp2_option_del(option)
    }
    guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&option) == 0 else {
      return context.close(promise: nil)
    }
    // All requests of a sidecar share a connection, and Envoy resets the stream of each: that is no attack. Streams that
    // are reset before they were answered are counted here.
    nghttp2_option_set_stream_reset_rate_limit(option, 1 << 40, 1 << 20)
    nghttp2_option_set_max_outbound_ack(option, Self.mostAcknowledgements)
    nghttp2_option_set_no_closed_streams(option, 1)
    // A stream whose answers are not taken may send no more.
    nghttp2_option_set_no_auto_window_update(option, 1)
    Self.set(callbacks)
    // The session goes with this object, and calls back only while this object calls it.
    let me = Unmanaged.passUnretained(self).toOpaque()
    guard nghttp2_session_server_new2(&session, callbacks, me, option) == 0 else { return context.close(promise: nil) }
    let settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: PickerServer.mostStreams),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: Self.streamWindow),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue), value: UInt32(clamping: limits.longestHead)),
    ]
    nghttp2_submit_settings(session, Self.noFlags, settings, settings.count)
    nghttp2_session_set_local_window_size(session, Self.noFlags, 0, Self.connectionWindow)
    watchTime(context)
    if context.channel.isActive { send(context) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  /// Closes the connection of a peer that does not say that it speaks HTTP/2, takes nothing of what is there for it, or has
  /// gone without a word: requests count as in flight for as long as their streams are there.
  private func watchTime(_ context: ChannelHandlerContext) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let (begin, limits) = (NIODeadline.now(), limits)
    timer = context.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { task in
      let (connection, context) = bound.value
      let now = NIODeadline.now()
      func isOver(_ since: NIODeadline, _ limit: Duration) -> Bool {
        now - since > .nanoseconds(limit.wholeNanoseconds)
      }
      guard
        !connection.isGreeted && isOver(begin, limits.handshake)
          || connection.unwritableSince.map({ isOver($0, limits.write) }) ?? false
          || connection.isAsked && isOver(connection.lastRead, limits.silence * 2)
      else {
        if !connection.isAsked, !connection.streams.isEmpty, isOver(connection.lastRead, limits.silence) {
          connection.isAsked = true
          nghttp2_submit_ping(connection.session, Self.noFlags, nil)
          connection.send(context)
        }
        return
      }
      task.cancel()
      context.close(promise: nil)
    }
  }

  func channelActive(context: ChannelHandlerContext) {
    send(context)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    for id in Array(streams.keys) { forget(id) }
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    (lastRead, isAsked) = (.now(), false)
    let read = unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
      nghttp2_session_mem_recv(session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    }
    // What is no HTTP/2 at all, a flood of what costs its sender nothing, or no memory is left.
    if read < 0 || resets < 0 { context.close(promise: nil) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    send(context)
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    // Whoever does not read the answers is not read from.
    context.channel.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
    unwritableSince = context.channel.isWritable ? nil : unwritableSince ?? .now()
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
      guard let frame, let connection = connection(me), connection.streams[frame.pointee.hd.stream_id] == nil else {
        return 0
      }
      guard connection.limits.streams.take(for: connection.peer) else {
        // Clients take that for UNAVAILABLE, and for a request that they may send elsewhere.
        return nghttp2_submit_rst_stream(
          connection.session, PickerConnection.noFlags, frame.pointee.hd.stream_id, NGHTTP2_REFUSED_STREAM.rawValue)
      }
      connection.streams[frame.pointee.hd.stream_id] = PickerStream()
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
      connection.isGreeted = true
      if head.type == NGHTTP2_HEADERS.rawValue { connection.begin(head.stream_id) }
      if head.type == NGHTTP2_HEADERS.rawValue || head.type == NGHTTP2_DATA.rawValue,
        head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
      {
        connection.finish(head.stream_id, nil)
      }
      return 0
    }
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, me in
      guard let frame, let connection = connection(me) else { return 0 }
      let head = frame.pointee.hd
      if head.type == NGHTTP2_HEADERS.rawValue, head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 {
        connection.reject(restOf: head.stream_id)
      }
      return 0
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, bytes, count, me in
      guard let connection = connection(me) else { return 0 }
      nghttp2_session_consume_connection(connection.session, count)
      connection.streams[id]?.unconsumed += count
      connection.take(UnsafeRawBufferPointer(start: bytes, count: count), on: id)
      connection.settle(id)
      return 0
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, _, me in
      guard let connection = connection(me) else { return 0 }
      if let stream = connection.streams[id], !stream.isAnswered, !stream.isEnding { connection.countReset() }
      connection.forget(id)
      return 0
    }
  }
}

// MARK: - Streams

extension PickerConnection {
  private func begin(_ id: Int32) {
    guard let stream = streams[id], !stream.isBegun else { return }
    stream.isBegun = true
    guard stream.headBytes <= limits.longestHead else {
      return finish(
        id,
        RPCError(
          code: .resourceExhausted,
          message: "head of \(stream.headBytes) bytes: expected at most \(limits.longestHead)"))
    }
    switch stream.method {
    case .process:
      guard let caller = knownCaller, caller.rights.allows(.pick) else {
        return finish(id, RPCError(code: .permissionDenied, message: "this caller may not pick here"))
      }
      if stream.hints != hintBytes { (hintBytes, hints) = (stream.hints, PickerHints(stream.hints, of: caller)) }
      stream.exchange = picker.exchange(hints, of: caller)
    case .checkHealth: break
    case .unknown(let path):
      finish(id, RPCError(code: .unimplemented, message: "\(path.prefix(200)) is not served here"))
    }
  }

  private var knownCaller: Caller? {
    if caller == nil, let channel { caller = picker.caller(channel) }
    return caller
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
    stream.drop()
    count(stream)
    limits.streams.give(from: peer)
    stream.exchange?.end(at: picker.now())
  }

  /// Counts a stream that ended before it was answered. It costs its sender nothing, and us a pick.
  private func countReset() {
    let now = NIODeadline.now()
    let passed = Double((now - resetsCounted).nanoseconds) * 1e-9
    resets = min(limits.resets.burst, resets + passed * limits.resets.perSecond) - 1
    resetsCounted = now
  }

  /// Counts what a stream holds now. Answers whether it may.
  @discardableResult
  private func count(_ stream: PickerStream) -> Bool {
    // Little things come and go with each message: they are bounded by the number of streams.
    let now = stream.held > 4096 ? stream.held : 0
    let more = now - stream.counted
    guard more != 0 else { return true }
    if more > 0 {
      guard held + more <= limits.mostHeldByConnection, limits.bytes.take(more, for: peer) else { return false }
    } else {
      limits.bytes.give(-more, from: peer)
    }
    held += more
    stream.counted = now
    return true
  }

  /// Lets the peer of a stream send more, unless it does not take the answers; ends the stream where it holds too much.
  private func settle(_ id: Int32) {
    guard let stream = streams[id] else { return }
    guard count(stream) else {
      let takesAnswers = stream.unsent == 0
      finish(id, RPCError(code: .resourceExhausted, message: "there is no more memory for messages"))
      stream.drop()
      count(stream)
      // Behind answers that its peer does not take, an error would wait for ever.
      if !takesAnswers { nghttp2_submit_rst_stream(session, Self.noFlags, id, NGHTTP2_ENHANCE_YOUR_CALM.rawValue) }
      return
    }
    guard stream.unconsumed > 0, stream.unsent < limits.mostUnsent else { return }
    nghttp2_session_consume_stream(session, id, stream.unconsumed)
    stream.unconsumed = 0
  }

  /// Begins the response, whose messages are taken from the stream as there is room for them.
  private func respond(on id: Int32) {
    var source = nghttp2_data_provider()
    source.read_callback = { session, id, buffer, count, flags, _, me in
      guard let connection = connection(me), let stream = connection.streams[id] else {
        return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
      }
      let moved = stream.move(into: UnsafeMutableRawBufferPointer(start: buffer, count: count))
      connection.settle(id)
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
  }

  /// The whole response is sent: what the peer has not sent by now is not wanted. Said before, it would take the response
  /// away, and the peer never learn why.
  private func reject(restOf id: Int32) {
    guard nghttp2_session_get_stream_remote_close(session, id) == 0 else { return }
    nghttp2_submit_rst_stream(session, Self.noFlags, id, NGHTTP2_NO_ERROR.rawValue)
  }
}

/// The connection that a callback is for.
private func connection(_ me: UnsafeMutableRawPointer?) -> PickerConnection? {
  me.map { Unmanaged<PickerConnection>.fromOpaque($0).takeUnretainedValue() }
}
