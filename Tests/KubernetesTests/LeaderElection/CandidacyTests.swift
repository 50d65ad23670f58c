import Testing

@testable import Connections
@testable import Formats
@testable import Kubernetes
@testable import Model

struct CandidacyTests {
  static let start = ContinuousClock.now
  static let time = Timestamp(microseconds: 1_700_000_000_000_000)

  static func candidacy(_ identity: String = "me") -> Candidacy {
    Candidacy(.init(lease: ObjectKey(namespace: "n", name: "l"), identity: identity))
  }

  static func record(_ holder: String, renewed: Int64 = 0, duration: Duration = .seconds(15)) -> LeaseRecord {
    LeaseRecord(
      holder: holder, duration: duration, acquireTime: time, renewTime: Timestamp(microseconds: renewed),
      transitions: 3)
  }

  /// What a candidate sees one after the other, and whether it reaches for the lease the last time.
  struct Case: Sendable, CustomStringConvertible {
    var description: String
    var seen: [(at: Int64, record: LeaseRecord?)]
    var reaches: Bool
  }

  static let cases = [
    Case(description: "there is no lease", seen: [(0, nil)], reaches: true),
    Case(description: "nobody holds it", seen: [(0, record(""))], reaches: true),
    Case(description: "it is ours already", seen: [(0, record("me"))], reaches: true),
    Case(description: "it was just seen", seen: [(0, record("you"))], reaches: false),
    Case(
      description: "it has stood still for a while", seen: [(0, record("you")), (14, record("you"))], reaches: false),
    Case(description: "it has run out", seen: [(0, record("you")), (15, record("you"))], reaches: true),
    Case(
      description: "it was renewed in between",
      seen: [(0, record("you")), (10, record("you", renewed: 10)), (20, record("you", renewed: 10))], reaches: false),
    Case(
      description: "it was renewed, and has run out since",
      seen: [(0, record("you")), (10, record("you", renewed: 10)), (25, record("you", renewed: 10))], reaches: true),
    Case(
      description: "the holder's clock is years behind", seen: [(0, record("you", renewed: -1)), (1, record("you"))],
      reaches: false),
    Case(
      description: "the holder's clock is years ahead",
      seen: [(0, record("you", renewed: .max)), (15, record("you", renewed: .max))], reaches: true),
    Case(
      description: "the holder promised a longer time",
      seen: [(0, record("you", duration: .seconds(60))), (30, record("you", duration: .seconds(60)))], reaches: false),
    Case(
      description: "the holder promised no time",
      seen: [(0, record("you", duration: .zero)), (14, record("you", duration: .zero))], reaches: false),
    Case(
      description: "it has changed hands", seen: [(0, record("you")), (20, record("them")), (30, record("them"))],
      reaches: false),
    Case(description: "it was deleted", seen: [(0, record("you")), (1, nil)], reaches: true),
  ]

  @Test("A candidate reaches for a lease that is free, its own, or has run out", arguments: cases)
  func reaching(_ test: Case) {
    var candidacy = Self.candidacy()
    var wish: LeaseRecord?
    for (at, record) in test.seen {
      wish = candidacy.see(record, at: Self.start + .seconds(at), time: Self.time)
    }
    #expect((wish != nil) == test.reaches)
    guard let wish else { return }
    #expect(wish.holder == "me")
    #expect(wish.renewTime == Self.time)
    let last = test.seen.last?.record ?? nil
    #expect(wish.transitions == (last.map { $0.holder == "me" ? $0.transitions : $0.transitions + 1 } ?? 0))
  }

  @Test("A leader leads from when it sent its last renewal until the deadline, and not longer")
  func leading() {
    var candidacy = Self.candidacy()
    #expect(!candidacy.isLeading(at: Self.start))
    candidacy.wrote(Self.record("me"), sentAt: Self.start)
    #expect(candidacy.isLeading(at: Self.start + .milliseconds(9_999)))
    #expect(!candidacy.isLeading(at: Self.start + .seconds(10)))
    candidacy.wrote(Self.record("me", renewed: 1), sentAt: Self.start + .seconds(4))
    #expect(candidacy.leadsUntil == Self.start + .seconds(14))
    candidacy.stepDown(at: Self.start + .seconds(13))
    #expect(candidacy.leadsUntil != nil)
    candidacy.stepDown(at: Self.start + .seconds(14))
    #expect(candidacy.leadsUntil == nil)
  }

  @Test("A leader that sees somebody else hold the lease leads no more")
  func overthrown() {
    var candidacy = Self.candidacy()
    candidacy.wrote(Self.record("me"), sentAt: Self.start)
    #expect(candidacy.see(Self.record("you"), at: Self.start + .seconds(1), time: Self.time) == nil)
    #expect(!candidacy.isLeading(at: Self.start + .seconds(1)))
    #expect(candidacy.holder == "you")
  }

  @Test("A lease that is handed over is free for the next at once")
  func release() throws {
    var candidacy = Self.candidacy()
    #expect(candidacy.release(at: Self.start, time: Self.time) == nil)
    candidacy.wrote(Self.record("me"), sentAt: Self.start)
    let record = try #require(candidacy.release(at: Self.start + .seconds(1), time: Self.time))
    #expect(record.holder.isEmpty)
    var next = Self.candidacy("next")
    #expect(next.see(record, at: Self.start, time: Self.time) != nil)
    candidacy.wrote(record, sentAt: Self.start + .seconds(1))
    #expect(!candidacy.isLeading(at: Self.start + .seconds(1)))
  }

  @Test("However requests are lost and late, two never lead at once, and somebody does in the end")
  func safety() {
    for seed in 0..<200 {
      var generator = SeededGenerator(seed: UInt64(seed))
      var lease: (record: LeaseRecord, version: Int)?
      var candidates = ["a", "b", "c"].map { Self.candidacy($0) }
      // Clocks that are set anyhow.
      let skews = candidates.map { _ in Int64.random(in: -1_000_000_000...1_000_000_000, using: &generator) }
      var led = 0
      for step in 0..<400 {
        // A candidate reads, and its write arrives up to some seconds later, or never.
        let now = Self.start + .seconds(Int64(step))
        let index = Int.random(in: 0..<3, using: &generator)
        let read = lease
        let wall = Timestamp(microseconds: Int64(step) * 1_000_000 + skews[index])
        if let record = candidates[index].see(read?.record, at: now, time: wall) {
          let arrives = Int.random(in: 0..<4, using: &generator) > 0
          if arrives, lease?.version == read?.version {
            lease = (record, (read?.version ?? 0) + 1)
            // The answer may be lost though the write was not.
            if Int.random(in: 0..<4, using: &generator) > 0 { candidates[index].wrote(record, sentAt: now) }
          }
        }
        let leaders = candidates.filter { $0.isLeading(at: now) }.count
        #expect(leaders <= 1)
        led += leaders
      }
      #expect(led > 100)
    }
  }

  @Test("A record is what it was after it was written, and other fields of the spec stay")
  func roundTrip() {
    let record = Self.record("me", renewed: 5)
    var spec: JSONValue = ["strategy": "OldestEmulationVersion", "holderIdentity": "you"]
    record.write(to: &spec)
    #expect(LeaseRecord(spec: spec) == record)
    #expect(spec["strategy"]?.string == "OldestEmulationVersion")
    var part = record
    part.duration = .milliseconds(2001)
    part.write(to: &spec)
    #expect(spec["leaseDurationSeconds"]?.integer == 3)
  }
}
