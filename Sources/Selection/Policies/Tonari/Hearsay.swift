import Model

/// What others' words make of the pace that is expected of a replica, as long as they are fresh: those of another
/// selector, which saw its requests, make it slower or faster, its own only slower.
struct Hearsay: Sendable {
  /// How much slower, as a share, and when that was heard.
  private struct Part: Sendable {
    var excess = 0.0
    var heard = Moment.start

    func factor(_ table: ReplicaTable, _ now: Moment) -> Double {
      excess > 0 ? 1 + excess * table.freshness(of: heard, at: now) : 1
    }
  }

  /// Processors that are busy with what is not ours.
  private var crowding = Part()
  /// Requests that fail, whoever sent them.
  private var failing = Part()

  /// What another selector saw, how far that is to be believed, and when it was heard.
  private var seconds = 0.0
  private var trust = 0.0
  private var told = Moment.start

  /// The share of its processors that is left to us at least, however busy the others are.
  private static let leastLeft = 0.2

  /// Whether it changes nothing.
  var isEmpty: Bool { crowding.excess == 0 && failing.excess == 0 && trust == 0 }

  /// How many seconds a request is expected to take where one takes `everybody` seconds anywhere.
  func expected(_ everybody: Double, _ table: ReplicaTable, _ now: Moment) -> Double {
    let trust = trust > 0 ? trust * table.freshness(of: told, at: now) : 0
    return (everybody + (seconds - everybody) * trust) * crowding.factor(table, now) * failing.factor(table, now)
  }

  /// Notes what another selector saw. That is believed in full from so many completions on.
  mutating func hear(_ pace: ServicePace, _ slot: Int, _ table: ReplicaTable, enough completions: Double, _ now: Moment)
  {
    // Where nobody knows how many requests it works on at a time, what is expected is the time of one alone.
    seconds = table.concurrency(slot) == nil ? pace.seconds * 2 / (pace.concurrency + 1) : pace.seconds
    trust = min(1, pace.completions / completions)
    told = now
  }

  /// Notes a report. A failed request counts as so many others' time.
  mutating func hear(_ report: LoadReport, _ slot: Int, _ table: ReplicaTable, failureCost: Double, _ now: Moment) {
    if let used = report.cpuUtilization {
      // Requests that we know of explain as much as they can; only the rest is somebody else's.
      let requests = table.requests(slot, at: now)
      let explained = table.concurrency(slot).map { requests / Double($0) } ?? (requests > 0 ? 1 : 0)
      let others = max(0, min(1, used) - min(1, explained))
      crowding = Part(excess: 1 / max(Self.leastLeft, 1 - others) - 1, heard: now)
    }
    if let share = report.errorShare {
      // With half of them failing, each success costs a failure; worse than that is as bad as it gets.
      let failures = min(share, 0.5)
      failing = Part(excess: failureCost * failures / (1 - failures), heard: now)
    }
  }
}
