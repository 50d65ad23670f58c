import Model

/// Decides when to look at the cluster, and whether what is seen there asks for another plan. Time is handed in.
///
/// A change is looked at when things have settled, and not before the last plan is old enough; without any change, the
/// plan is made anew when it gets too old, because much that is not watched for changes slowly.
package struct PlanPacing: Sendable {
  /// How patient to be.
  package struct Settings: Hashable, Sendable {
    /// The time from a change to the look at it, in which more may change.
    package var settling = Duration.seconds(5)
    /// The least time between two plans, begun or done.
    package var minimumInterval = Duration.seconds(60)
    /// After this time the plan is made anew, whether or not anything has changed.
    package var maximumAge = Duration.seconds(3600)
    /// How far the traffic must be from what it was, from 0 to 1: ``PlanBasis/trafficDistance(from:)``.
    package var trafficThreshold = 0.1

    /// Makes settings.
    package init() {}
  }

  /// What to do.
  package enum Step: Hashable, Sendable {
    /// Nothing until then; nil for until something changes.
    case wait(until: ContinuousClock.Instant?)
    /// Look at the cluster.
    case look
  }

  /// Why there is to be another plan.
  package enum Reason: Hashable, Sendable, CustomStringConvertible {
    /// There is no plan of that name.
    case missing
    /// This process has made none yet, and does not know what the one that stands was made from.
    case unknown
    /// The plan that stands cannot be followed any more.
    case broken
    /// Workloads have come or gone, or have other replicas or requests.
    case workloads
    /// Nodes have come or gone, or are others.
    case nodes
    /// The traffic is so far from what it was.
    case traffic(distance: Double)
    /// The plan is old.
    case age

    /// For a log.
    package var description: String {
      switch self {
      case .missing: "there is none"
      case .unknown: "this process has made none yet"
      case .broken: "the current one breaks constraints"
      case .workloads: "the workloads have changed"
      case .nodes: "the nodes have changed"
      case .traffic(let distance): "\(Int(saturating: (distance * 100).rounded())) % of the traffic is elsewhere"
      case .age: "it is old"
      }
    }
  }

  private let settings: Settings
  /// When something changed that has not been looked at.
  private var noticedAt: ContinuousClock.Instant?
  /// What the last plan was made from, and when.
  private var last: (basis: PlanBasis?, at: ContinuousClock.Instant)?

  /// Makes a pacing that has seen nothing yet: it looks as soon as something has changed.
  package init(_ settings: Settings = Settings()) {
    self.settings = settings
  }

  /// Something has changed.
  package mutating func noticed(at now: ContinuousClock.Instant) {
    if noticedAt == nil { noticedAt = now }
  }

  /// The cluster cannot be seen as it is now: things have to settle again.
  package mutating func deferred(at now: ContinuousClock.Instant) {
    noticedAt = now
  }

  /// What to do now.
  package func step(at now: ContinuousClock.Instant) -> Step {
    var due = noticedAt.map { $0 + settings.settling }
    if let last {
      due = due.map { max($0, last.at + settings.minimumInterval) }
      let old = last.at + max(settings.maximumAge, settings.minimumInterval)
      due = min(due ?? old, old)
    }
    guard let due else { return .wait(until: nil) }
    return due <= now ? .look : .wait(until: due)
  }

  /// The cluster was looked at. Answers why it asks for another plan; nil where it does not.
  ///
  /// - Parameters:
  ///   - basis: what a plan would be made from.
  ///   - isSound: whether the plan that stands can be followed; nil where there is none.
  ///   - now: when it was looked at.
  package mutating func looked(_ basis: PlanBasis, isSound: Bool?, at now: ContinuousClock.Instant) -> Reason? {
    noticedAt = nil
    guard let isSound else { return .missing }
    guard isSound else { return .broken }
    guard let last, let known = last.basis else { return .unknown }
    if basis.workloads != known.workloads || basis.resources != known.resources { return .workloads }
    if basis.nodes != known.nodes { return .nodes }
    let distance = basis.trafficDistance(from: known)
    if distance > settings.trafficThreshold { return .traffic(distance: distance) }
    return now >= last.at + settings.maximumAge ? .age : nil
  }

  /// A plan was made or tried.
  ///
  /// - Parameters:
  ///   - basis: what it was made from; nil where it came to nothing, so that it is tried again.
  ///   - now: when it was begun.
  package mutating func planned(_ basis: PlanBasis?, at now: ContinuousClock.Instant) {
    last = (basis, now)
    if basis == nil { noticedAt = now }
  }
}
