package import Daemon
import Foundation
package import Model
package import Selection
import SelectorProtocol
import SwiftProtobuf
import Synchronization

/// What watchers are told of services: computed once for all of them, on a thread of its own, and only for services to
/// which something happened. However many watch, picks do not wait for it.
package final class WatchBoard: Sendable {
  /// What there is to tell of a service.
  struct Entry: Sendable {
    /// The board's revision when it changed.
    var revision: UInt64
    var response: Tonari_Selector_V1_WatchResponse
    /// The response as it is sent.
    var bytes: [UInt8]
    /// What it says, as a hash, its ages left aside.
    var hash: Int
    var standing: ServiceStanding?
    /// When the service went; nil while it is there.
    var gone: Moment?

    /// The same under another name of the service.
    func named(_ name: String) -> Entry {
      guard name != response.service else { return self }
      var entry = self
      entry.response.service = name
      entry.bytes = (try? entry.response.serializedBytes()) ?? []
      return entry
    }
  }

  /// Some of what is to be told.
  struct Changes {
    var entries: [Entry] = []
    /// What is told up to.
    var revision: UInt64
    /// Whether that is all.
    var isComplete = true
  }

  private struct State {
    var entries: [String: Entry] = [:]
    /// What changed when, the oldest first. An entry counts where its service has not changed since.
    var log: [(revision: UInt64, name: String)] = []
    var revision: UInt64 = 0
    var watchers = 0
    var isRunning = false
    /// Whether somebody waits for the first look at all services.
    var isComputed = false
  }

  /// The least time between two looks.
  static let pace = Duration.milliseconds(100)
  /// A look may take this share of a processor at most.
  private static let share = 0.2
  /// For how long it is told that a service is gone.
  private static let memory: Int64 = 300_000_000_000
  /// What is recomputed once in so many looks though nothing happened: what fades does so by itself.
  private static let idleRound: UInt64 = 20

  let dispatcher: Dispatcher
  /// Watches that there may be.
  package let budget: Budget
  /// Whether it computes when it is asked, for tests and for who has no thread to spare.
  private let isOnDemand: Bool
  private let now: @Sendable () -> Moment
  private let state = Mutex(State())
  private let computing = Mutex<UInt64>(0)
  private let bell = Bell()

  /// Makes a board that computes nothing until somebody watches.
  package init(
    _ dispatcher: Dispatcher, budget: Budget = Budget("watches", total: 512, perPeer: 64), isOnDemand: Bool = false,
    now: @escaping @Sendable () -> Moment = { .now }
  ) {
    self.dispatcher = dispatcher
    self.budget = budget
    self.isOnDemand = isOnDemand
    self.now = now
  }

  // MARK: - Watchers

  /// A place among the watchers, which is given back with it.
  final class Place: Sendable {
    private let board: WatchBoard
    private let peer: Peer

    fileprivate init(_ board: WatchBoard, _ peer: Peer) {
      self.board = board
      self.peer = peer
    }

    deinit {
      board.budget.give(from: peer)
      board.state.withLock { $0.watchers -= 1 }
      board.bell.ring()
    }
  }

  /// Takes a place among the watchers; nil where there is none left.
  func place(for peer: Peer) -> Place? {
    guard budget.take(for: peer) else { return nil }
    let starts = state.withLock { state in
      state.watchers += 1
      guard !isOnDemand, !state.isRunning else { return false }
      state.isRunning = true
      return true
    }
    if starts { start() }
    bell.ring()
    return Place(self, peer)
  }

  /// What changed after a revision, up to some bytes.
  ///
  /// - Parameter names: the services that are asked for; nil for all.
  func changes(after told: UInt64, of names: Set<String>?, bytes most: Int, at now: Moment) -> Changes {
    if isOnDemand { compute(at: now) }
    return state.withLock { state in
      var changes = Changes(revision: told)
      guard state.isComputed else { return changes }
      var bytes = 0
      var index = Self.first(after: told, in: state.log)
      while index < state.log.count {
        let (revision, name) = state.log[index]
        index += 1
        guard let entry = state.entries[name], entry.revision == revision, names?.contains(name) ?? true else {
          continue
        }
        // Who begins to watch all is told of what there is.
        if told == 0, entry.gone != nil { continue }
        changes.entries.append(entry)
        bytes += entry.bytes.count + 16
        guard bytes < most else {
          changes.revision = revision
          changes.isComplete = index == state.log.count
          return changes
        }
      }
      changes.revision = state.revision
      return changes
    }
  }

  /// Whether a service is there; nil as long as nobody has looked.
  func has(_ name: String) -> Bool? {
    state.withLock { state in state.isComputed ? state.entries[name].map { $0.gone == nil } ?? false : nil }
  }

  /// What there is to tell of a service; nil where it is not there, or nobody has looked.
  func entry(_ name: String) -> Entry? {
    state.withLock { state in state.entries[name].flatMap { $0.gone == nil ? $0 : nil } }
  }

  private static func first(after revision: UInt64, in log: [(revision: UInt64, name: String)]) -> Int {
    var (low, high) = (0, log.count)
    while low < high {
      let middle = (low + high) / 2
      if log[middle].revision > revision { high = middle } else { low = middle + 1 }
    }
    return low
  }

  // MARK: - Looking

  private func start() {
    let thread = Thread { [self] in
      while true {
        let begin = ContinuousClock.now
        compute(at: now())
        let took = begin.duration(to: .now)
        bell.wait(max(Self.pace, took / Self.share - took))
        let ends = state.withLock { state in
          guard state.watchers == 0 else { return false }
          // Who comes next is told anew, and nothing is kept until then.
          state = State(revision: state.revision)
          return true
        }
        if ends { return }
      }
    }
    thread.name = "watches"
    thread.start()
  }

  /// Looks at all services, and notes what changed.
  func compute(at now: Moment) {
    computing.withLock { round in
      round &+= 1
      let known = state.withLock { $0.entries }
      let services = dispatcher.directory
      var fresh: [Entry] = []
      var looked = 0
      for service in services.all {
        looked += 1
        let before = known[service.name]
        let standing = service.standing
        let isIdle = before?.standing == standing && before?.gone == nil
        if isIdle, !isOnDemand, (UInt64(looked) &+ round) % Self.idleRound != 0 { continue }
        let response = Tonari_Selector_V1_WatchResponse(service.status(at: now), at: now)
        let hash = response.hashBesideAges
        guard before?.hash != hash || before?.gone != nil else { continue }
        let bytes: [UInt8] = (try? response.serializedBytes()) ?? []
        fresh.append(Entry(revision: 0, response: response, bytes: bytes, hash: hash, standing: standing))
      }
      fresh.sort { $0.response.service < $1.response.service }
      for (name, entry) in known where entry.gone == nil && services[name]?.name != name {
        let response = Tonari_Selector_V1_WatchResponse.gone(name)
        let bytes: [UInt8] = (try? response.serializedBytes()) ?? []
        fresh.append(Entry(revision: 0, response: response, bytes: bytes, hash: 0, gone: now))
      }
      note(fresh, at: now)
    }
  }

  private func note(_ fresh: [Entry], at now: Moment) {
    state.withLock { state in
      state.isComputed = true
      for var entry in fresh {
        state.revision += 1
        entry.revision = state.revision
        state.log.append((state.revision, entry.response.service))
        state.entries[entry.response.service] = entry
      }
      guard state.log.count > 2 * state.entries.count + 64 else { return }
      let forgotten = state.entries.filter {
        $0.value.gone.map { now.nanoseconds - $0.nanoseconds > Self.memory } ?? false
      }
      for name in forgotten.keys { state.entries[name] = nil }
      state.log.removeAll { state.entries[$0.name]?.revision != $0.revision }
    }
  }
}

extension Tonari_Selector_V1_WatchResponse {
  /// Says that a service is not there.
  static func gone(_ name: String) -> Tonari_Selector_V1_WatchResponse {
    .with {
      $0.service = name
      $0.gone = true
    }
  }

  /// A hash of all but what changes by itself: the ages of loads, and what others have in flight, which fades.
  fileprivate var hashBesideAges: Int {
    var timeless = self
    for index in timeless.replicas.indices {
      timeless.replicas[index].loadAgeMs = 0
      timeless.replicas[index].others.round()
    }
    return timeless.hashValue
  }
}

/// Wakes a thread that waits.
private final class Bell: @unchecked Sendable {
  // Safe: the condition guards what changes.
  private let condition = NSCondition()
  private var isRung = false

  func ring() {
    condition.withLock {
      isRung = true
      condition.signal()
    }
  }

  /// Waits for a time; once it was rung for a short while alone, so that whoever begins to watch is told soon.
  func wait(_ duration: Duration) {
    let end = Date(timeIntervalSinceNow: duration / .seconds(1))
    let soon = Date(timeIntervalSinceNow: min(0.01, duration / .seconds(1)))
    condition.withLock {
      while !isRung, condition.wait(until: end) {}
      isRung = false
    }
    if soon > Date() { Thread.sleep(until: soon) }
  }
}
