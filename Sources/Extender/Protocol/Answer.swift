package import NIOCore

/// The body of an answer, in parts: what is echoed of a request is a part of the request's own bytes.
package struct Answer: Sendable {
  /// The parts, in order.
  package private(set) var parts: [ByteBuffer] = []

  /// What an answer may have, in bytes: those to the largest requests of the largest clusters have less.
  static let largest = 128 << 20

  /// How many bytes it has.
  var count: Int { parts.reduce(0) { $0 + $1.readableBytes } }

  /// Whether it echoes a part of the request's bytes, which stay in memory as long as it does.
  private(set) var isEcho = false

  /// Everything in one buffer.
  package var joined: ByteBuffer {
    guard parts.count != 1 else { return parts[0] }
    var all = ByteBuffer()
    all.reserveCapacity(count)
    for part in parts { all.writeImmutableBuffer(part) }
    return all
  }

  /// An answer of one part.
  init(_ part: ByteBuffer) { parts = [part] }

  /// `{"Error": …}`.
  init(error: String) {
    self.init(ByteBuffer(string: #"{"Error":"#))
    parts[0].writeJSON(error)
    parts[0].writeStaticString("}")
  }

  /// Takes memory for an answer.
  ///
  /// Throws ``ProtocolError/Code/tooLarge`` where it is larger than any should be, and ``ProtocolError/Code/busy`` where
  /// there is no memory for it now.
  private static func makeRoom(_ most: Int, _ memory: RequestMemory?) throws(ProtocolError) {
    guard most <= largest else {
      throw ProtocolError(
        code: .tooLarge, message: "the answer would have up to \(most) bytes, expected at most \(largest)")
    }
    try memory?.hold(most)
  }

  /// The answer to `/filter`: an `ExtenderFilterResult`.
  ///
  /// Throws ``ProtocolError`` where the answer is too large, or there is no memory for it now.
  ///
  /// - Parameters:
  ///   - allowed: for each node whether it stays; nil for all of them.
  ///   - reason: why the others do not.
  ///   - memory: what holds the answer.
  init(
    _ request: SchedulingRequest, in body: ByteBuffer, allowed: [Bool]?, reason: @autoclosure () -> String,
    memory: RequestMemory? = nil
  ) throws(ProtocolError) {
    let field: StaticString = request.form == .names ? #"{"NodeNames":"# : #"{"Nodes":"#
    var head = ByteBuffer()
    head.writeStaticString(field)
    guard let allowed else {
      let echo = request.value.flatMap { body.getSlice(at: body.readerIndex + $0.lowerBound, length: $0.count) }
      parts = [head, echo ?? ByteBuffer(string: "[]"), ByteBuffer(string: #","FailedNodes":{},"Error":""}"#)]
      isEcho = true
      return
    }
    let reason = ByteBuffer.json(reason())
    var (kept, failed) = (0, 0)
    for (candidate, isAllowed) in zip(request.candidates, allowed) {
      if isAllowed {
        kept += candidate.element.count + 1
      } else {
        failed += candidate.name.count + reason.readableBytes + 4
      }
    }
    let most = kept + 2 * failed + 256
    try Self.makeRoom(most, memory)
    head.write(atMost: most, from: body) { writer, bytes in
      writer.write(request.form == .names ? "[" : #"{"metadata":{},"items":["#)
      var isFirst = true
      for (candidate, isAllowed) in zip(request.candidates, allowed) where isAllowed {
        if !isFirst { writer.write(",") }
        isFirst = false
        writer.write(bytes[candidate.element])
      }
      writer.write(request.form == .names ? "]" : "]}")
      // Schedulers since 1.21 take the second map and need not try to preempt there; those before know the first alone.
      for field: StaticString in [#","FailedNodes":{"#, #"},"FailedAndUnresolvableNodes":{"#] {
        writer.write(field)
        isFirst = true
        for (candidate, isAllowed) in zip(request.candidates, allowed) where !isAllowed {
          if !isFirst { writer.write(",") }
          isFirst = false
          writer.write(bytes[(candidate.name.lowerBound - 1)...candidate.name.upperBound])
          writer.write(":")
          reason.withUnsafeReadableBytes { writer.write($0[...]) }
        }
      }
      writer.write(#"},"Error":""}"#)
    }
    parts = [head]
  }

  /// The answer to `/prioritize`: a `HostPriorityList`. A node that it leaves out has score 0: most do, and a scheduler
  /// takes long to read thousands of them.
  ///
  /// Throws ``ProtocolError`` where the answer is too large, or there is no memory for it now.
  init(
    _ request: SchedulingRequest, in body: ByteBuffer, scores: [UInt8], memory: RequestMemory? = nil
  ) throws(ProtocolError) {
    var all = ByteBuffer()
    let most = zip(request.candidates, scores).reduce(2) { $0 + ($1.1 > 0 ? $1.0.name.count + 24 : 0) }
    try Self.makeRoom(most, memory)
    all.write(atMost: most, from: body) { writer, bytes in
      writer.write("[")
      var isFirst = true
      for (i, candidate) in request.candidates.enumerated() where scores[i] > 0 {
        writer.write(isFirst ? #"{"Host":"# : #",{"Host":"#)
        isFirst = false
        writer.write(bytes[(candidate.name.lowerBound - 1)...candidate.name.upperBound])
        writer.write(#","Score":"#)
        if scores[i] >= 10 { writer.write(UInt8(ascii: "0") + scores[i] / 10) }
        writer.write(UInt8(ascii: "0") + scores[i] % 10)
        writer.write("}")
      }
      writer.write("]")
    }
    parts = [all]
  }

  /// The answer to `/preempt`: an `ExtenderPreemptionResult` with the victims on some nodes.
  ///
  /// Throws ``ProtocolError`` where the answer is too large, or there is no memory for it now.
  init(_ victims: [PreemptionRequest.Victims], memory: RequestMemory? = nil) throws(ProtocolError) {
    var all = ByteBuffer()
    // A character that has to be escaped becomes six.
    let most = victims.reduce(32) { sum, victim in
      victim.uids.reduce(sum + 6 * victim.node.utf8.count + 64) { $0 + 6 * $1.utf8.count + 12 }
    }
    try Self.makeRoom(most, memory)
    all.writeStaticString(#"{"NodeNameToMetaVictims":{"#)
    for (v, victim) in victims.enumerated() {
      if v > 0 { all.writeStaticString(",") }
      all.writeJSON(victim.node)
      all.writeStaticString(#":{"Pods":["#)
      for (u, uid) in victim.uids.enumerated() {
        all.writeStaticString(u == 0 ? #"{"UID":"# : #",{"UID":"#)
        all.writeJSON(uid)
        all.writeStaticString("}")
      }
      all.writeString(#"],"NumPDBViolations":\#(victim.violations)}"#)
    }
    all.writeStaticString("}}")
    parts = [all]
  }
}

/// Writes bytes one after the other into memory that is large enough: thousands of short pieces, each of which would cost
/// a `ByteBuffer` several checks.
private struct PieceWriter {
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  init(_ memory: UnsafeMutableRawBufferPointer) {
    self.memory = memory
  }

  mutating func write(_ byte: UInt8) {
    memory[count] = byte
    count += 1
  }

  mutating func write(_ piece: Slice<UnsafeRawBufferPointer>) {
    let piece = UnsafeRawBufferPointer(rebasing: piece)
    UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: piece)
    count += piece.count
  }

  mutating func write(_ text: StaticString) {
    write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)[...])
  }
}

extension ByteBuffer {
  /// Writes pieces, many of them from a request's bytes.
  ///
  /// - Parameter most: how many bytes they have at most.
  fileprivate mutating func write(
    atMost most: Int, from body: ByteBuffer, _ pieces: (inout PieceWriter, UnsafeRawBufferPointer) -> Void
  ) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: most) { memory in
      var writer = PieceWriter(memory)
      body.withUnsafeReadableBytes { pieces(&writer, $0) }
      return writer.count
    }
  }

  fileprivate static func json(_ text: String) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeJSON(text)
    return buffer
  }

  /// Writes a string as JSON (RFC 8259, section 7).
  fileprivate mutating func writeJSON(_ text: String) {
    let digits = Array("0123456789abcdef".utf8)
    writeStaticString("\"")
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): writeBytes([UInt8(ascii: "\\"), byte])
      case 0..<0x20: writeBytes(Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]])
      default: writeInteger(byte)
      }
    }
    writeStaticString("\"")
  }
}
