import CProtobufC
import Foundation
import Model
import SelectorProtocol
import SelectorProtocolTestSupport
import SwiftProtobuf
import Testing

@Suite("The codec of framed connections")
struct CodecTests {
  private static let rounds = FuzzRounds.count

  @Test("protobuf-c and swift-protobuf read the same in any bytes, and the fast reader what they read")
  func agreement() throws {
    let codec = Codec()
    var random = RandomEnvelope(SeededGenerator(seed: 4))
    var seen: [UInt32: Int] = [:]
    var usual = 0
    var last: [UInt8] = []
    var memory = 0
    for round in 0..<Self.rounds {
      var bytes: [UInt8] = try random.next().serializedBytes()
      // One in four stays as it is.
      let original = bytes
      if round % 4 != 0 { bytes = random.mutated(bytes, with: last) }
      last = original
      let verdict = try codec.check(bytes)
      seen[verdict.verdict.rawValue, default: 0] += 1
      if verdict.isUsual { usual += 1 }
      if round % 4 == 0 { #expect(verdict.verdict == TONARI_FINE) }
      if round == Self.rounds / 10 { memory = residentMemory() }
    }
    #expect(residentMemory() < memory + 16 << 20)
    // The samples are worth something.
    #expect(usual > Self.rounds / 50)
    #expect(seen[TONARI_FINE.rawValue, default: 0] > Self.rounds / 3)
    #expect(seen[TONARI_MALFORMED.rawValue, default: 0] > Self.rounds / 10)
    #expect(seen[TONARI_UNUSUAL.rawValue, default: 0] > Self.rounds / 100)
    #expect(seen[TONARI_TOO_LARGE.rawValue] == nil)
  }

  @Test(
    "What protobuf-c reads in its own way is refused",
    arguments: [
      ("a string with a zero byte", [0x12, 0x05, 0x0A, 0x03, 0x61, 0x00, 0x62]),
      ("two members of the oneof", [0x12, 0x03, 0x0A, 0x01, 0x61, 0x22, 0x00]),
      ("a message in two parts", [0x12, 0x03, 0x0A, 0x01, 0x61, 0x12, 0x02, 0x38, 0x01]),
      ("a group", [0x7B, 0x7C]),
      ("a known field of another wire type", [0x0A, 0x00]),
    ] as [(String, [UInt8])])
  func unusual(what: String, bytes: [UInt8]) throws {
    #expect(try Codec().check(bytes).verdict == TONARI_UNUSUAL)
  }

  @Test(
    "What is no message is refused",
    arguments: [
      ("a string that is not UTF-8", [0x12, 0x03, 0x0A, 0x01, 0xFF]),
      ("a surrogate", [0x12, 0x05, 0x0A, 0x03, 0xED, 0xA0, 0x80]),
      ("an overlong character", [0x12, 0x04, 0x0A, 0x02, 0xC0, 0x80]),
      ("field 0", [0x02, 0x00]),
      ("a wire type that there is not", [0x0E]),
      ("a length beyond the end", [0x12, 0x03, 0x0A]),
      ("a number without an end", [0x08, 0x80]),
    ] as [(String, [UInt8])])
  func malformed(what: String, bytes: [UInt8]) throws {
    #expect(try Codec().check(bytes).verdict == TONARI_MALFORMED)
  }

  @Test("An unknown field is passed over, and an unknown enum value kept")
  func unknown() throws {
    let bytes: [UInt8] = [0xA2, 0x06, 0x01, 0x00, 0x08, 0x07, 0x1A, 0x02, 0x18, 0x09]
    let codec = Codec()
    #expect(try codec.check(bytes).verdict == TONARI_FINE)
    let envelope = try #require(codec.decode(bytes))
    #expect(envelope.id == 7)
    #expect(envelope.picked.tier == .UNRECOGNIZED(9))
  }

  @Test("A message for which the arena is too small is refused, however small that is")
  func smallArenas() throws {
    var random = RandomEnvelope(SeededGenerator(seed: 5))
    for _ in 0..<200 {
      let envelope = random.next()
      let bytes: [UInt8] = try envelope.serializedBytes()
      let whole = Codec()
      _ = whole.decode(bytes)
      // The last string need not be followed by what aligns the next.
      for capacity in stride(from: 0, to: whole.used - 15, by: 7) {
        let codec = Codec(capacity: capacity)
        #expect(codec.decode(bytes) == nil)
        #expect(codec.verdict == TONARI_TOO_LARGE)
      }
    }
  }

  @Test("Many tiny fields take no more memory than the arena has")
  func bombs() throws {
    let codec = Codec(capacity: 1 << 20)
    // A registration with 30,000 empty replicas.
    let replicas = [UInt8]((0..<30_000).flatMap { _ in [0x12, 0x00] as [UInt8] })
    var bytes: [UInt8] = [0x42]
    bytes += [
      UInt8(replicas.count & 0x7F | 0x80), UInt8(replicas.count >> 7 & 0x7F | 0x80), UInt8(replicas.count >> 14),
    ]
    #expect(codec.decode(bytes + replicas) == nil)
    #expect(codec.verdict == TONARI_TOO_LARGE)
  }

  @Test("Answers that are written by hand are those that swift-protobuf writes")
  func answers() throws {
    var random = RandomEnvelope(SeededGenerator(seed: 6))
    var counts = (picked: 0, error: 0)
    let written = UnsafeMutablePointer<UInt8>.allocate(capacity: 8192)
    defer { written.deallocate() }
    for _ in 0..<20_000 {
      var envelope = random.next()
      let end: UnsafeMutablePointer<UInt8>
      switch envelope.message {
      case .picked(var message) where message.pickID != 0 && !message.address.isEmpty && message.tier.rawValue >= 0:
        message.alternatives = Array(message.alternatives.prefix(3))
        envelope.picked = message
        end = Self.write(envelope.id, message, to: written)
        counts.picked += 1
      case .completed: end = tonari_put_completed(written, envelope.id)
      case .error(var message) where !message.message.isEmpty:
        message.code = message.code % 16 + 1
        envelope.error = message
        end = tonari_put_error(
          written, envelope.id, message.code, message.message, message.message.utf8.count, message.retryAfterMs)
        counts.error += 1
      default: continue
      }
      let bytes: [UInt8] = try envelope.serializedBytes()
      let head: [UInt8] = [0, 0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)]
      #expect(Array(UnsafeBufferPointer(start: written, count: end - written)) == head + bytes)
    }
    #expect(counts.picked > 100 && counts.error > 100)
  }

  private static func write(
    _ id: UInt64, _ message: Tonari_Selector_V1_PickResponse, to written: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let texts = ([message.address] + message.alternatives).map { strdup($0) }
    defer { for text in texts { free(text) } }
    let slices = texts.map { text in
      TonariBytes(
        start: UnsafeRawPointer(text)?.assumingMemoryBound(to: UInt8.self), length: text.map { strlen($0) } ?? 0)
    }
    return message.pickKey.withUnsafeBytes { key in
      tonari_put_picked(
        written, id, message.pickID, UInt32(message.tier.rawValue), message.panic, message.hops, slices,
        slices.count, key.isEmpty ? nil : key.baseAddress)
    }
  }
}
