import Model

/// Where a request goes.
enum OverflowDestination: Sendable {
  case here, neighbour, nowhere
}

/// What a router hears now and then.
struct OverflowMeasurement: Sendable {
  /// Seconds since the last.
  var seconds: Double
  /// Requests that arrived since then, before they were split.
  var arrived: Int
  /// What responses took here that came since then, in seconds; nil where none came.
  var responseSeconds: Double?
  /// The share of them that were errors; nil where none came.
  var errorShare: Double?
  /// What the neighbour said last.
  var neighbour: NeighbourReport
}

/// What the neighbour says of itself, in requests per minute.
struct NeighbourReport: Sendable {
  /// What it has room for beyond what it gets.
  var headroom: Double
  /// What it gets.
  var received: Double
}

/// A way to overflow: the decision for each request, and what is learnt from one measurement to the next.
protocol OverflowRouter: Sendable {
  /// Seconds from one measurement to the next.
  var period: Double { get }
  /// The share that leaves by its weights; nil where it decides request by request.
  var shareOut: Double? { get }
  mutating func route(at now: Moment) -> OverflowDestination
  mutating func learn(_ measurement: OverflowMeasurement, at now: Moment)
}

/// Everything stays.
struct NoOverflow: OverflowRouter {
  let period = 60.0
  let shareOut: Double? = 0

  mutating func route(at now: Moment) -> OverflowDestination { .here }
  mutating func learn(_ measurement: OverflowMeasurement, at now: Moment) {}
}
