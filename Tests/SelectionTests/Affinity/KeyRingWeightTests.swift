import HostileNumbersTestSupport
import Model
import Testing

@testable import Selection

@Suite("Replicas of any weight")
struct KeyRingWeightTests {
  @Test("make a ring of few points, and requests with a key find them", arguments: HostileNumbers.doubles)
  func weights(weight: Double) {
    var selector = ReplicaSelector(LeastRequestPolicy(), seed: 1)
    selector.replace(
      with: (0..<8).map { Replica(name: "r\($0)", weight: $0 == 0 ? weight : 1) }, at: .start)
    #expect(selector.table.ids.allSatisfy { (1e-6...1e6).contains(selector.table.weight($0.slot)) })
    for key in UInt64(0)..<64 { #expect(selector.pick(PickRequest(key: key), at: .start) != nil) }
  }
}
