import CProtobufC
import Daemon
import Model
import Overflow
import Selection
import SelectorProtocol
import SwiftProtobuf

/// Answers frames: bytes in, bytes out. It has no socket and no clock. Belongs to one thread, whose connections share it.
///
/// Picks and completions in the form that encoders give them are read in one pass and answered without an allocation;
/// the others and reports are decoded by protobuf-c into an arena; what remains goes to ``SelectorMessages``.
struct FrameProcessor: ~Copyable {
  /// How far ``process(_:of:into:at:)`` came.
  struct Progress {
    /// Bytes of the input that are done with.
    var consumed = 0
    /// Frames that were answered.
    var frames = 0
    /// Picks among them.
    var picks = 0
    /// Why the peer must go.
    var fault: FrameFault?
  }

  /// The bytes before each message: 0, and its length, big endian.
  static let headLength = 5
  /// With so many bytes to write no further frame is answered before they are written.
  static let enoughOutput = 128 << 10

  let messages: SelectorMessages
  let options: FramedOptions
  private let dispatcher: Dispatcher
  private let board: WatchBoard
  /// Where requests come from that do not say so.
  private let ownPlace: Place
  /// In nanoseconds.
  private let pickLifetime: Int64
  private let answer = PickAnswer()
  private var arena: TonariArena
  private var directory: ServiceDirectory
  private var services = ServiceCache()
  private var picks: UInt64 = 0
  /// What decisions took.
  private(set) var decisions = DecisionTimes()

  init(_ dispatcher: Dispatcher, _ options: FramedOptions, board: WatchBoard? = nil) {
    self.dispatcher = dispatcher
    self.board = board ?? WatchBoard(dispatcher, isOnDemand: true)
    ownPlace = dispatcher.options.place
    pickLifetime = dispatcher.options.pickLifetime.wholeNanoseconds
    self.options = options
    messages = SelectorMessages(dispatcher)
    directory = dispatcher.directory
    // The most that a usual message takes once decoded is about a twelfth of this for each of its bytes.
    let capacity = 16 * options.longestMessage
    arena = TonariArena(
      block: UnsafeMutablePointer<UInt8>.allocate(capacity: capacity), capacity: capacity, used: 0)
  }

  deinit {
    arena.block.deallocate()
  }

  /// Answers the frames at the front of some bytes, until they are used up, there is much to write, or something is
  /// wrong.
  mutating func process(
    _ input: UnsafeRawBufferPointer, of session: inout FrameSession, into output: inout OutputBuffer, at now: Moment
  ) -> Progress {
    if dispatcher.directoryVersion != directory.version { takeDirectory() }
    session.forgetExpired(at: now, lifetime: pickLifetime)
    var progress = Progress()
    guard let base = input.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return progress }
    var request = TonariRequest()
    while output.count < Self.enoughOutput, input.count &- progress.consumed >= Self.headLength {
      let head = base + progress.consumed
      let length = Int(
        UInt32(bigEndian: UnsafeRawPointer(head).loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
      guard head[0] == 0, length <= options.longestMessage else {
        progress.fault = head[0] == 0 ? .length(length) : .flag(head[0])
        break
      }
      guard input.count &- progress.consumed &- Self.headLength >= length else { break }
      let message = UnsafeBufferPointer(start: head + Self.headLength, count: length)
      switch tonari_request(message.baseAddress, length, &request) {
      case TONARI_PICK:
        progress.picks &+= 1
        picks &+= 1
        if picks % UInt64(truncatingIfNeeded: DecisionTimes.sampling) == 0 {
          let start = Moment.now
          progress.fault = pick(request, in: message, of: &session, into: &output, at: now)
          decisions.count(nanoseconds: Moment.now.nanoseconds &- start.nanoseconds)
        } else {
          progress.fault = pick(request, in: message, of: &session, into: &output, at: now)
        }
      case TONARI_COMPLETE: complete(request, of: &session, into: &output, at: now)
      default: progress.fault = answerAnother(message, of: &session, into: &output, at: now)
      }
      if progress.fault != nil { break }
      progress.frames &+= 1
      progress.consumed &+= Self.headLength &+ length
    }
    return progress
  }

  private mutating func takeDirectory() {
    services.removeAll()
    directory = dispatcher.directory
  }

  // MARK: - The usual requests

  @inline(__always)
  private mutating func pick(
    _ request: TonariRequest, in message: UnsafeBufferPointer<UInt8>, of session: inout FrameSession,
    into output: inout OutputBuffer, at now: Moment
  ) -> FrameFault? {
    var query = PickQuery(
      isRetry: request.is_retry,
      alternatives: Int(min(request.alternatives, UInt32(truncatingIfNeeded: PickAnswer.mostAlternatives))),
      hops: Int(request.hops))
    if let key = request.key.start, request.key.length > 0 {
      query.key = PickQuery.hash(UnsafeBufferPointer(start: key, count: request.key.length))
    }
    guard let name = request.service.start, let service = services.service(name, request.service.length) else {
      return answerAnother(message, of: &session, into: &output, at: now)
    }
    if request.from.start != nil {
      guard let place = session.knownPlace(request.from) else {
        return pick(request, from: request.from, in: message, of: &session, into: &output, at: now)
      }
      query.from = place
    } else {
      query.from = ownPlace
    }
    service._withUnsafeGuaranteedRef {
      pick(query, from: $0, id: request.id, of: &session, into: &output, at: now)
    }
    return nil
  }

  /// Answers a pick from a place that is not the last one.
  @inline(never)
  private mutating func pick(
    _ request: TonariRequest, from bytes: TonariBytes, in message: UnsafeBufferPointer<UInt8>,
    of session: inout FrameSession, into output: inout OutputBuffer, at now: Moment
  ) -> FrameFault? {
    tonari_arena_reset(&arena)
    var verdict = TONARI_FINE
    guard let envelope = tonari_decode(&arena, message.baseAddress, message.count, &verdict) else {
      return FrameFault(verdict)
    }
    guard let from = envelope.pointee.pick.pointee.from else { return .malformed }
    session.learnPlace(bytes, Place(from.pointee, of: session.caller))
    return answer(envelope, message, of: &session, into: &output, at: now)
  }

  @inline(__always)
  private func pick(
    _ query: PickQuery, from service: DispatchedService, id: UInt64, of session: inout FrameSession,
    into output: inout OutputBuffer, at now: Moment
  ) {
    guard id != 0 else { return }
    guard session.mayPick else {
      refuse(id, .permissionDenied, "this caller may not pick here", into: &output)
      return
    }
    guard session.openPicks < options.mostOpenPicks else {
      refuse(id, .resourceExhausted, "too many picks of this connection are not complete", into: &output)
      return
    }
    switch service.pick(query, owner: session.caller.owner, key: session.key, at: now, into: answer) {
    case .picked:
      session.note(pick: answer.id)
      let at = output.room(for: Int(TONARI_LONGEST_ANSWER))
      output.advance(to: write(id, session.toldKey, to: at))
    case .noReplica: refuse(id, .unavailable, "the service has no replica for this request", into: &output)
    case .full:
      let text: StaticString = "the service has as many requests as it may"
      refuse(id, .resourceExhausted, text, retryAfter: answer.retryAfter, into: &output)
    case .noRetryLeft: refuse(id, .resourceExhausted, "the service allows no retry at present", into: &output)
    }
  }

  @inline(__always)
  private func write(
    _ id: UInt64, _ key: UnsafeMutableRawPointer?, to at: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    withUnsafeTemporaryAllocation(of: TonariBytes.self, capacity: PickAnswer.mostAlternatives + 1) { addresses in
      for index in 0..<answer.count {
        let address = answer.address(index)
        addresses.initializeElement(
          at: index,
          to: TonariBytes(start: address.baseAddress?.assumingMemoryBound(to: UInt8.self), length: address.count))
      }
      return tonari_put_picked(
        at, id, answer.id, Self.number(answer.tier), answer.isPanic, UInt32(clamping: answer.hops),
        addresses.baseAddress, answer.count, key)
    }
  }

  @inline(__always)
  private static func number(_ tier: Tier) -> UInt32 {
    switch tier {
    case .remote: 0
    case .node: 1
    case .zone: 2
    case .cluster: 3
    }
  }

  @inline(__always)
  private func complete(
    _ request: TonariRequest, of session: inout FrameSession, into output: inout OutputBuffer, at now: Moment
  ) {
    let ending =
      directory.service(ofPick: request.pick_id)?.end(
        request.pick_id, key: key(request.pick_key.start, request.pick_key.length, of: session),
        Outcome(number: Int64(truncatingIfNeeded: request.outcome)),
        latencySeconds: request.latency_us == 0 ? nil : LoadReport.seconds(microseconds: request.latency_us),
        servedBy: nil, load: nil, at: now)
      ?? .unknown
    completed(request.id, ending, of: &session, into: &output)
  }

  /// The key that a message has, or the one of its sender.
  @inline(__always)
  private func key(_ bytes: UnsafePointer<UInt8>?, _ length: Int, of session: borrowing FrameSession) -> PickKey {
    guard length > 0 else { return session.key }
    return PickKey(bytes: UnsafeRawBufferPointer(start: bytes, count: length)) ?? session.key
  }

  @inline(__always)
  private func completed(
    _ id: UInt64, _ ending: PickEnding, of session: inout FrameSession, into output: inout OutputBuffer
  ) {
    switch ending {
    case .completed: session.noteCompletion()
    case .renewed: session.noteRenewal()
    case .unknown: break
    }
    guard id != 0 else { return }
    output.advance(to: tonari_put_completed(output.room(for: Int(TONARI_LONGEST_ANSWER)), id))
  }

  // MARK: - The others

  @inline(never)
  private mutating func answerAnother(
    _ message: UnsafeBufferPointer<UInt8>, of session: inout FrameSession, into output: inout OutputBuffer,
    at now: Moment
  ) -> FrameFault? {
    tonari_arena_reset(&arena)
    var verdict = TONARI_FINE
    guard let envelope = tonari_decode(&arena, message.baseAddress, message.count, &verdict) else {
      return FrameFault(verdict)
    }
    return answer(envelope, message, of: &session, into: &output, at: now)
  }

  /// Answers an envelope that protobuf-c decoded.
  private mutating func answer(
    _ envelope: UnsafePointer<Tonari__Selector__V1__Envelope>, _ message: UnsafeBufferPointer<UInt8>,
    of session: inout FrameSession, into output: inout OutputBuffer, at now: Moment
  ) -> FrameFault? {
    let id = envelope.pointee.id
    do throws(SelectorFault) {
      switch envelope.pointee.message_case {
      case TONARI__SELECTOR__V1__ENVELOPE__MESSAGE_PICK:
        let request = envelope.pointee.pick.pointee
        let service = try self.service(request.service)
        pick(
          try PickQuery(request, for: dispatcher, by: session.caller), from: service, id: id, of: &session,
          into: &output, at: now)
      case TONARI__SELECTOR__V1__ENVELOPE__MESSAGE_COMPLETE:
        let request = envelope.pointee.complete.pointee
        completed(id, complete(request, of: session, at: now), of: &session, into: &output)
      default:
        guard let request = try? Tonari_Selector_V1_Envelope(serializedBytes: Array(message)) else { return .malformed }
        if case .watch(let wanted) = request.message {
          try watch(wanted, id: id, of: &session, at: now)
        } else {
          if case .register = request.message { session.hasRegistered = true }
          if let reply = messages.answer(request, by: session.caller, at: now, using: answer) {
            append(reply, to: &output)
          }
        }
      }
    } catch {
      refuse(id, error, into: &output)
    }
    return nil
  }

  private mutating func service(_ name: UnsafePointer<CChar>) throws(SelectorFault) -> DispatchedService {
    let text = String(cString: name)
    let length = text.utf8.count
    return try name.withMemoryRebound(to: UInt8.self, capacity: length) { bytes throws(SelectorFault) in
      if let known = services.service(bytes, length) { return known.takeUnretainedValue() }
      // Only what the directory keeps alive may be remembered.
      guard let service = directory[text] else { return try messages.service(text) }
      services.add(service, bytes, length)
      return service
    }
  }

  private func complete(
    _ request: Tonari__Selector__V1__CompleteRequest, of session: borrowing FrameSession, at now: Moment
  ) -> PickEnding {
    let servedBy = String(cString: request.served_by)
    return directory.service(ofPick: request.pick_id)?.end(
      request.pick_id, key: key(request.pick_key.data, request.pick_key.len, of: session),
      Outcome(number: Int64(request.outcome.rawValue)),
      latencySeconds: request.latency_us == 0 ? nil : LoadReport.seconds(microseconds: request.latency_us),
      servedBy: servedBy.isEmpty ? nil : servedBy, load: request.load.map { LoadReport($0.pointee) }, at: now)
      ?? .unknown
  }

  // MARK: - Watches

  private func watch(
    _ request: Tonari_Selector_V1_WatchRequest, id: UInt64, of session: inout FrameSession, at now: Moment
  ) throws(SelectorFault) {
    guard id != 0 else { throw SelectorFault(.invalidArgument, "watch: expected an id") }
    guard session.watches.count < options.mostWatches else {
      throw SelectorFault(.resourceExhausted, "expected at most \(options.mostWatches) watches of a connection")
    }
    try messages.check(watch: request, by: session.caller)
    session.watches.append(FrameWatch(id: id, watch: try ServiceWatch(request, board, for: session.peer), due: now))
  }

  /// Answers the watches that are due, with some bytes at most: the others wait, as picks do not. Answers when the next
  /// one is due.
  func answerWatches(
    of session: inout FrameSession, into output: inout OutputBuffer, bytes: Int = .max, at now: Moment
  ) -> Moment? {
    let count = session.watches.count
    for step in 0..<count {
      // Not always the same one is the first.
      let index = (session.firstWatch + step) % count
      guard session.watches[index].due <= now else { continue }
      guard output.count < bytes else {
        session.firstWatch = index
        break
      }
      let changes = session.watches[index].watch.next(bytes: bytes - output.count, at: now)
      for change in changes.entries { append(change.bytes, watch: session.watches[index].id, to: &output) }
      guard changes.isComplete else { continue }
      session.watches[index].due = now + session.watches[index].watch.interval
    }
    return session.watches.map(\.due).min()
  }

  /// Adds an envelope with what is told of a service, which was encoded for all watchers together.
  private func append(_ watched: [UInt8], watch id: UInt64, to output: inout OutputBuffer) {
    func varint(_ value: UInt64, to at: inout UnsafeMutablePointer<UInt8>) {
      var rest = value
      while rest > 0x7F {
        at.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
        at += 1
        rest >>= 7
      }
      at.pointee = UInt8(truncatingIfNeeded: rest)
      at += 1
    }
    // A key and a number of at most ten bytes, twice.
    let most = Self.headLength + 2 * 11
    let head = output.room(for: most + watched.count)
    var at = head + Self.headLength
    varint(1 << 3, to: &at)
    varint(id, to: &at)
    varint(13 << 3 | 2, to: &at)
    varint(UInt64(watched.count), to: &at)
    watched.withUnsafeBufferPointer { bytes in
      if let start = bytes.baseAddress { at.update(from: start, count: bytes.count) }
    }
    at += watched.count
    head[0] = 0
    let length = UInt32(truncatingIfNeeded: at - head - Self.headLength)
    UnsafeMutableRawPointer(head).storeBytes(of: length.bigEndian, toByteOffset: 1, as: UInt32.self)
    output.advance(to: at)
  }

  // MARK: - Answers

  private func append(_ reply: Tonari_Selector_V1_Envelope, to output: inout OutputBuffer) {
    guard let bytes: [UInt8] = try? reply.serializedBytes(), let length = UInt32(exactly: bytes.count) else { return }
    let at = output.room(for: Self.headLength)
    at[0] = 0
    UnsafeMutableRawPointer(at).storeBytes(of: length.bigEndian, toByteOffset: 1, as: UInt32.self)
    output.advance(to: at + Self.headLength)
    bytes.withUnsafeBytes { output.append($0) }
  }

  private func refuse(_ id: UInt64, _ fault: SelectorFault, into output: inout OutputBuffer) {
    guard id != 0 else { return }
    append(
      .with {
        $0.id = id
        $0.error = Tonari_Selector_V1_Error(fault)
      }, to: &output)
  }

  private func refuse(
    _ id: UInt64, _ code: SelectorFault.Code, _ message: StaticString, retryAfter: UInt32 = 0,
    into output: inout OutputBuffer
  ) {
    let at = output.room(for: Int(TONARI_LONGEST_ANSWER))
    let end = message.withUTF8Buffer { text -> UnsafeMutablePointer<UInt8> in
      tonari_put_error(at, id, code.number, text.baseAddress, text.count, retryAfter)
    }
    output.advance(to: end)
  }
}
