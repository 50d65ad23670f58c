import Model

/// What a pick looks at in a replica: one cache line.
struct ReplicaRecord: Sendable {
  /// Requests that we dispatched and that are not complete.
  var inFlight: Int32 = 0
  var generation: UInt32 = 0
  /// Requests in flight that others dispatched, as last heard, and when that was.
  var foreign: Double = 0
  var heard = Moment.start
  /// Requests that it works on at a time; 0 where nobody knows.
  var concurrency: Int32 = 0
  var state = ReplicaState.gone
  /// Whether its outcomes were so bad that it gets a rest.
  var isEjected = false
  /// Whether it was ready before it was warm, and when it became ready.
  var isWarming = false
  var weight: Double = 1
  var labels: UInt64 = 0
  var readySince = Moment.start
  /// Where it stands in the order of places.
  var position: Int32 = -1

  /// Whether it takes requests.
  var isOpen: Bool { state == .ready && !isEjected }

  init(generation: UInt32 = 0) {
    self.generation = generation
  }

  /// Takes over what is known beforehand.
  mutating func update(_ replica: Replica, warmsUp: Bool, at now: Moment) {
    if replica.state == .ready, state != .ready, state != .draining {
      isWarming = warmsUp
      readySince = now
    }
    state = replica.state
    weight = replica.weight
    concurrency = Int32(clamping: replica.concurrency ?? 0)
    labels = replica.labels
  }

  /// The replica is gone.
  mutating func leave() {
    state = .gone
    isEjected = false
    position = -1
  }
}
