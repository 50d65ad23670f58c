import GRPCCore

/// One call of gRPC on a ``PickerConnection``: messages in, messages out.
final class PickerStream {
  /// What is called.
  enum Method {
    /// `ExternalProcessor/Process`.
    case process
    /// `Health/Check`.
    case checkHealth
    /// Something that is not served.
    case unknown(String)
  }

  /// The bytes before each message: whether it is compressed, and its length, big endian.
  static let headLength = 5

  /// The most that is noted of what is said to the picker, in bytes.
  private static let mostHints = 4096

  private(set) var method = Method.unknown("")
  /// What was said of a request of HTTP; nil until the head of the call is there, and for other calls.
  var exchange: PickExchange?
  /// The headers that are for the picker: names and values, a zero byte after each.
  private(set) var hints: [UInt8] = []
  /// Whether the head of the call is there.
  var isBegun = false
  /// Whether the head of the response was sent.
  var isAnswered = false
  /// Whether the trailers are to be sent once everything else is.
  var isEnding = false
  /// Why it ended; nil where it ended well.
  var error: RPCError?
  /// Bytes of the peer for which it was not yet told that it may send more.
  var unconsumed = 0
  /// Bytes that were counted as held; see ``held``.
  var counted = 0
  /// Bytes of the head so far.
  private(set) var headBytes = 0
  /// What is to be sent, from ``sent`` on.
  private(set) var output: [UInt8] = []
  private var sent = 0
  /// The begin of a message.
  private var rest: [UInt8] = []

  /// Takes bytes, and calls `body` with each message that is complete. Throws where the bytes are not the framing of
  /// gRPC, a message is compressed or too long, and what `body` throws.
  func take(
    _ bytes: UnsafeRawBufferPointer, longest: Int, _ body: (UnsafeRawBufferPointer) throws(RPCError) -> Void
  ) throws(RPCError) {
    guard !rest.isEmpty else {
      let taken = try takeWhole(bytes, longest: longest, body)
      if taken < bytes.count { rest.append(contentsOf: bytes[taken...]) }
      return
    }
    var all: [UInt8] = []
    swap(&all, &rest)
    all.append(contentsOf: bytes)
    let result = all.withUnsafeBytes { all in
      Result { () throws(RPCError) in try takeWhole(all, longest: longest, body) }
    }
    rest = Array(all[try result.get()...])
  }

  /// Takes the messages that are complete; answers how many bytes they are.
  private func takeWhole(
    _ bytes: UnsafeRawBufferPointer, longest: Int, _ body: (UnsafeRawBufferPointer) throws(RPCError) -> Void
  ) throws(RPCError) -> Int {
    var position = 0
    while bytes.count - position >= Self.headLength {
      guard bytes[position] == 0 else {
        throw RPCError(code: .unimplemented, message: "compressed messages: expected plain ones")
      }
      let length = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position + 1, as: UInt32.self)))
      guard length <= longest else {
        throw RPCError(code: .resourceExhausted, message: "message of \(length) bytes: expected at most \(longest)")
      }
      guard bytes.count - position - Self.headLength >= length else { break }
      let start = position + Self.headLength
      try body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
      position = start + length
    }
    return position
  }

  /// Bytes of memory that it holds: what came and is not a message yet, and what is to be sent.
  var held: Int { rest.count + output.count }

  /// Bytes that are to be sent.
  var unsent: Int { output.count - sent }

  /// Lets go of what it holds: its peer gets nothing more.
  func drop() {
    rest = []
    output = []
    sent = 0
  }

  /// Leaves a message to be sent.
  func send(_ message: [UInt8]) {
    if sent == output.count {
      output.removeAll(keepingCapacity: true)
      sent = 0
    } else if sent > 1 << 16 {
      output.removeFirst(sent)
      sent = 0
    }
    output.append(0)
    withUnsafeBytes(of: UInt32(message.count).bigEndian) { output.append(contentsOf: $0) }
    output.append(contentsOf: message)
  }

  /// Moves what is to be sent into a buffer; answers how many bytes.
  func move(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, output.count - sent)
    output.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[sent..<sent + count])) }
    sent += count
    return count
  }

  /// Whether everything is sent.
  var isSent: Bool { sent == output.count }

  /// Notes a header of the call, where it matters.
  func note(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    headBytes += name.count + value.count + 32
    if name.elementsEqual(":path".utf8) {
      if value.elementsEqual("/envoy.service.ext_proc.v3.ExternalProcessor/Process".utf8) {
        method = .process
      } else if value.elementsEqual("/grpc.health.v1.Health/Check".utf8) {
        method = .checkHealth
      } else {
        method = .unknown(String(decoding: value, as: UTF8.self))
      }
    } else if name.starts(with: PickerHints.prefix.utf8), hints.count + name.count + value.count < Self.mostHints {
      hints.append(contentsOf: name)
      hints.append(0)
      hints.append(contentsOf: value)
      hints.append(0)
    }
  }
}
