import Synchronization

/// How much of something there may be, for each peer and in all.
package final class Budget: Sendable {
  private struct State {
    var held = 0
    var peers: [Peer: Int] = [:]
    var refused: UInt64 = 0
  }

  /// What it is of, as metrics show it, such as `watches`.
  package let name: String
  /// How much there may be in all.
  package let total: Int
  /// How much each peer may have.
  package let perPeer: Int
  private let state = Mutex(State())

  /// Makes a budget of which nothing is taken.
  package init(_ name: String, total: Int, perPeer: Int) {
    self.name = name
    self.total = total
    self.perPeer = min(perPeer, total)
  }

  /// How much is taken.
  package var held: Int { state.withLock { $0.held } }
  /// How often there was no more.
  package var refused: UInt64 { state.withLock { $0.refused } }

  /// Takes some, all or nothing. Answers whether there was so much.
  package func take(_ count: Int = 1, for peer: Peer) -> Bool {
    state.withLock { state in
      let has = state.peers[peer] ?? 0
      guard state.held + count <= total, has + count <= perPeer else {
        state.refused &+= 1
        return false
      }
      state.held += count
      state.peers[peer] = has + count
      return true
    }
  }

  /// Gives back what was taken.
  package func give(_ count: Int = 1, from peer: Peer) {
    state.withLock { state in
      let has = state.peers[peer] ?? 0
      state.held -= min(count, has)
      state.peers[peer] = has > count ? has - count : nil
    }
  }
}
