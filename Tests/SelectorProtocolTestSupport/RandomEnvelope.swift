import Foundation
package import SelectorProtocol
import SwiftProtobuf

/// Makes envelopes of all kinds, with fields that are set or not, short and long, usual and odd.
package struct RandomEnvelope {
  private var generator: any RandomNumberGenerator

  /// Draws from a generator.
  package init(_ generator: any RandomNumberGenerator) {
    self.generator = generator
  }

  /// Another envelope.
  package mutating func next() -> Tonari_Selector_V1_Envelope {
    var envelope = Tonari_Selector_V1_Envelope()
    envelope.id = number()
    switch below(15) {
    case 0: envelope.pick = pick()
    case 1: envelope.picked = picked()
    case 2: envelope.complete = complete()
    case 3: envelope.completed = Tonari_Selector_V1_CompleteResponse()
    case 4: envelope.report = report()
    case 5: envelope.reported = Tonari_Selector_V1_ReportResponse()
    case 6:
      envelope.register = .with {
        $0.service = text()
        for _ in 0..<below(4) { $0.replicas.append(replica()) }
        $0.lifetimeMs = small()
      }
    case 7: envelope.registered = .with { $0.lifetimeMs = small() }
    case 8:
      envelope.deregister = .with {
        $0.service = text()
        $0.addresses = texts()
        $0.drain = flag()
      }
    case 9: envelope.deregistered = Tonari_Selector_V1_DeregisterResponse()
    case 10:
      envelope.watch = .with {
        $0.services = texts()
        $0.intervalMs = small()
      }
    case 11: envelope.watched = watched()
    case 12:
      envelope.error = .with {
        $0.code = small()
        $0.message = text()
        if flag() { $0.retryAfterMs = small() }
      }
    case 13: envelope.pick = .with { $0.service = text() }
    default: break
    }
    return envelope
  }

  /// Bytes that are changed here and there, so that some still are a message.
  package mutating func mutated(_ bytes: [UInt8], with other: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...below(4) {
      let place = below(bytes.count + 1)
      switch below(8) {
      case 0: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
      case 1 where place < bytes.count: bytes.remove(at: place)
      case 2 where place < bytes.count: bytes[place] ^= 1 << UInt8(below(8))
      case 3 where place < bytes.count: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x12, 0xC0][below(8)]
      case 4: bytes.removeSubrange(place...)
      case 5: bytes.append(contentsOf: other)
      case 6: bytes.insert(contentsOf: bytes[place...].prefix(below(12)), at: place)
      default:
        if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &generator) }
      }
    }
    return bytes
  }

  /// A number from zero up to a limit.
  package mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &generator) }

  private mutating func flag() -> Bool { below(2) == 0 }

  private mutating func number() -> UInt64 {
    switch below(4) {
    case 0: 0
    case 1: UInt64(below(200))
    case 2: .random(in: 0...UInt64(UInt32.max), using: &generator)
    default: .random(in: 0 ... .max, using: &generator)
    }
  }

  private mutating func small() -> UInt32 { UInt32(truncatingIfNeeded: number()) }

  private mutating func real() -> Double {
    switch below(6) {
    case 0: 0
    case 1: -0.0
    case 2: .nan
    case 3: .infinity
    default: Double.random(in: -1...1e6, using: &generator)
    }
  }

  private mutating func text() -> String {
    switch below(6) {
    case 0: ""
    case 1: "default/checkout"
    case 2: "10.0.\(below(256)).\(below(256)):8080"
    case 3: "隣 \u{1F600} ä"
    case 4: String(repeating: "x", count: below(300))
    default: "name-\(below(1000))"
    }
  }

  private mutating func texts() -> [String] {
    var texts: [String] = []
    for _ in 0..<below(6) { texts.append(text()) }
    return texts
  }

  private mutating func locality() -> Tonari_Selector_V1_Locality {
    .with {
      $0.node = text()
      $0.zone = text()
      $0.cluster = text()
    }
  }

  private mutating func pick() -> Tonari_Selector_V1_PickRequest {
    .with {
      $0.service = text()
      if flag() { $0.from = locality() }
      if flag() { $0.key.append(contentsOf: text().utf8) }
      if flag() { $0.excluded = texts() }
      if flag() { $0.labels = texts() }
      $0.retry = flag()
      $0.alternatives = small()
      if flag() { $0.hops = small() }
    }
  }

  private mutating func picked() -> Tonari_Selector_V1_PickResponse {
    .with {
      $0.pickID = number()
      $0.address = text()
      $0.tier = Tonari_Selector_V1_Tier(rawValue: below(6) - 1) ?? .remote
      $0.panic = flag()
      $0.alternatives = texts()
      if flag() { $0.hops = small() }
      if flag() { $0.pickKey = Data((0..<16).map { _ in UInt8(truncatingIfNeeded: below(256)) }) }
    }
  }

  private mutating func complete() -> Tonari_Selector_V1_CompleteRequest {
    .with {
      $0.pickID = number()
      $0.outcome = Tonari_Selector_V1_Outcome(rawValue: below(6) - 1) ?? .success
      $0.latencyUs = number()
      if flag() { $0.servedBy = text() }
      if flag() { $0.load = load() }
      if flag() { $0.pickKey = Data((0..<below(20)).map { _ in UInt8(truncatingIfNeeded: below(256)) }) }
    }
  }

  private mutating func load() -> Tonari_Selector_V1_Load {
    .with {
      if flag() { $0.inFlight = small() }
      if flag() { $0.queued = small() }
      $0.cpuUtilization = real()
      $0.latencyUs = number()
      if flag() { $0.requestsPerSecond = real() }
      if flag() { $0.errorsPerSecond = real() }
    }
  }

  private mutating func report() -> Tonari_Selector_V1_ReportRequest {
    .with {
      $0.service = text()
      $0.address = text()
      if flag() { $0.load = load() }
    }
  }

  private mutating func replica() -> Tonari_Selector_V1_Replica {
    .with {
      $0.address = text()
      if flag() { $0.locality = locality() }
      $0.weight = real()
      $0.concurrency = small()
      $0.labels = texts()
      $0.state = Tonari_Selector_V1_State(rawValue: below(6) - 1) ?? .ready
    }
  }

  private mutating func overflow() -> Tonari_Selector_V1_OverflowStatus {
    .with {
      $0.cluster = text()
      $0.dryRun = flag()
      $0.arrivals = number()
      $0.received = number()
      $0.shed = number()
      $0.demandPerMinute = real()
      $0.capacityPerMinute = real()
      $0.admittedPerMinute = real()
      for _ in 0..<below(3) {
        $0.neighbours.append(
          .with {
            $0.name = text()
            $0.sent = number()
            $0.sentPerMinute = real()
            if flag() { $0.headroomPerMinute = real() }
            $0.roomPerMinute = real()
            $0.down = flag()
          })
      }
    }
  }

  private mutating func watched() -> Tonari_Selector_V1_WatchResponse {
    .with {
      $0.service = text()
      $0.revision = number()
      for _ in 0..<below(3) {
        $0.replicas.append(
          .with {
            if flag() { $0.replica = replica() }
            $0.inFlight = small()
            $0.others = real()
            $0.ejected = flag()
            $0.serviceTimeUs = number()
            if flag() { $0.load = load() }
            $0.loadAgeMs = small()
            $0.picks = number()
            $0.failures = number()
          })
      }
      $0.gone = flag()
      $0.policy = text()
      if flag() {
        $0.picks = .with {
          $0.remote = number()
          $0.node = number()
          $0.zone = number()
          $0.cluster = number()
          $0.panic = number()
          $0.none = number()
        }
      }
      if flag() { $0.overflow = overflow() }
    }
  }
}

/// How many random messages a test tries.
package enum FuzzRounds {
  /// The number in `TONARI_FUZZ` in the environment where it is set.
  package static let count = ProcessInfo.processInfo.environment["TONARI_FUZZ"].flatMap { Int($0) } ?? 200_000
}

/// The memory of the process that is in use, in bytes.
package func residentMemory() -> Int {
  let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
  return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
}
