/// What was decided for pods, until they are bound. It stays small whatever is asked: what is old goes, the oldest first.
struct DecisionStore: Sendable {
  private struct Entry {
    var decision: SchedulerWebhook.Decision
    var serial: Int
    var size: Int
    var expiry: ContinuousClock.Instant
  }

  /// More pods than that are not bound between two looks at the watch.
  static let mostDecisions = 8192
  /// What they take, in bytes.
  static let mostBytes = 16 << 20
  /// A scheduler asks for a pod that waits again every few minutes.
  static let lifetime = Duration.seconds(3600)

  private var entries: [String: Entry] = [:]
  /// The pods in the order in which they were decided about. One that was decided about again, or is gone, is passed over
  /// where its number is old.
  private var order: [(uid: String, serial: Int)] = []
  /// Where in ``order`` the oldest is.
  private var first = 0
  private var nextSerial = 0
  /// What all decisions take, in bytes.
  private(set) var bytes = 0

  /// For how many pods something was decided.
  var count: Int { entries.count }

  /// What was decided for a pod.
  subscript(uid: String) -> SchedulerWebhook.Decision? { entries[uid]?.decision }

  /// Takes a decision in place of the one before for its pod.
  mutating func insert(_ decision: SchedulerWebhook.Decision, at now: ContinuousClock.Instant) {
    let uid = decision.pod.uid
    guard !uid.isEmpty else { return }
    remove(uid)
    let size = decision.size
    entries[uid] = Entry(decision: decision, serial: nextSerial, size: size, expiry: now + Self.lifetime)
    bytes += size
    order.append((uid, nextSerial))
    nextSerial += 1
    while count > Self.mostDecisions || bytes > Self.mostBytes { removeOldest() }
    // What is passed over takes no more than what counts.
    if order.count > 2 * count + 64 {
      order = order.dropFirst(first).filter { entries[$0.uid]?.serial == $0.serial }
      first = 0
    }
  }

  /// Forgets a pod; answers what was decided for it.
  @discardableResult
  mutating func remove(_ uid: String) -> SchedulerWebhook.Decision? {
    guard let entry = entries.removeValue(forKey: uid) else { return nil }
    bytes -= entry.size
    return entry.decision
  }

  /// Forgets what was decided long ago.
  mutating func expire(at now: ContinuousClock.Instant) {
    while first < order.count {
      let oldest = order[first]
      if let entry = entries[oldest.uid], entry.serial == oldest.serial {
        guard entry.expiry <= now else { return }
        remove(oldest.uid)
      }
      first += 1
    }
  }

  private mutating func removeOldest() {
    guard first < order.count else { return }
    let oldest = order[first]
    if entries[oldest.uid]?.serial == oldest.serial { remove(oldest.uid) }
    first += 1
  }
}

extension SchedulerWebhook.Decision {
  /// What it takes, in bytes: its texts, those of the identity once more, and what is around them.
  fileprivate var size: Int {
    let texts = [
      pod.uid, pod.name, pod.namespace, pod.annotation, pod.owner?.kind, pod.owner?.name, pod.templateHash,
      pod.revisionHash, identity.workload.description, identity.revision,
    ]
    return texts.reduce(512) { $0 + ($1?.utf8.count ?? 0) }
  }
}
