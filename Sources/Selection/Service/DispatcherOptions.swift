/// What can be set in a ``Dispatcher``.
package struct DispatcherOptions: Hashable, Sendable {
  /// Which policy picks.
  package var policy: PolicyName
  /// What can be set whatever the policy.
  package var selection: SelectorOptions
  /// After what time a pick that nobody completed counts as cancelled, so that what is in flight never leaks.
  package var pickLifetime: Duration
  /// The same for picks whose asker nobody sees go (``PickLife/unary``): whoever gave up before the answer came does not
  /// complete them. At most ``pickLifetime``.
  package var unaryPickLifetime = Duration.seconds(10)
  /// How long registered replicas stay where their registration does not say.
  package var registrationLifetime: Duration
  /// How long registered replicas stay once the connection or the peer that registered them has gone, so that they can
  /// register anew.
  package var registrationGrace: Duration
  /// How long what a peer said of its requests in flight counts.
  package var peerLifetime: Duration
  /// Retries for each request of a service; see ``RetryBudget``.
  package var retryShare: Double
  /// Retries each second that a service always has.
  package var retriesPerSecond: Double
  /// Requests in flight for each open replica, on average, from which on further ones are turned away; nil for no limit.
  package var mostInFlight: Int?
  /// Picks of one service that are not complete; beyond, the oldest counts as cancelled with each new one.
  package var mostOpenPicksOfService = 1 << 18
  /// The same over all services.
  package var mostOpenPicks = 1 << 20
  /// Services that there may be; names beyond are refused, whoever brings them.
  package var mostServices = 100_000
  /// Services that there may be only because somebody registered replicas, or another selector said so; what files and
  /// Kubernetes name has its place all the same.
  package var mostRegisteredServices = 10_000
  /// How many of those one caller brings at most, and all selectors of one identity together: half.
  package var mostRegisteredServicesOfCaller: Int { (mostRegisteredServices + 1) / 2 }
  /// Replicas that one caller may have registered at a time, over all services.
  package var mostRegistrationsOfCaller = 10_000
  /// Selectors whose digests count at a time.
  package var mostPeers = 1000
  /// Where requests come from that do not say so; for servers to put into ``PickQuery/from``.
  package var place: Place
  /// What is left to chance is drawn from this seed.
  package var seed: UInt64

  /// Makes options.
  package init(
    policy: PolicyName = .tonari, selection: SelectorOptions = SelectorOptions(), pickLifetime: Duration = .seconds(60),
    registrationLifetime: Duration = .seconds(30), registrationGrace: Duration = .seconds(5),
    peerLifetime: Duration = .seconds(3), retryShare: Double = 0.2,
    retriesPerSecond: Double = 3, mostInFlight: Int? = nil, place: Place = .unknown, seed: UInt64 = 0
  ) {
    self.policy = policy
    self.selection = selection
    self.pickLifetime = pickLifetime
    self.registrationLifetime = registrationLifetime
    self.registrationGrace = registrationGrace
    self.peerLifetime = peerLifetime
    self.retryShare = retryShare
    self.retriesPerSecond = retriesPerSecond
    self.mostInFlight = mostInFlight
    self.place = place
    self.seed = seed
  }
}
