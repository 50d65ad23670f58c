import Model

/// Something that happens at a time.
protocol Timed: Sendable {
  var at: Moment { get }
}

/// What happens when.
struct Event: Timed {
  enum Kind: UInt8, Sendable {
    /// A request arrives at a client.
    case arrival
    /// A request arrives at its server.
    case delivery
    /// A server is done with a request.
    case service
    /// An answer arrives at its client.
    case answer
    /// A server draws its noise.
    case noise
    /// A server says what load it has.
    case report
    /// Its report arrives.
    case hearing
    /// Selectors tell each other what they dispatched.
    case digest
  }

  var at: Moment
  var kind: Kind
  /// The server, where it is about one.
  var server = 0
  /// The request, or the report, where it is about one.
  var request = 0
}

/// Events in the order of their times; at the same time, first come, first served.
struct EventQueue<Event: Timed>: Sendable {
  private var heap: [(event: Event, order: Int)] = []
  private var count = 0

  mutating func push(_ event: Event) {
    heap.append((event, count))
    count += 1
    var at = heap.count - 1
    while at > 0, precedes(at, (at - 1) / 2) {
      heap.swapAt(at, (at - 1) / 2)
      at = (at - 1) / 2
    }
  }

  mutating func pop() -> Event? {
    guard let first = heap.first else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var at = 0
    while true {
      var least = at
      if 2 * at + 1 < heap.count, precedes(2 * at + 1, least) { least = 2 * at + 1 }
      if 2 * at + 2 < heap.count, precedes(2 * at + 2, least) { least = 2 * at + 2 }
      guard least != at else { return first.event }
      heap.swapAt(at, least)
      at = least
    }
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    heap[a].event.at == heap[b].event.at
      ? heap[a].order < heap[b].order : heap[a].event.at < heap[b].event.at
  }
}
