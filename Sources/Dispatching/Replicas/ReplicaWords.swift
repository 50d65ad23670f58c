public import Selection

/// What a replica says of itself.
public struct ReplicaWord: Hashable, Sendable {
  /// Where it is in its life; nil for what is known otherwise.
  public var state: ReplicaState?
  /// Its load; nil where it says nothing of it.
  public var load: LoadReport?
  /// When it was said.
  public var said: Moment
  /// Until when it holds, for services of which the replica is not known yet.
  public var until: Moment

  /// Makes a word.
  public init(state: ReplicaState?, load: LoadReport?, said: Moment, until: Moment) {
    self.state = state
    self.load = load
    self.said = said
    self.until = until
  }
}

/// The last word of each replica, be it known or not, for as long as it holds. There is room for so many in all and of each
/// cluster; beyond, what is new is not kept.
struct ReplicaWords: Sendable {
  static let most = 1 << 16
  static let mostOfCluster = 1 << 15
  /// The time between two looks for those that are over.
  private static let interval = Duration.seconds(10)

  /// By address and cluster.
  private var words: [String: [String: ReplicaWord]] = [:]
  private var counts: [String: Int] = [:]
  private(set) var count = 0
  private var nextExpiry = Moment(nanoseconds: .min)

  /// Keeps a word for the one before.
  mutating func note(_ word: ReplicaWord, of address: String, in cluster: String, at now: Moment) {
    if words[address]?[cluster] == nil {
      guard word.until > now, count < Self.most, counts[cluster] ?? 0 < Self.mostOfCluster else { return }
      count += 1
      counts[cluster, default: 0] += 1
    }
    words[address, default: [:]][cluster] = word
  }

  /// What holds of what was said of an address.
  func said(of address: String, at now: Moment) -> [(cluster: String, word: ReplicaWord)] {
    guard let said = words[address] else { return [] }
    return said.filter { $0.value.until > now }.map { ($0.key, $0.value) }
  }

  /// Keeps nothing of an address any more.
  mutating func forget(_ address: String) {
    for cluster in words[address]?.keys.map({ $0 }) ?? [] { remove(address, cluster) }
  }

  /// Forgets what does not hold any more. To be called often.
  mutating func expire(at now: Moment) {
    guard count > 0, now >= nextExpiry else { return }
    nextExpiry = now + Self.interval
    for (address, said) in words {
      for (cluster, word) in said where word.until <= now { remove(address, cluster) }
    }
  }

  private mutating func remove(_ address: String, _ cluster: String) {
    guard words[address]?.removeValue(forKey: cluster) != nil else { return }
    if words[address]?.isEmpty == true { words[address] = nil }
    count -= 1
    counts[cluster] = counts[cluster].flatMap { $0 > 1 ? $0 - 1 : nil }
  }
}
