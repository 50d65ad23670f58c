package import Model

/// What a replica says of itself.
package struct ReplicaWord: Hashable, Sendable {
  /// Where it is in its life; nil for what is known otherwise.
  package var state: ReplicaState?
  /// Its load; nil where it says nothing of it.
  package var load: LoadReport?
  /// When it was said.
  package var said: Moment
  /// Until when it holds, for services of which the replica is not known yet.
  package var until: Moment

  /// Makes a word.
  package init(state: ReplicaState?, load: LoadReport?, said: Moment, until: Moment) {
    self.state = state
    self.load = load
    self.said = said
    self.until = until
  }
}

/// The last word of each replica, be it known or not, for as long as it holds. There is room for so many in all and of each
/// cluster; all clusters but the own one share what is left beside the part of that one. Beyond, what is new is not kept.
struct ReplicaWords: Sendable {
  static let most = 1 << 16
  static let mostOfCluster = 1 << 15
  /// The time between two looks for those that are over.
  private static let interval = Duration.seconds(10)

  /// How many a cluster has.
  private struct Share: Sendable {
    var isOwn: Bool
    var count = 0
  }

  /// By address and cluster.
  private var words: [String: [String: ReplicaWord]] = [:]
  private var shares: [String: Share] = [:]
  private(set) var count = 0
  /// Those of other clusters.
  private var foreign = 0
  private var nextExpiry = Moment(nanoseconds: .min)

  /// Keeps a word for the one before.
  ///
  /// - Parameter isOwn: whether the cluster is the own one, or may be as nobody says which that is; always the same for one.
  mutating func note(_ word: ReplicaWord, of address: String, in cluster: String, isOwn: Bool, at now: Moment) {
    if words[address]?[cluster] == nil {
      guard word.until > now, hasRoom(for: cluster, isOwn: isOwn) else { return }
      count += 1
      shares[cluster, default: Share(isOwn: isOwn)].count += 1
      if !isOwn { foreign += 1 }
    }
    words[address, default: [:]][cluster] = word
  }

  private func hasRoom(for cluster: String, isOwn: Bool) -> Bool {
    count < Self.most && shares[cluster]?.count ?? 0 < Self.mostOfCluster
      && (isOwn || foreign < Self.most - Self.mostOfCluster)
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
    guard var share = shares[cluster] else { return }
    share.count -= 1
    shares[cluster] = share.count > 0 ? share : nil
    if !share.isOwn { foreign -= 1 }
  }
}
