/// Whether anything happened to a service: little to ask for, to see whether to ask for more.
public struct ServiceStanding: Hashable, Sendable {
  /// Who there is: what changes when replicas come, go, change their state, or are ejected or let back.
  public struct Members: Hashable, Sendable {
    /// ``ServiceStatus/revision``.
    public var revision: UInt64
    /// How often a replica was ejected since the service was made.
    public var ejections: Int
    /// How many replicas are ejected now.
    public var ejected: Int
  }

  /// Who there is.
  public var members: Members
  /// Grows with each pick and each completion, and with what is heard of replicas' load.
  public var activity: UInt64
}
