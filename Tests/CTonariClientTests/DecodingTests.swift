import CTonariClient
import Foundation
import Model
import SelectorProtocol
import SelectorProtocolTestSupport
import SwiftProtobuf
import Testing

@Suite("What the client in C reads")
struct DecodingTests {
  @Test("It reads what swift-protobuf writes, and any other bytes without harm")
  func decoding() throws {
    var random = RandomEnvelope(SeededGenerator(seed: 8))
    var (answer, last) = (tonari_answer(), [] as [UInt8])
    var (picks, refused) = (0, 0)
    for round in 0..<FuzzRounds.count {
      let envelope = random.next()
      var bytes: [UInt8] = try envelope.serializedBytes()
      let original = bytes
      if round % 4 != 0 { bytes = random.mutated(bytes, with: last) }
      last = original
      // What is read lies in memory of its own, of exactly this size.
      let status = bytes.withUnsafeBufferPointer { tonari_decode_answer($0.baseAddress, $0.count, &answer) }
      if status != 0 {
        refused += 1
        if round % 4 == 0, case .picked(let message) = envelope.message {
          #expect(message.pickID == 0 || message.address.isEmpty || Self.isLong(message))
        }
      } else if round % 4 == 0 {
        #expect(answer.id == envelope.id)
        #expect(answer.is_pick == (envelope.message.map { if case .picked = $0 { 1 } else { 0 } } ?? 0))
        if case .error(let message) = envelope.message { #expect(answer.retry_after_ms == message.retryAfterMs) }
        if case .picked(let message) = envelope.message {
          picks += 1
          check(answer.picked, message)
        }
      } else if answer.is_pick == 1 {
        #expect(ClientTests.string(answer.picked.address).utf8.count > 0 || answer.picked.address.0 != 0)
        #expect(answer.picked.alternative_count <= 3)
      }
    }
    #expect(picks > FuzzRounds.count / 400)
    #expect(refused > FuzzRounds.count / 10)
  }

  private static func isLong(_ message: Tonari_Selector_V1_PickResponse) -> Bool {
    ([message.address] + message.alternatives.prefix(3)).contains { $0.utf8.count > 255 }
  }

  private func check(_ picked: tonari_picked, _ message: Tonari_Selector_V1_PickResponse) {
    #expect(picked.pick_id == message.pickID)
    #expect(ClientTests.string(picked.address) == message.address)
    #expect(Int(picked.tier.rawValue) == ((0...3).contains(message.tier.rawValue) ? message.tier.rawValue : 0))
    #expect((picked.panic != 0) == message.panic)
    #expect(picked.hops == message.hops)
    let key = withUnsafeBytes(of: picked.key) { Array($0.prefix(picked.key_length)) }
    #expect(key == Array(message.pickKey))
    let alternatives = [picked.alternatives.0, picked.alternatives.1, picked.alternatives.2].map {
      ClientTests.string($0)
    }
    #expect(Array(alternatives.prefix(picked.alternative_count)) == Array(message.alternatives.prefix(3)))
  }

  @Test(
    "The header compiles by itself, as C99 and as C++, without a warning",
    arguments: [
      ["cc", "-std=c99", "-x", "c"], ["cc", "-std=c11", "-x", "c"], ["c++", "-std=c++11", "-x", "c++"],
    ])
  func compiling(command: [String]) throws {
    let header = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/CTonariClient/include/tonari_client.h").standardizedFileURL
    for define in [[], ["-DTONARI_CLIENT_IMPLEMENTATION"]] {
      let compiler = Process()
      compiler.executableURL = URL(filePath: "/usr/bin/env")
      compiler.arguments =
        command + define + [
          "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", "-c", "-o", "/dev/null", "-include", header.path,
          "/dev/null",
        ]
      try compiler.run()
      compiler.waitUntilExit()
      #expect(compiler.terminationStatus == 0)
    }
  }
}
