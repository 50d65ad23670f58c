/// The labels that requests ask for, one bit each: those of the last ``most`` that any did. A service's replicas may have
/// any number of others, such as the names of pods, which nobody asks for.
struct LabelBits: Sendable {
  /// How many labels have bits at a time.
  static let most = 64

  /// The slots of the replicas that have a label.
  typealias Holders = [String: [Int]]

  private struct Asked: Sendable {
    var label: String
    /// The turn of the last request for it.
    var turn: UInt64
  }

  private var numbers: [String: Int] = [:]
  /// By bit.
  private var asked: [Asked] = []
  private var turn: UInt64 = 0
  /// Nil as long as no request asks for any label, so that other services pay nothing.
  private var holders: Holders?

  /// Whether any request ever asked for a label.
  var areAsked: Bool { holders != nil }

  /// The bits of labels that a request asks for; nil where one of them has none yet.
  mutating func bits(of labels: [String]) -> UInt64? {
    turn &+= 1
    var bits: UInt64 = 0
    for label in labels {
      guard let number = numbers[label] else { return nil }
      asked[number].turn = turn
      bits |= 1 << number
    }
    return bits
  }

  /// The bits of labels that a request asks for, after those that have none got one, of labels that were not asked for the
  /// longest; nil where these are too many for one request.
  mutating func assign<Policy>(_ labels: [String], in selector: inout ReplicaSelector<Policy>) -> UInt64? {
    let holders = self.holders ?? Self.holders(in: selector.table)
    self.holders = holders
    turn &+= 1
    for label in labels {
      if let number = numbers[label] { asked[number].turn = turn }
    }
    for label in labels where numbers[label] == nil {
      let number: Int
      if asked.count < Self.most {
        number = asked.count
        asked.append(Asked(label: label, turn: turn))
      } else {
        guard let oldest = asked.indices.min(by: { asked[$0].turn < asked[$1].turn }), asked[oldest].turn < turn else {
          return nil
        }
        number = oldest
        numbers[asked[number].label] = nil
        selector.set(labels: 1 << number, false, in: holders[asked[number].label] ?? [])
        asked[number] = Asked(label: label, turn: turn)
      }
      numbers[label] = number
      selector.set(labels: 1 << number, true, in: holders[label] ?? [])
    }
    return bits(of: labels)
  }

  /// Sets the bits of the replicas there are now.
  ///
  /// - Parameter holders: who has which label; nil where that was not found out beforehand.
  mutating func arrange<Policy>(_ holders: Holders?, in selector: inout ReplicaSelector<Policy>) {
    guard areAsked else { return }
    let holders = holders ?? Self.holders(in: selector.table)
    self.holders = holders
    for (label, number) in numbers { selector.set(labels: 1 << number, true, in: holders[label] ?? []) }
  }

  /// Who of a table has which label.
  static func holders(in table: ReplicaTable) -> Holders {
    holders(of: table.ids.lazy.compactMap { id in table.replica(id).map { (id.slot, $0.labelNames) } })
  }

  /// Who of some replicas has which label.
  static func holders(of replicas: some Sequence<(slot: Int, labels: [String])>) -> Holders {
    var holders: Holders = [:]
    for (slot, labels) in replicas {
      for label in labels { holders[label, default: []].append(slot) }
    }
    return holders
  }
}
