import CNGHTTP2
import GRPCCore

/// The header fields of a response, as nghttp2 takes them.
struct HeaderFields {
  /// Those of a response with messages.
  static let head = HeaderFields([(":status", "200"), ("content-type", "application/grpc")])

  /// Names and values one after the other, and how long each is.
  private var text: [UInt8] = []
  private var lengths: [(name: Int, value: Int)] = []

  private init(_ pairs: [(String, String)]) {
    for (name, value) in pairs { add(name, value) }
  }

  /// Those at the end of a call, together with ``head`` where there was no message.
  init(status: RPCError?, withHead: Bool) {
    if withHead { self = Self.head }
    add("grpc-status", "\(status?.code.rawValue ?? 0)")
    if let status { add("grpc-message", Self.escaped(status.message)) }
  }

  private mutating func add(_ name: String, _ value: String) {
    text += name.utf8
    text += value.utf8
    lengths.append((name.utf8.count, value.utf8.count))
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

  /// Calls `body` with the fields, which are there for as long as it takes.
  func withUnsafeFields(_ body: (UnsafeBufferPointer<nghttp2_nv>) -> Int32) {
    text.withUnsafeBufferPointer { text in
      guard let base = text.baseAddress.map({ UnsafeMutablePointer(mutating: $0) }) else { return }
      withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: lengths.count) { fields in
        var position = 0
        for (index, length) in lengths.enumerated() {
          fields.initializeElement(
            at: index,
            to: nghttp2_nv(
              name: base + position, value: base + position + length.name, namelen: length.name,
              valuelen: length.value, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
          position += length.name + length.value
        }
        _ = body(UnsafeBufferPointer(fields))
      }
    }
  }
}
