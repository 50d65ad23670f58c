import Overflow
import OverflowPolicies

/// Makes a policy's status, and says when it is worth writing.
enum StatusDraft {
  /// What goes into a status besides the decision.
  struct Circumstances {
    /// The version of the spec.
    var generation: Int64?
    /// Why the policy cannot be followed, as a word and a sentence; nil where it can.
    var fault: (reason: String, message: String)?
    /// Why nothing was measured; nil where nobody says.
    var measureFault: String?
    var readyPods: Int?
    /// What time it is, as RFC 3339 text.
    var time: String
  }

  /// Changes of figures are written no more often than this, in seconds.
  static let pause = 10.0

  /// The status after a decision; without one, the policy cannot be read or was not looked at yet.
  static func status(
    _ policy: OverflowPolicy?, _ decision: PolicyCourse.Decision?, _ circumstances: Circumstances,
    before: OverflowPolicy.Status?
  ) -> OverflowPolicy.Status {
    var status = before ?? OverflowPolicy.Status()
    status.observedGeneration = circumstances.generation
    status.updated = circumstances.time
    func say(_ type: String, _ holds: Bool, _ reason: String, _ message: String) {
      status.set(
        OverflowPolicy.Condition(
          type, holds, reason: reason, message: message, since: circumstances.time,
          observedGeneration: circumstances.generation))
    }
    if let fault = circumstances.fault {
      say(OverflowPolicy.Condition.ready, false, fault.reason, fault.message)
    } else if policy?.spec.isDryRun == true {
      say(OverflowPolicy.Condition.ready, true, "DryRun", "what would be done is said, and not done")
    } else {
      say(OverflowPolicy.Condition.ready, true, "Followed", "requests go where the policy says")
    }
    guard let policy, let decision else { return status }

    status.demandPerMinute = decision.demandPerMinute.map(rounded)
    status.capacityPerMinute = rounded(decision.capacityPerMinute)
    status.readyPods = circumstances.readyPods
    switch decision.phase {
    case .steering: say(OverflowPolicy.Condition.measured, true, "Measured", "there are fresh figures")
    case .waiting, .holding:
      say(
        OverflowPolicy.Condition.measured, false, "NoMeasurement",
        circumstances.measureFault ?? "nothing was measured; weights stay as they are")
    case .home:
      say(
        OverflowPolicy.Condition.measured, false, "NoMeasurement",
        circumstances.measureFault ?? "nothing was measured for long; requests stay in this cluster")
    }
    guard decision.phase == .steering || decision.phase == .home else { return status }
    status.localShare = rounded(decision.split.local)
    status.shedShare = rounded(decision.split.shed)
    status.neighbours = zip(decision.neighbours, decision.split.remote).map { neighbour, share in
      OverflowPolicy.NeighbourStatus(
        name: neighbour.name, share: rounded(share),
        headroomPerMinute: neighbour.headroom.map { rounded($0.perMinute) },
        isDown: decision.failing.contains(neighbour.name) ? true : nil)
    }
    let receivers = zip(policy.spec.neighbours, decision.split.remote).filter { $0.1 > 0 }.map(\.0.name)
    if receivers.isEmpty {
      say(OverflowPolicy.Condition.overflowing, false, "Fits", "all requests stay in this cluster")
    } else {
      say(
        OverflowPolicy.Condition.overflowing, true, "Overflow",
        "requests go to \(receivers.joined(separator: ", ")), too")
    }
    return status
  }

  /// Four digits that count are enough to read.
  private static func rounded(_ value: Double) -> Double {
    guard value.isFinite else { return 0 }
    return value.magnitude >= 1000 ? value.rounded() : (value * 1e4).rounded() / 1e4
  }

  /// Whether a status is to be written: at once where a condition is another, and where figures have moved a while
  /// after the last time.
  ///
  /// - Parameter seconds: how long ago it was written last; nil for never by this process.
  static func isWorthWriting(
    _ status: OverflowPolicy.Status, over written: OverflowPolicy.Status?, after seconds: Double?
  ) -> Bool {
    guard let written else { return true }
    func truths(_ status: OverflowPolicy.Status) -> [String] {
      (status.conditions ?? []).map { "\($0.type) \($0.status) \($0.reason)" }.sorted()
    }
    if truths(status) != truths(written) || status.observedGeneration != written.observedGeneration { return true }
    guard seconds.map({ $0 >= pause }) ?? true else { return false }
    func moved(_ a: Double?, _ b: Double?, relative: Double, least: Double) -> Bool {
      guard let a, let b else { return (a == nil) != (b == nil) }
      return abs(a - b) > max(least, relative * max(a.magnitude, b.magnitude))
    }
    let (new, old) = (status.neighbours ?? [], written.neighbours ?? [])
    return moved(status.demandPerMinute, written.demandPerMinute, relative: 0.05, least: 1)
      || moved(status.capacityPerMinute, written.capacityPerMinute, relative: 0.01, least: 0)
      || moved(status.localShare, written.localShare, relative: 0, least: 0.005)
      || moved(status.shedShare, written.shedShare, relative: 0, least: 0.005)
      || status.readyPods != written.readyPods || new.map(\.name) != old.map(\.name)
      || status.conditions?.map(\.message) != written.conditions?.map(\.message)
      || zip(new, old).contains { a, b in
        moved(a.share, b.share, relative: 0, least: 0.005) || a.isDown != b.isDown
          || moved(a.headroomPerMinute, b.headroomPerMinute, relative: 0.1, least: 10)
      }
  }
}
