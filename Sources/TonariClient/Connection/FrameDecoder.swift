import NIOCore
import SelectorProtocol
import SwiftProtobuf

/// Reads frames: a byte 0, the length of the message as four bytes, big endian, and the message.
struct FrameDecoder: ByteToMessageDecoder {
  typealias InboundOut = Tonari_Selector_V1_Envelope

  /// What is wrong with what came in.
  struct Malformed: Error, CustomStringConvertible {
    var description: String
  }

  static let headerLength = 5

  /// The longest message that is read, in bytes.
  let longest: Int

  mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
    guard let envelope = try next(&buffer) else { return .needMoreData }
    context.fireChannelRead(wrapInboundOut(envelope))
    return .continue
  }

  mutating func decodeLast(
    context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
  ) throws -> DecodingState {
    // What is left of a message when the connection ends is no message.
    .needMoreData
  }

  /// Takes a message off; nil where it is not all there.
  func next(_ buffer: inout ByteBuffer) throws -> Tonari_Selector_V1_Envelope? {
    guard let flag = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else { return nil }
    guard flag == 0 else { throw Malformed(description: "a frame begins with \(flag): expected 0") }
    guard let length = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt32.self) else { return nil }
    guard length <= longest else {
      throw Malformed(description: "a message of \(length) bytes: expected at most \(longest)")
    }
    guard buffer.readableBytes >= Self.headerLength + Int(length) else { return nil }
    buffer.moveReaderIndex(forwardBy: Self.headerLength)
    guard let bytes = buffer.readBytes(length: Int(length)) else { return nil }
    return try Tonari_Selector_V1_Envelope(serializedBytes: bytes)
  }
}

extension ByteBuffer {
  /// Appends a message in its frame. Throws where it cannot be serialized.
  mutating func writeFrame(_ envelope: Tonari_Selector_V1_Envelope) throws {
    let bytes: [UInt8] = try envelope.serializedBytes()
    reserveCapacity(minimumWritableBytes: FrameDecoder.headerLength + bytes.count)
    writeInteger(0 as UInt8)
    writeInteger(UInt32(bytes.count))
    writeBytes(bytes)
  }
}
