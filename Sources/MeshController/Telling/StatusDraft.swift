import Fleet
import Overflow
import Report

/// Makes a policy's status, and says when it is worth writing.
enum StatusDraft {
  /// The service's autoscaler, and how overflow goes with it.
  struct Scaling: Hashable, Sendable {
    var autoscaler: Autoscaler
    var verdict: ScalingWatch.Verdict
  }

  /// What goes into a status besides the decision.
  struct Circumstances {
    /// The version of the spec.
    var generation: Int64?
    /// Why the policy cannot be followed, as a word and a sentence; nil where it can.
    var fault: (reason: String, message: String)?
    /// Why nothing was measured; nil where nobody says.
    var measureFault: String?
    var readyPods: Int?
    /// The shares that the route has, or would have where the policy only tries; nil where they are not known, or selectors
    /// split.
    var written: Split?
    /// Neighbours that the route has no destination of.
    var unreachable: [String] = []
    /// Nil where the service has no autoscaler.
    var scaling: Scaling?
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
    } else if !circumstances.unreachable.isEmpty {
      say(
        OverflowPolicy.Condition.ready, true, "Followed",
        "nothing goes to \(circumstances.unreachable.joined(separator: ", ")): the route has no such destination")
    } else {
      say(OverflowPolicy.Condition.ready, true, "Followed", "requests go where the policy says")
    }
    guard let policy, let decision else {
      // Nobody measures for it any more.
      status.demandPerMinute = nil
      return status
    }
    status.demandPerMinute = decision.demandPerMinute.map(rounded)
    status.capacityPerMinute = rounded(decision.capacityPerMinute)
    status.readyPods = circumstances.readyPods
    switch decision.phase {
    case .steering: say(OverflowPolicy.Condition.measured, true, "Measured", "there are fresh figures")
    case .waiting, .holding, .home:
      let what = decision.phase == .home ? "requests stay in this cluster" : "weights stay as they are"
      let why = decision.missing ?? circumstances.measureFault
      say(
        OverflowPolicy.Condition.measured, false, decision.missing == nil ? "NoMeasurement" : "NotFound",
        why.map { "\($0); \(what)" } ?? "nothing was measured; \(what)")
    }
    if let scaling = circumstances.scaling {
      let (holds, reason, message) = scaling.said(by: policy)
      say(OverflowPolicy.Condition.scaling, holds, reason, message)
    } else {
      status.conditions?.removeAll { $0.type == OverflowPolicy.Condition.scaling }
    }
    // What is in a route is said, not what was wanted; selectors have none.
    let isByWeights = policy.spec.mode == .weights
    guard let split = isByWeights ? circumstances.written : decision.split,
      isByWeights || decision.phase == .steering || decision.phase == .home
    else { return status }
    status.localShare = rounded(split.local)
    status.shedShare = rounded(decision.split.shed)
    status.neighbours = zip(decision.neighbours, split.remote).map { neighbour, share in
      OverflowPolicy.NeighbourStatus(
        name: neighbour.name, share: rounded(share),
        headroomPerMinute: neighbour.headroom.map { rounded($0.perMinute) },
        isDown: decision.failing.contains(neighbour.name) ? true : nil)
    }
    let receivers = zip(policy.spec.neighbours, split.remote).filter { $0.1 > 0 }.map(\.0.name)
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
  fileprivate static func rounded(_ value: Double) -> Double {
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

extension StatusDraft.Scaling {
  /// Whether pods follow what is asked of the service, and why, as a word and a sentence.
  fileprivate func said(by policy: OverflowPolicy) -> (Bool, String, String) {
    let (pods, most) = (autoscaler.current, autoscaler.most)
    let who = "HorizontalPodAutoscaler \(autoscaler.name)"
    switch verdict {
    case .fits: return (true, "Fits", "\(who) has \(pods) of up to \(most) pods")
    case .bridges:
      return (true, "Bridges", "requests overflow until \(who), at \(pods) of up to \(most) pods, has added some")
    case .atMost: return (true, "AtMost", "\(who) is at its most, \(most) pods: what is too much overflows")
    case .fixedCapacity:
      return (
        false, "FixedCapacity",
        "\(who) may add pods, and capacity.perMinute stays as it is: overflow does not end by them; expected "
          + "capacity.perPodPerMinute"
      )
    case .neverScales(let metric):
      let figure = metric.map { metric in
        let current = metric.current.map { "\(StatusDraft.rounded($0)) of " } ?? ""
        // An autoscaler's metric may have any name.
        let name = Substring(metric.name.unicodeScalars.prefix(253)).printable
        return "its \(name) is \(current)\(StatusDraft.rounded(metric.target))"
      }
      return (
        false, "ThresholdTooHigh",
        "\(who) stays at \(pods) of up to \(most) pods while requests overflow: \(figure ?? "it names no figure"), above what "
          + "overflow lets through; expected it to scale by tonari_overflow_demand_per_minute, at no more for each pod than "
          + "it bears"
      )
    }
  }
}
