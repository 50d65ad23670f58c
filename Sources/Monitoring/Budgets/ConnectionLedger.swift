import Synchronization

/// Who holds which connections. Where there are too many, the one that is idle for longest of whoever holds most makes room
/// for a new one: who is not to blame is not refused.
///
/// Looking at some connections at random is as good as an order of all, and costs each byte that is read nothing but a
/// note of the time.
public final class ConnectionLedger: Sendable {
  /// What there may be.
  public struct Limits: Hashable, Sendable {
    /// Connections in all.
    public var total: Int
    /// Connections of each peer.
    public var perPeer: Int

    /// Makes limits.
    public init(total: Int, perPeer: Int) {
      self.total = max(1, total)
      self.perPeer = max(1, min(perPeer, total))
    }
  }

  /// A connection that was let in.
  public final class Entry: Sendable {
    /// Who is at the other end.
    public let peer: Peer
    fileprivate let close: @Sendable () -> Void
    fileprivate let place = Mutex((all: 0, own: 0, isIn: false))
    private let activity: Atomic<Int64>

    fileprivate init(_ peer: Peer, at now: Int64, _ close: @escaping @Sendable () -> Void) {
      self.peer = peer
      self.close = close
      activity = Atomic(now)
    }

    /// Notes that something whole came or went: it is not idle.
    public func note(at nanoseconds: Int64) { activity.store(nanoseconds, ordering: .relaxed) }

    fileprivate var last: Int64 { activity.load(ordering: .relaxed) }
  }

  private struct State {
    var all: [Entry] = []
    var peers: [Peer: [Entry]] = [:]
    var evicted: UInt64 = 0
    var refused: UInt64 = 0
    var seed: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func random(below count: Int) -> Int {
      // xorshift: who is looked at needs no better chance.
      seed ^= seed << 13
      seed ^= seed >> 7
      seed ^= seed << 17
      return Int(truncatingIfNeeded: seed % UInt64(truncatingIfNeeded: count))
    }
  }

  /// How many are looked at for one that goes.
  private static let samples = 24
  /// A connection that did something just now is at work, and stays.
  private static let busy: Int64 = 1_000_000

  /// What there may be.
  public let limits: Limits
  private let state = Mutex(State())

  /// Makes a ledger without connections.
  public init(_ limits: Limits) {
    self.limits = limits
  }

  /// How many there are.
  public var count: Int { state.withLock { $0.all.count } }
  /// How many made room for others.
  public var evicted: UInt64 { state.withLock { $0.evicted } }
  /// How many were not let in, as all of the peer's others were at work.
  public var refused: UInt64 { state.withLock { $0.refused } }

  /// Lets a connection in, and closes another one where that is needed; nil where the new one has to go.
  ///
  /// - Parameter close: is called, from anywhere, where this one has to make room for another.
  public func admit(_ peer: Peer, at now: Int64, close: @escaping @Sendable () -> Void) -> Entry? {
    let entry = Entry(peer, at: now, close)
    let (isIn, victims) = state.withLock { state -> (Bool, [Entry]) in
      var victims: [Entry] = []
      if state.peers[peer]?.count ?? 0 >= limits.perPeer {
        guard let victim = choose(among: state.peers[peer] ?? [], &state, at: now) else {
          state.refused &+= 1
          return (false, [])
        }
        take(victim, &state)
        victims.append(victim)
      } else if state.all.count >= limits.total {
        guard let victim = choose(among: state.all, &state, at: now) else {
          state.refused &+= 1
          return (false, [])
        }
        take(victim, &state)
        victims.append(victim)
      }
      state.evicted &+= UInt64(victims.count)
      entry.place.withLock { $0 = (state.all.count, state.peers[peer]?.count ?? 0, true) }
      state.all.append(entry)
      state.peers[peer, default: []].append(entry)
      return (true, victims)
    }
    for victim in victims { victim.close() }
    return isIn ? entry : nil
  }

  /// A connection is gone.
  public func leave(_ entry: Entry) { state.withLock { take(entry, &$0) } }

  /// Closes some connections of whoever holds most, the longest idle first, as the process has no descriptor left. Answers
  /// how many.
  @discardableResult
  public func evict(_ count: Int, at now: Int64) -> Int {
    let victims = state.withLock { state in
      var victims: [Entry] = []
      while victims.count < count, let victim = choose(among: state.all, &state, at: now) {
        take(victim, &state)
        victims.append(victim)
      }
      state.evicted &+= UInt64(victims.count)
      return victims
    }
    for victim in victims { victim.close() }
    return victims.count
  }

  /// The one to go: of whoever holds most, the longest idle.
  private func choose(among entries: [Entry], _ state: inout State, at now: Int64) -> Entry? {
    var best: (entry: Entry, holds: Int)?
    for sample in 0..<min(Self.samples, entries.count) {
      let index = entries.count <= Self.samples ? sample : state.random(below: entries.count)
      let entry = entries[index]
      guard now - entry.last >= Self.busy else { continue }
      let holds = state.peers[entry.peer]?.count ?? 0
      if let known = best, (known.holds, -known.entry.last) >= (holds, -entry.last) { continue }
      best = (entry, holds)
    }
    return best?.entry
  }

  private func take(_ entry: Entry, _ state: inout State) {
    let place = entry.place.withLock { place in
      defer { place.isIn = false }
      return place
    }
    guard place.isIn else { return }
    if let last = state.all.popLast(), last !== entry {
      state.all[place.all] = last
      last.place.withLock { $0.all = place.all }
    }
    if let last = state.peers[entry.peer]?.popLast(), last !== entry {
      state.peers[entry.peer]?[place.own] = last
      last.place.withLock { $0.own = place.own }
    }
    if state.peers[entry.peer]?.isEmpty == true { state.peers[entry.peer] = nil }
  }
}
