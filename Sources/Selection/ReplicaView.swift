public import Model

/// What a selector knows of a replica, to be shown, or told to another selector.
public struct ReplicaView: Hashable, Sendable {
  /// Its number in the table.
  public var id: ReplicaID
  /// What is known beforehand, with the present state.
  public var replica: Replica
  /// Whether it rests because of its failures.
  public var isEjected: Bool
  /// How often it was given such a rest.
  public var ejections: Int
  /// Requests in flight that were dispatched here.
  public var inFlight: Int
  /// Others' requests in flight, as far as they were heard of lately.
  public var othersInFlight: Double
  /// How warm it is, from 0.1 when it became ready to 1.
  public var warmth: Double
  /// What one more request would cost there. Only ratios matter; with ``TonariPolicy``, seconds over the weight.
  public var cost: Double
  /// What the policy found out about its pace; nil where it found out nothing.
  public var pace: ServicePace?
  /// What it last said of each of its figures; nil where it never said anything.
  public var lastReport: LoadReport?
  /// When it last said anything.
  public var heard: Moment?
  /// When it last said each of its figures; nil where it never said anything.
  public var reportTimes: ReportTimes?
}
