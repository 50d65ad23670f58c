import Daemon
import HostileNumbersTestSupport
import Selection
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("Messages with any numbers in them")
struct MessageNumbersTests {
  private typealias Envelope = Tonari_Selector_V1_Envelope

  private static let load = Tonari_Selector_V1_Load.with {
    $0.inFlight = 3
    $0.queued = 1
    $0.cpuUtilization = 0.5
    $0.latencyUs = 2000
    $0.requestsPerSecond = 20
    $0.errorsPerSecond = 1
  }

  private static let replica = Tonari_Selector_V1_Replica.with {
    $0.address = "10.0.0.1:8080"
    $0.weight = 2
    $0.concurrency = 4
    $0.state = .draining
  }

  /// One of each message that there is in either direction.
  private static let samples: [Envelope] = [
    .with {
      $0.id = 1
      $0.pick = .with {
        $0.service = "default/checkout"
        $0.key = .init([1])
        $0.alternatives = 2
        $0.hops = 1
      }
    },
    .with {
      $0.picked = .with {
        $0.pickID = 1
        $0.tier = .zone
        $0.hops = 1
      }
    },
    .with {
      $0.complete = .with {
        $0.pickID = 1
        $0.outcome = .failure
        $0.latencyUs = 1000
        $0.load = load
      }
    },
    .with {
      $0.report = .with {
        $0.service = "default/checkout"
        $0.address = "10.0.0.1:8080"
        $0.load = load
      }
    },
    .with {
      $0.register = .with {
        $0.service = "default/checkout"
        $0.replicas = [replica]
        $0.lifetimeMs = 60_000
      }
    },
    .with { $0.registered = .with { $0.lifetimeMs = 1 } },
    .with {
      $0.watch = .with {
        $0.services = ["default/checkout"]
        $0.intervalMs = 100
      }
    },
    .with {
      $0.watched = .with {
        $0.service = "default/checkout"
        $0.revision = 3
        $0.replicas = [
          .with {
            $0.replica = replica
            $0.inFlight = 1
            $0.others = 2
            $0.serviceTimeUs = 1500
            $0.load = load
            $0.loadAgeMs = 20
            $0.picks = 30
            $0.failures = 1
          }
        ]
        $0.picks = .with {
          $0.remote = 1
          $0.node = 1
          $0.zone = 1
          $0.cluster = 1
          $0.panic = 1
          $0.none = 1
        }
        $0.overflow = .with {
          $0.arrivals = 9
          $0.received = 1
          $0.shed = 1
          $0.demandPerMinute = 540
          $0.capacityPerMinute = 540
          $0.admittedPerMinute = 540
          $0.neighbours = [
            .with {
              $0.sent = 1
              $0.sentPerMinute = 60
              $0.headroomPerMinute = 60
              $0.roomPerMinute = 60
            }
          ]
        }
      }
    },
    .with {
      $0.error = .with {
        $0.code = 8
        $0.retryAfterMs = 100
      }
    },
  ]

  @Test("are answered or refused, and the next request is served")
  func frames() throws {
    let (variants, missing) = try WireNumbers.variants(of: Self.samples)
    #expect(missing.isEmpty, "the samples lack fields of the messages")
    let dispatcher = FrameBench.dispatcher()
    let registry = MetricsRegistry()
    SelectorMetrics.register(in: registry, dispatcher) { nil }
    for variant in variants {
      var bench = FrameBench(dispatcher)
      _ = bench.send(Frames.framed(variant.bytes))
      _ = try bench.answers()
      let answer = try #require(try bench.answers(Frames.pick(7) { $0.key = .init([3]) }).first, "\(variant.path)")
      #expect(!answer.picked.address.isEmpty, "\(variant.path)")
      _ = try bench.answers(
        Frames.complete(8, answer.picked.pickID) {
          if case .complete(let complete) = variant.message.message {
            $0.load = complete.load; $0.latencyUs = complete.latencyUs
          }
        })
      #expect(!registry.text.isEmpty)
      dispatcher.expire(at: bench.now)
    }
  }
}
