import Synchronization

/// Who holds which connections. Where there are too many, one of whoever holds most makes room for a new one, and there of the
/// process that holds most, where that is known: of those that never got an answer, or else of all, the one that is idle for
/// longest. Who is not to blame is not refused, and who asks is not closed for others who do nothing but connect, even where
/// they cannot be told apart.
///
/// Looking at some connections at random is as good as an order of all, and costs each byte that is read nothing but a
/// note of the time.
package final class ConnectionLedger: Sendable {
  /// What there may be.
  package struct Limits: Hashable, Sendable {
    /// Connections in all.
    package var total: Int
    /// Connections of each peer.
    package var perPeer: Int

    /// Makes limits.
    package init(total: Int, perPeer: Int) {
      self.total = max(1, total)
      self.perPeer = max(1, min(perPeer, total))
    }
  }

  /// A connection that was let in.
  package final class Entry: Sendable {
    /// Who is at the other end.
    package let peer: Peer
    fileprivate let part: Part
    fileprivate let close: @Sendable () -> Void
    fileprivate let place = Mutex((all: 0, own: 0, isIn: false, isDeparting: false))
    private let activity: Atomic<Int64>
    private let worked = Atomic(false)

    fileprivate init(_ peer: Peer, _ process: Int32, at now: Int64, _ close: @escaping @Sendable () -> Void) {
      self.peer = peer
      part = Part(peer: peer, process: process)
      self.close = close
      activity = Atomic(now)
    }

    /// Notes that something came: it is not idle.
    package func note(at nanoseconds: Int64) { activity.store(nanoseconds, ordering: .relaxed) }

    /// Notes that something that came was answered.
    package func noteAnswer(at nanoseconds: Int64) {
      note(at: nanoseconds)
      worked.store(true, ordering: .relaxed)
    }

    fileprivate var last: Int64 { activity.load(ordering: .relaxed) }
    /// Whether it ever got an answer.
    fileprivate var hasWorked: Bool { worked.load(ordering: .relaxed) }
  }

  /// A process of a peer.
  fileprivate struct Part: Hashable {
    var peer: Peer
    var process: Int32
  }

  private struct State {
    var all: [Entry] = []
    var peers: [Peer: [Entry]] = [:]
    /// How many each process has.
    var parts: [Part: Int] = [:]
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
  package let limits: Limits
  private let state = Mutex(State())
  /// Those that were told to make room, and are still open.
  private let departing = Atomic(0)

  /// Makes a ledger without connections.
  package init(_ limits: Limits) {
    self.limits = limits
  }

  /// How many there are.
  package var count: Int { state.withLock { $0.all.count } }
  /// How many made room for others.
  package var evicted: UInt64 { state.withLock { $0.evicted } }
  /// Whether so many are still to be closed that no more are to be taken until some are: each has a descriptor until then.
  package var isCrowded: Bool { departing.load(ordering: .relaxed) > max(8, limits.total / 8) }
  /// How many were not let in, as all of the peer's others were at work.
  package var refused: UInt64 { state.withLock { $0.refused } }

  /// Lets a connection in, and closes another one where that is needed; nil where the new one has to go.
  ///
  /// - Parameters:
  ///   - process: which of a user's it is of; 0 where that is not known.
  ///   - close: is called, from anywhere, where this one has to make room for another.
  package func admit(
    _ peer: Peer, process: Int32 = 0, at now: Int64, close: @escaping @Sendable () -> Void
  ) -> Entry? {
    let entry = Entry(peer, process, at: now, close)
    let (isIn, victims) = state.withLock { state -> (Bool, [Entry]) in
      var victims: [Entry] = []
      if state.peers[peer]?.count ?? 0 >= limits.perPeer {
        guard let victim = choose(among: state.peers[peer] ?? [], &state, at: now) else {
          state.refused &+= 1
          return (false, [])
        }
        dismiss(victim, &state)
        victims.append(victim)
      } else if state.all.count >= limits.total {
        guard let victim = choose(among: state.all, &state, at: now) else {
          state.refused &+= 1
          return (false, [])
        }
        dismiss(victim, &state)
        victims.append(victim)
      }
      state.evicted &+= UInt64(victims.count)
      entry.place.withLock { $0 = (state.all.count, state.peers[peer]?.count ?? 0, true, false) }
      state.all.append(entry)
      state.peers[peer, default: []].append(entry)
      state.parts[entry.part, default: 0] += 1
      return (true, victims)
    }
    for victim in victims { victim.close() }
    return isIn ? entry : nil
  }

  /// A connection is gone.
  package func leave(_ entry: Entry) {
    state.withLock { take(entry, &$0) }
    let wasDeparting = entry.place.withLock { place in
      defer { place.isDeparting = false }
      return place.isDeparting
    }
    if wasDeparting { departing.subtract(1, ordering: .relaxed) }
  }

  /// Closes some connections of whoever holds most, as the process has no descriptor left. Answers how many.
  @discardableResult
  package func evict(_ count: Int, at now: Int64) -> Int {
    let victims = state.withLock { state in
      var victims: [Entry] = []
      while victims.count < count, let victim = choose(among: state.all, &state, at: now) {
        dismiss(victim, &state)
        victims.append(victim)
      }
      state.evicted &+= UInt64(victims.count)
      return victims
    }
    for victim in victims { victim.close() }
    return victims.count
  }

  /// The one to go: of whoever holds most and its process that does, of those that never got an answer, or else of all, the
  /// longest idle.
  private func choose(among entries: [Entry], _ state: inout State, at now: Int64) -> Entry? {
    var best: (entry: Entry, rank: (Int, Int, Int, Int64))?
    for sample in 0..<min(Self.samples, entries.count) {
      let index = entries.count <= Self.samples ? sample : state.random(below: entries.count)
      let entry = entries[index]
      guard now - entry.last >= Self.busy else { continue }
      let holds = (state.peers[entry.peer]?.count ?? 0, state.parts[entry.part] ?? 0)
      let rank = (holds.0, holds.1, entry.hasWorked ? 0 : 1, -entry.last)
      if let best, best.rank >= rank { continue }
      best = (entry, rank)
    }
    return best?.entry
  }

  private func dismiss(_ entry: Entry, _ state: inout State) {
    take(entry, &state)
    entry.place.withLock { $0.isDeparting = true }
    departing.add(1, ordering: .relaxed)
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
    let left = (state.parts[entry.part] ?? 0) - 1
    state.parts[entry.part] = left > 0 ? left : nil
  }
}
