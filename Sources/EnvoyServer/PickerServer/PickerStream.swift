import Dispatching
import GRPCCore
import NIOCore
import Selection
import SwiftProtobuf

/// One call of gRPC on a connection of a ``PickerServer``: messages in, messages out.
struct PickerStream {
  /// What is called.
  enum Method {
    case process(PickExchange)
    case checkHealth
  }

  /// The bytes before each message: whether it is compressed, and its length, big endian.
  static let headLength = 5

  var method: Method
  /// Whether the head of the response was sent.
  var isAnswered = false
  /// Bytes that were received since the peer was last told that it may send more.
  var received = 0
  /// The begin of a message.
  private var rest: ByteBuffer?

  init(_ method: Method) {
    self.method = method
  }

  /// Takes bytes, and calls `body` with each message that is complete. Throws where the bytes are not the framing of
  /// gRPC, a message is compressed or too long, and what `body` throws.
  mutating func take(
    _ bytes: ByteBuffer, longest: Int, _ body: (inout PickerStream, ByteBuffer) throws(RPCError) -> Void
  ) throws(RPCError) {
    var bytes = bytes
    if var all = rest {
      rest = nil
      all.writeBuffer(&bytes)
      bytes = all
    }
    while let flag = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) {
      guard flag == 0 else {
        throw RPCError(code: .unimplemented, message: "compressed messages: expected plain ones")
      }
      guard let length = bytes.getInteger(at: bytes.readerIndex + 1, as: UInt32.self) else { break }
      guard length <= longest else {
        throw RPCError(code: .resourceExhausted, message: "message of \(length) bytes: expected at most \(longest)")
      }
      guard bytes.readableBytes >= Self.headLength + Int(length) else { break }
      bytes.moveReaderIndex(forwardBy: Self.headLength)
      guard let message = bytes.readSlice(length: Int(length)) else { break }
      try body(&self, message)
    }
    if bytes.readableBytes > 0 { rest = bytes }
  }

  /// Nothing more comes.
  mutating func end(at now: Moment) {
    guard case .process(var exchange) = method else { return }
    exchange.end(at: now)
    method = .process(exchange)
  }
}
