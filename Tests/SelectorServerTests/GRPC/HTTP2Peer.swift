import Foundation

@testable import SelectorServer

/// The other end of a connection of HTTP/2, which says what it is told to, when it is told to: also what no library would.
final class HTTP2Peer {
  /// A frame as it comes.
  struct Frame: CustomStringConvertible {
    enum Kind: UInt8 {
      case data, headers, priority, reset, settings, push, ping, goAway, window, continuation
    }

    var kind: Kind
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    var endsStream: Bool { (kind == .data || kind == .headers) && flags & 1 != 0 }
    /// The last stream that a GOAWAY names.
    var lastStream: UInt32 { payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF }
    var description: String { "\(kind)(stream: \(stream), flags: \(flags), payload: \(payload.prefix(64)))" }
  }

  private let peer: FramedPeer

  /// Connects and says that it speaks HTTP/2.
  init(port: Int) throws {
    peer = try FramedPeer(.tcp("127.0.0.1", UInt16(port)))
    try peer.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.bytes(.settings))
  }

  static func bytes(_ kind: Frame.Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let length = UInt32(payload.count)
    func number(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    return number(length).dropFirst() + [kind.rawValue, flags] + number(stream) + payload
  }

  func send(_ frames: [UInt8]...) throws { try peer.send(frames.flatMap { $0 }) }

  /// A request of gRPC with one message, whole.
  static func request(_ path: String, _ message: [UInt8], stream: UInt32) -> [UInt8] {
    let head = [
      (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "selector"),
      ("content-type", "application/grpc"), ("te", "trailers"),
    ]
    // Literal headers that come into no table, of fewer than 127 bytes each.
    var block: [UInt8] = []
    for (name, value) in head {
      block += [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
    }
    let length = UInt8(message.count)
    return bytes(.headers, flags: 4, stream: stream, block)
      + bytes(.data, flags: 1, stream: stream, [0, 0, 0, 0, length] + message)
  }

  /// The next frame; nil where the other end closed.
  func next() throws -> Frame? {
    guard let head = try take(9) else { return nil }
    let length = head[..<3].reduce(0) { $0 << 8 | Int($1) }
    guard let kind = Frame.Kind(rawValue: head[3]), let payload = try take(length) else { return nil }
    return Frame(
      kind: kind, flags: head[4], stream: head[5...].reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF, payload: payload)
  }

  private func take(_ count: Int) throws -> [UInt8]? {
    while received.count < count {
      let more = try peer.receive()
      guard !more.isEmpty else { return nil }
      received += more
    }
    defer { received.removeFirst(count) }
    return Array(received.prefix(count))
  }

  private var received: [UInt8] = []
}
