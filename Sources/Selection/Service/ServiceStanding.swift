/// Whether anything happened to a service: little to ask for, to see whether to ask for more.
package struct ServiceStanding: Hashable, Sendable {
  /// Who there is: what changes when replicas come, go, change their state, or are ejected or let back.
  package struct Members: Hashable, Sendable {
    /// ``ServiceStatus/revision``.
    package var revision: UInt64
    /// How often a replica was ejected since the service was made.
    package var ejections: Int
    /// How many replicas are ejected now.
    package var ejected: Int
  }

  /// Who there is.
  package var members: Members
  /// Grows with each pick and each completion, and with what is heard of replicas' load.
  package var activity: UInt64
}
