import Daemon
import Synchronization

/// The memory that one request holds of a budget: its body, what is made of it while it is read, and its answer until that
/// is sent. All of it is given back at the latest when nobody refers to it any more.
package final class RequestMemory: Sendable {
  private struct State {
    var held = 0
    var isRefused = false
  }

  private let budget: Budget
  private let peer: Peer
  private let state = Mutex(State())

  init(_ budget: Budget, of peer: Peer) {
    self.budget = budget
    self.peer = peer
  }

  deinit { shrink(to: 0) }

  /// How many bytes are held.
  var held: Int { state.withLock { $0.held } }

  /// Why there was no more memory; nil where there always was.
  var refusal: ProtocolError? {
    guard state.withLock({ $0.isRefused }) else { return nil }
    return ProtocolError(
      code: .busy, message: "other requests hold the \(budget.total) bytes that there are for requests")
  }

  /// Holds so many bytes more. Answers whether there are as many.
  func take(_ count: Int) -> Bool {
    state.withLock { state in
      guard budget.take(count, for: peer) else {
        state.isRefused = true
        return false
      }
      state.held += count
      return true
    }
  }

  /// Holds so many bytes more.
  ///
  /// Throws ``ProtocolError/Code/busy`` where there are not as many.
  func hold(_ count: Int) throws(ProtocolError) {
    if !take(count), let refusal { throw refusal }
  }

  /// Gives back all but so many bytes.
  func shrink(to count: Int) {
    state.withLock { state in
      guard state.held > count else { return }
      budget.give(state.held - count, from: peer)
      state.held = count
    }
  }
}
