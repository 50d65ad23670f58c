import Model
import Synchronization

/// What changes among the objects of a ``Reflector``, batch by batch, for one reader.
///
/// Changes that the reader has not taken yet are merged object by object, so that a slow reader costs no more memory
/// than there are objects: it sees how an object was when it looked last, and how it is now.
package struct ObjectChanges<Value: Sendable>: AsyncSequence, Sendable {
  /// Changes of different objects, in no particular order. Only the first batch may be empty.
  package typealias Element = [ObjectChange<Value>]

  /// What one reader has not taken yet.
  final class Subscription: Sendable {
    private struct State {
      var pending: [ObjectKey: ObjectChange<Value>] = [:]
      /// Whether there is something to take, be it that nothing is there.
      var isReady = false
    }

    private let state = Mutex(State())
    private let signal: AsyncStream<Void>.Continuation
    fileprivate let signals: AsyncStream<Void>

    init() {
      (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func publish(_ changes: [ObjectChange<Value>]) {
      state.withLock { state in
        state.isReady = true
        for change in changes {
          let before = state.pending[change.key].map(\.before) ?? change.before
          state.pending[change.key] = ObjectChange(key: change.key, before: before, after: change.after)
        }
      }
      signal.yield()
    }

    func finish() { signal.finish() }

    fileprivate func take() -> [ObjectChange<Value>]? {
      state.withLock { state in
        guard state.isReady else { return nil }
        defer { state = State() }
        return Array(state.pending.values)
      }
    }
  }

  let subscription: Subscription

  /// Takes batch after batch.
  package struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate let subscription: Subscription
    private var signals: AsyncStream<Void>.AsyncIterator
    private var isFirst = true

    fileprivate init(_ subscription: Subscription) {
      self.subscription = subscription
      signals = subscription.signals.makeAsyncIterator()
    }

    /// The next changes; nil when there will be none any more, or in a cancelled task.
    package mutating func next() async -> [ObjectChange<Value>]? {
      while await signals.next() != nil {
        guard let batch = subscription.take() else { continue }
        // An object that came and went between two looks was never seen.
        let changes = batch.filter { $0.before != nil || $0.after != nil }
        guard isFirst || !changes.isEmpty else { continue }
        isFirst = false
        return changes
      }
      return nil
    }
  }

  /// Starts to read.
  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription) }
}
