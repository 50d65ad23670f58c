import HostileNumbersTestSupport
import Model
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import Overflow
@testable import Selection
@testable import SelectorServer

@Suite("What another selector says, with any numbers in it")
struct DigestNumbersTests {
  static let sample = Tonari_Selector_V1_Digest.with {
    $0.selector = "other"
    $0.services = [
      .with {
        $0.service = "s"
        $0.arrivals = .with {
          $0.perMinute = 60
          $0.receivedPerMinute = 3
        }
        $0.replicas = [
          .with {
            $0.address = "10.0.0.9:80"
            $0.inFlight = 2
            $0.serviceTimeUs = 1500
            $0.concurrency = 4
            $0.completions = 30
            $0.registered = .with {
              $0.address = "10.0.0.9:80"
              $0.weight = 2
              $0.concurrency = 4
              $0.state = .draining
            }
            $0.lifetimeMs = 60_000
          }
        ]
      }
    ]
  }

  @Test("does not keep requests from being picked", arguments: PolicyName.allCases)
  func hearing(policy: PolicyName) throws {
    let (variants, missing) = try WireNumbers.variants(of: [Self.sample])
    #expect(missing.isEmpty, "the sample lacks fields of the message")
    let dispatcher = Dispatcher(DispatcherOptions(policy: policy))
    dispatcher.set(
      ["10.0.0.1:80", "10.0.0.9:80"].map { ServiceReplica(address: $0) }, of: "s", from: .file, at: .start)
    let answer = PickAnswer()
    for (number, variant) in variants.enumerated() {
      let now = Moment.seconds(Double(number))
      dispatcher.hear(variant.message, at: now)
      for key in [nil, 7] as [UInt64?] {
        let status = dispatcher.service("s")?.pick(PickQuery(key: key), owner: 0, at: now, into: answer)
        #expect(status == .picked, "\(variant.path)")
        dispatcher.service("s")?.complete(answer.id, .success, latencySeconds: 0.01, at: now)
      }
      _ = dispatcher.digest(of: "this", at: now)
      dispatcher.expire(at: now)
    }
  }
}
