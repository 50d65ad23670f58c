import Testing

@testable import SelectorServer

@Suite("What a client of HTTP/2 costs")
struct HTTP2MeterTests {
  /// Frames of one kind, after the preface.
  private func frames(_ count: Int, kind: UInt8, length: Int = 0) -> [UInt8] {
    let frame =
      [UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), kind, 0, 0, 0, 0, 0]
      + [UInt8](repeating: 0, count: length)
    return Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + (0..<count).flatMap { _ in frame }
  }

  private func fault(_ bytes: [UInt8], piece: Int = .max) -> HTTP2Meter.Fault? {
    var meter = HTTP2Meter(HTTP2Meter.Limits(), at: 0)
    var rest = bytes[...]
    while !rest.isEmpty {
      let fault = Array(rest.prefix(piece)).withUnsafeBytes { meter.read($0, at: 0) }
      if let fault { return fault }
      rest = rest.dropFirst(piece)
    }
    return nil
  }

  @Test(
    "bounds frames that cost their sender nothing, and not those of an ordinary client",
    arguments: [
      (100, 4, 6, nil), (600, 4, 6, .controls), (10, 4, 12_000, .controls), (600, 6, 8, .controls),
      (9000, 8, 4, nil), (11_000, 8, 4, .updates), (11_000, 77, 0, .updates), (3000, 3, 4, .resets),
      (2000, 0, 0, .empty),
    ] as [(Int, UInt8, Int, HTTP2Meter.Fault?)])
  func floods(count: Int, kind: UInt8, length: Int, expected: HTTP2Meter.Fault?) {
    let bytes = frames(count, kind: kind, length: length)
    #expect(fault(bytes) == expected)
    #expect(fault(bytes, piece: 7) == expected, "whatever arrives together")
  }

  @Test("knows which ping was acknowledged, whatever arrives together")
  func acknowledgement() {
    let frames =
      Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + HTTP2Peer.bytes(.ping, [9, 9, 9, 9, 9, 9, 9, 9])
      + HTTP2Peer.bytes(.ping, flags: 1, [1, 2, 3, 4, 5, 6, 7, 8]) + HTTP2Peer.bytes(.settings, flags: 1)
    for piece in [1, 7, frames.count] {
      var meter = HTTP2Meter(HTTP2Meter.Limits(), at: 0)
      for start in stride(from: 0, to: frames.count, by: piece) {
        #expect(start > frames.count - 10 || meter.acknowledged == nil)
        let fault = Array(frames[start...].prefix(piece)).withUnsafeBytes { meter.read($0, at: 0) }
        #expect(fault == nil)
      }
      #expect(meter.acknowledged == 0x0102_0304_0506_0708)
    }
  }

  @Test("refuses what is no HTTP/2")
  func preface() {
    #expect(fault(Array("GET / HTTP/1.1\r\n\r\n".utf8)) == .preface)
  }
}
