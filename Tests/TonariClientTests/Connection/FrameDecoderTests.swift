import NIOCore
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import TonariClient

struct FrameDecoderTests {
  private let decoder = FrameDecoder(longest: 1000)

  private func envelope(_ id: UInt64) -> Tonari_Selector_V1_Envelope {
    .with { ($0.id, $0.pick.service) = (id, String(repeating: "s", count: Int(id % 200))) }
  }

  @Test("Messages come out as they went in, however they are cut", arguments: 1...9)
  func pieces(length: Int) throws {
    var all = ByteBuffer()
    let sent = (1...300).map { envelope(UInt64($0)) }
    for message in sent { try all.writeFrame(message) }
    var received: [Tonari_Selector_V1_Envelope] = []
    var buffer = ByteBuffer()
    while all.readableBytes > 0 {
      var piece = all.readSlice(length: min(length, all.readableBytes)) ?? ByteBuffer()
      buffer.writeBuffer(&piece)
      while let message = try decoder.next(&buffer) { received.append(message) }
    }
    #expect(received == sent)
  }

  @Test("What is no frame is an error and not waited for")
  func malformed() throws {
    let faults: [[UInt8]] = [
      [1], [0xFF, 0, 0, 0, 0], [0, 0, 0, 0x03, 0xE9], [0, 0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0, 1, 0x08],
    ]
    for bytes in faults {
      var buffer = ByteBuffer(bytes: bytes)
      #expect(throws: (any Error).self, "\(bytes)") { try decoder.next(&buffer) }
    }
    for bytes in [[], [0], [0, 0, 0, 3], [0, 0, 0, 0x03, 0xE8, 1]] as [[UInt8]] {
      var buffer = ByteBuffer(bytes: bytes)
      #expect(try decoder.next(&buffer) == nil, "\(bytes)")
    }
  }

  @Test("The bytes that the page on writing a client shows are what it says")
  func page() throws {
    var request = ByteBuffer()
    try request.writeFrame(.with { ($0.id, $0.pick.service) = (1, "a") })
    #expect(request == ByteBuffer(bytes: [0, 0, 0, 0, 7, 0x08, 0x01, 0x12, 0x03, 0x0A, 0x01, 0x61]))
    var answer = ByteBuffer(bytes: [0, 0, 0, 0, 0x1A, 0x08, 0x01, 0x1A, 0x16, 0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x0B])
    answer.writeString("10.0.0.1:80")
    let picked = Tonari_Selector_V1_Envelope.with {
      ($0.id, $0.picked.pickID, $0.picked.address) = (1, 1, "10.0.0.1:80")
    }
    #expect(try decoder.next(&answer) == picked)
  }
}
