public import Model

/// Which of the candidates gets a request, and what is remembered for that.
///
/// A policy keeps what it learns by slot. ``ReplicaSelector`` calls it; health, tiers and affinity are not its affair.
public protocol SelectionPolicy: Sendable {
  /// How many replicas, by chance, a driver should ask for a ``LoadReport`` whenever it picked; by default none.
  var probesPerPick: Int { get }

  /// Learns that the slots of a table have replicas, those in `joined` new ones, and in which order they stand.
  mutating func arrange(_ table: ReplicaTable, joined: [Int], at now: Moment)

  /// Answers the slot of a candidate that ``ReplicaTable/admits(_:_:)``; nil where there is none.
  mutating func choose(
    _ candidates: Candidates, in table: ReplicaTable, at now: Moment, using generator: inout SeededGenerator
  ) -> Int?

  /// What a request would cost at a replica, to compare the choices of two tiers. Only ratios matter.
  func cost(_ slot: Int, in table: ReplicaTable, at now: Moment) -> Double

  /// Learns that a request was dispatched; the table counts it already.
  mutating func dispatched(_ slot: Int, in table: ReplicaTable, at now: Moment)

  /// Learns that a replica worked on a request for a time in which the table did not count it there.
  mutating func worked(_ slot: Int, seconds: Double, in table: ReplicaTable, at now: Moment)

  /// Learns that a request ended; the table does not count it any more.
  mutating func completed(_ completion: Completion, in table: ReplicaTable)

  /// Learns what a replica says of its load, as far as it can be true; the table knows already.
  mutating func heard(_ report: LoadReport, _ slot: Int, in table: ReplicaTable, at now: Moment)

  /// What it found out about a replica's pace; nil where it found out nothing, or does not care.
  func pace(of slot: Int, in table: ReplicaTable, at now: Moment) -> ServicePace?

  /// Learns what another selector found out about a replica's pace.
  mutating func learn(_ pace: ServicePace, _ slot: Int, in table: ReplicaTable, at now: Moment)

  /// Learns that a replica opened or closed, or that the table heard of others' requests there.
  mutating func changed(_ slot: Int, in table: ReplicaTable, at now: Moment)
}

extension SelectionPolicy {
  /// None.
  public var probesPerPick: Int { 0 }
  /// Remembers nothing.
  public mutating func arrange(_ table: ReplicaTable, joined: [Int], at now: Moment) {}
  /// How much it has to do.
  public func cost(_ slot: Int, in table: ReplicaTable, at now: Moment) -> Double { table.pressure(slot, at: now) }
  /// Remembers nothing.
  public mutating func dispatched(_ slot: Int, in table: ReplicaTable, at now: Moment) {}
  /// Remembers nothing.
  public mutating func worked(_ slot: Int, seconds: Double, in table: ReplicaTable, at now: Moment) {}
  /// Remembers nothing.
  public mutating func completed(_ completion: Completion, in table: ReplicaTable) {}
  /// Remembers nothing.
  public mutating func heard(_ report: LoadReport, _ slot: Int, in table: ReplicaTable, at now: Moment) {}
  /// Nothing.
  public func pace(of slot: Int, in table: ReplicaTable, at now: Moment) -> ServicePace? { nil }
  /// Remembers nothing.
  public mutating func learn(_ pace: ServicePace, _ slot: Int, in table: ReplicaTable, at now: Moment) {}
  /// Remembers nothing.
  public mutating func changed(_ slot: Int, in table: ReplicaTable, at now: Moment) {}
}
