import EnvoyProtocol
import GRPCCore
import Model
import Selection
import Synchronization

/// One stream's subscription, and what wakes it.
///
/// Requests are taken as they come and kept as the subscription's state, however slowly the answers are read.
final class DiscoveryConversation<Subscription: DiscoverySubscription>: EndpointReader {
  private struct State {
    var subscription = Subscription()
    /// Where its Envoy is; nil before it said so.
    var place: Place?
    var names: Set<String> = []
  }

  /// Yields when there may be something to tell.
  let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation
  private let boards: EndpointBoards
  private let selectorPlace: Place
  private let state = Mutex(State())

  init(_ boards: EndpointBoards, selectorPlace: Place) {
    self.boards = boards
    self.selectorPlace = selectorPlace
    (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Takes a request; requests come one after the other. Answers why the Envoy does not take what it was told, where it
  /// does not.
  func hear(_ request: Subscription.Request, at now: Moment) throws -> String? {
    let (heard, place) = try state.withLock { state in
      let place = state.place ?? Place(Subscription.node(of: request) ?? .init(), at: selectorPlace)
      state.place = place
      let heard = try state.subscription.hear(request)
      state.names.subtract(heard.unsubscribed)
      state.names.formUnion(heard.subscribed)
      return (heard, place)
    }
    boards.remove(self, heard.unsubscribed, seenFrom: place)
    try boards.add(self, heard.subscribed, seenFrom: place, at: now)
    wake.yield()
    return heard.rejection
  }

  func changed(_ names: [String]) {
    state.withLock { state in
      for name in names { state.subscription.mark(name) }
    }
    wake.yield()
  }

  /// What is to be told now; nil for nothing.
  func next() -> Subscription.Response? {
    state.withLock { state in
      guard let place = state.place else { return nil }
      return state.subscription.next { boards.endpoints($0, seenFrom: place) }
    }
  }

  /// No request follows.
  func end() { wake.finish() }

  /// Leaves the boards.
  func leave() {
    let (names, place) = state.withLock { ($0.names, $0.place) }
    if let place { boards.remove(self, names, seenFrom: place) }
  }
}
