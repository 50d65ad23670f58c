import Foundation
import Logging
import Model
import NIOCore
import Testing

@testable import Extender

@Suite struct FuzzTests {
  /// How many requests each seed makes: `TONARI_FUZZ_ROUNDS`, or as many as a test may take time for.
  private static let rounds = ProcessInfo.processInfo.environment["TONARI_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 1500

  @Test("Mutated requests are answered with JSON or refused, in every call", arguments: 0..<4)
  func mutations(seed: UInt64) async throws {
    var generator = SeededGenerator(seed: seed)
    var state = ExtenderState(nodes: ["a": "z", "b": "z"], isEnforcing: seed.isMultiple(of: 2))
    state.set(plan: plan(["cart": ["a": 2, "b": 1]]))
    let webhook = SchedulerWebhook(state, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let seeds = [
      request(pod("p", of: "cart"), names: ["a", "b", "c"]),
      request(pod("p", of: "cart"), nodes: ["a", "b", "c"]),
      ByteBuffer(string: #"{"Pod":{},"NodeNameToMetaVictims":{"a":{"Pods":[{"UID":"1"}],"NumPDBViolations":2}}}"#),
      ByteBuffer(string: #"{"PodName":"p","PodNamespace":"shop","PodUID":"u","Node":"a"}"#),
    ]
    var refused = 0
    for _ in 0..<Self.rounds {
      var bytes = Array(seeds[generator.below(seeds.count)].readableBytesView)
      for _ in 0...generator.below(3) { bytes.mutate(&generator) }
      let body = ByteBuffer(bytes: bytes)
      do throws(ProtocolError) {
        let answers = [
          try webhook.filter(body, at: .now), try webhook.prioritize(body, at: .now), try webhook.preempt(body),
        ]
        // Bytes that are no UTF-8 are echoed as they came.
        guard String(validating: bytes, as: UTF8.self) != nil else { continue }
        for answer in answers.dropFirst() where !bytes.contains(UInt8(ascii: "\\")) {
          #expect((try? answer.json) != nil, "\(String(decoding: bytes, as: UTF8.self))")
        }
      } catch {
        refused += 1
        #expect(error.code == .malformed)
      }
      _ = try? await webhook.bind(body, at: .now)
    }
    #expect(refused > 100)
  }

  @Test("Nesting without end is refused")
  func nesting() {
    let webhook = SchedulerWebhook(ExtenderState())
    for opening in ["[", #"{"a":"#, #"{"Pod":{"metadata":{"labels":"#] {
      let body = ByteBuffer(string: #"{"x":"# + String(repeating: opening, count: 100_000))
      #expect(throws: ProtocolError.self) { try webhook.filter(body, at: .now) }
    }
  }
}

extension [UInt8] {
  /// Changes, drops, repeats or cuts something.
  fileprivate mutating func mutate(_ generator: inout SeededGenerator) {
    guard !isEmpty else { return }
    let place = generator.below(count)
    switch generator.below(5) {
    case 0: self[place] = UInt8(truncatingIfNeeded: generator.next())
    case 1: remove(at: place)
    case 2: insert(Array(#"{}[]",:\0n-"#.utf8)[generator.below(11)], at: place)
    case 3: removeSubrange(place...)
    default:
      let end = Swift.min(count, place + generator.below(40))
      insert(contentsOf: self[place..<end], at: generator.below(count))
    }
  }
}
