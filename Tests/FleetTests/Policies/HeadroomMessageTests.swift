import Foundation
import Kubernetes
import Model
import Testing

@testable import Fleet

@Suite("Messages of headroom")
struct HeadroomMessageTests {
  @Test("A message that is read says what was written")
  func roundTrip() throws {
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<300 {
      func amount() -> Double { (Double.random(in: 0...1e6, using: &generator) * 100).rounded() / 100 }
      let message = HeadroomMessage(
        perMinute: ((amount() - 5e5) * 100).rounded() / 100,
        capacityPerMinute: Bool.random(using: &generator) ? 1e6 + amount() : nil,
        demandPerMinute: Bool.random(using: &generator) ? 1e6 + amount() : nil,
        receivedPerMinute: Bool.random(using: &generator) ? amount() : nil,
        time: Bool.random(using: &generator) ? Double(Int.random(in: 0...2_000_000_000, using: &generator)) : nil,
        lifetime: .milliseconds(Int.random(in: 0...100_000, using: &generator)))
      #expect(try HeadroomMessage(payload: message.payload) == message)
    }
  }

  @Test(
    "A message that is of no use says why",
    arguments: [
      ("[]", "expected JSON"), ("{}", "expected JSON"), (#"{"perMinute": "x"}"#, "expected JSON"),
      (#"{"perMinute": 0, "demandPerMinute": -1}"#, "demandPerMinute: found -1"),
      (#"{"perMinute": 1e300}"#, "perMinute: found"),
      (#"{"perMinute": 1, "ttlSeconds": -5}"#, "ttlSeconds"),
      (#"{"perMinute": 1, "time": "yesterday"}"#, "time: found 'yesterday', expected RFC 3339"),
    ])
  func faults(payload: String, message: String) {
    do {
      _ = try HeadroomMessage(payload: Array(payload.utf8))
      Issue.record("taken")
    } catch {
      #expect(error.description.contains(message), "\(error)")
    }
  }

  @Test("Any bytes are a message with sane numbers, or refused")
  func fuzz() {
    var generator = SeededGenerator(seed: 5)
    let bytes = HeadroomMessage(perMinute: 210, capacityPerMinute: 540, demandPerMinute: 330, time: 1.7e9).payload
    for _ in 0..<3000 {
      var mutated = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        mutated[Int.random(in: 0..<mutated.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      guard let message = try? HeadroomMessage(payload: mutated) else { continue }
      #expect(message.perMinute.isFinite)
      #expect(message.lifetime >= .zero && message.lifetime <= .seconds(3600))
      #expect(message.lifeLeft(isRetained: true, at: 1.7e9) <= message.lifetime)
    }
  }

  @Test("A message that comes live has all its life; one that was kept is as old as it says, never younger than new")
  func life() {
    let message = HeadroomMessage(perMinute: 1, time: 1000, lifetime: .seconds(10))
    #expect(message.lifeLeft(isRetained: false, at: 5000) == .seconds(10))
    #expect(message.lifeLeft(isRetained: true, at: 1004) == .seconds(6))
    #expect(message.lifeLeft(isRetained: true, at: 5000) == .zero)
    #expect(message.lifeLeft(isRetained: true, at: 950) == .seconds(10))
    #expect(message.lifeLeft(isRetained: true, at: 0) == .zero, "it would hold for ever")
    #expect(message.lifeLeft(isRetained: false, at: 0) == .seconds(10))
    let timeless = HeadroomMessage(perMinute: 1)
    #expect(timeless.lifeLeft(isRetained: true, at: 1000) == .zero)
    #expect(timeless.lifeLeft(isRetained: false, at: 1000) == .seconds(10))
  }

  @Test("A claim is cut to what its sender can know")
  func claims() throws {
    func read(_ text: String) throws -> HeadroomMessage { try HeadroomMessage(payload: Array(text.utf8)) }
    #expect(try read(#"{"perMinute": 1e9, "capacityPerMinute": 540}"#).perMinute == 540)
    #expect(try read(#"{"perMinute": -1e9, "capacityPerMinute": 540}"#).perMinute == -1e9)
    #expect(
      try read(#"{"perMinute": 1, "demandPerMinute": 30, "receivedPerMinute": 1e9}"#).receivedPerMinute == 30)
  }

  @Test("Topics name cluster and service")
  func topics() {
    let topic = HeadroomTopic(cluster: "edge-a", service: ObjectKey(namespace: "shop", name: "cart"))
    #expect(topic.text() == "tonari/headroom/edge-a/shop/cart")
    #expect(HeadroomTopic(topic.text()) == topic)
    for text in [
      "", "tonari/headroom/a/b", "tonari/headroom/a//c", "tonari/load/a/b/c", "tonari/headroom/a/b/c/d",
      "tonari/headroom/a/b/" + String(repeating: "c", count: 254),
    ] {
      #expect(HeadroomTopic(text) == nil)
    }
  }
}
