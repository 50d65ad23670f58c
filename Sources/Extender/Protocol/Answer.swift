public import NIOCore

/// The body of an answer, in parts: what is echoed of a request is a part of the request's own bytes.
public struct Answer: Sendable {
  /// The parts, in order.
  public private(set) var parts: [ByteBuffer] = []

  /// Everything in one buffer.
  public var joined: ByteBuffer {
    guard parts.count != 1 else { return parts[0] }
    var all = ByteBuffer()
    all.reserveCapacity(parts.reduce(0) { $0 + $1.readableBytes })
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

  /// The answer to `/filter`: an `ExtenderFilterResult`.
  ///
  /// - Parameters:
  ///   - allowed: for each node whether it stays; nil for all of them.
  ///   - reason: why the others do not.
  init(_ request: SchedulingRequest, in body: ByteBuffer, allowed: [Bool]?, reason: @autoclosure () -> String) {
    let field: StaticString = request.form == .names ? #"{"NodeNames":"# : #"{"Nodes":"#
    var head = ByteBuffer()
    head.writeStaticString(field)
    guard let allowed else {
      let echo = request.value.flatMap { body.getSlice(at: body.readerIndex + $0.lowerBound, length: $0.count) }
      parts = [head, echo ?? ByteBuffer(string: "[]"), ByteBuffer(string: #","FailedNodes":{},"Error":""}"#)]
      return
    }
    head.writeStaticString(request.form == .names ? "[" : #"{"metadata":{},"items":["#)
    let reason = ByteBuffer.json(reason())
    var failed = ByteBuffer()
    body.withUnsafeReadableBytes { bytes in
      var isFirst = true
      for (candidate, isAllowed) in zip(request.candidates, allowed) {
        if isAllowed {
          if !isFirst { head.writeStaticString(",") }
          isFirst = false
          head.writeBytes(bytes[candidate.element])
        } else {
          if failed.readableBytes > 0 { failed.writeStaticString(",") }
          failed.writeBytes(bytes[(candidate.name.lowerBound - 1)...candidate.name.upperBound])
          failed.writeStaticString(":")
          failed.writeImmutableBuffer(reason)
        }
      }
    }
    head.writeStaticString(request.form == .names ? "]" : "]}")
    // Schedulers since 1.21 take the second map and need not try to preempt there; those before know the first alone.
    head.writeStaticString(#","FailedNodes":{"#)
    head.writeImmutableBuffer(failed)
    head.writeStaticString(#"},"FailedAndUnresolvableNodes":{"#)
    head.writeImmutableBuffer(failed)
    head.writeStaticString(#"},"Error":""}"#)
    parts = [head]
  }

  /// The answer to `/prioritize`: a `HostPriorityList`.
  init(_ request: SchedulingRequest, in body: ByteBuffer, scores: [UInt8]) {
    var all = ByteBuffer()
    all.reserveCapacity(request.candidates.reduce(2) { $0 + $1.name.count + 24 })
    all.writeStaticString("[")
    body.withUnsafeReadableBytes { bytes in
      for (i, candidate) in request.candidates.enumerated() {
        all.writeStaticString(i == 0 ? #"{"Host":"# : #",{"Host":"#)
        all.writeBytes(bytes[(candidate.name.lowerBound - 1)...candidate.name.upperBound])
        all.writeStaticString(#","Score":"#)
        if scores[i] >= 10 { all.writeInteger(UInt8(ascii: "0") + scores[i] / 10) }
        all.writeInteger(UInt8(ascii: "0") + scores[i] % 10)
        all.writeStaticString("}")
      }
    }
    all.writeStaticString("]")
    parts = [all]
  }

  /// The answer to `/preempt`: an `ExtenderPreemptionResult` with the victims on some nodes.
  init(_ victims: [PreemptionRequest.Victims]) {
    var all = ByteBuffer()
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

extension ByteBuffer {
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
