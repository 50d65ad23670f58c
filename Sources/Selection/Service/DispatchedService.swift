package import Model
package import Overflow

/// One service of a ``Dispatcher``: picks one of its replicas for each request and keeps count of what is in flight.
///
/// Safe to use from any thread. A pick holds a lock for as long as it takes; nothing that takes long is done under it.
package class DispatchedService: @unchecked Sendable {
  // Safe: what changes is behind the locks of the subclass, and nothing here changes.

  /// Its name.
  package let name: String
  /// Its number in its dispatcher, above zero; the upper part of its picks' ids.
  let number: UInt32

  init(name: String, number: UInt32) {
    self.name = name
    self.number = number
  }

  /// Picks a replica and counts the request as in flight there, until it is completed or
  /// its ``PickLife`` is over.
  ///
  /// - Parameters:
  ///   - owner: who asks, for ``abandon(owner:at:)``; 0 for somebody who is never said to be gone.
  ///   - key: what the pick is completed with besides its id.
  ///   - answer: is filled where there is a replica.
  package func pick(
    _ query: PickQuery, owner: UInt32, key: PickKey = .inProcess, at now: Moment, into answer: PickAnswer
  ) -> PickStatus {
    preconditionFailure("a subclass picks")
  }

  /// Learns how a pick's request ended. Answers whether the pick was open; one that was made with another key is left as it
  /// is.
  ///
  /// - Parameters:
  ///   - id: the pick.
  ///   - key: the key that it was made with.
  ///   - latencySeconds: what the request took; nil for the time since the pick.
  ///   - servedBy: the alternative that served it after the picked replica failed; nil where the picked one did.
  ///   - load: what the replica said of its load.
  @discardableResult
  package func complete(
    _ id: UInt64, key: PickKey = .inProcess, _ outcome: Outcome, latencySeconds: Double? = nil,
    servedBy: String? = nil, load: LoadReport? = nil, at now: Moment
  ) -> Bool {
    preconditionFailure("a subclass completes")
  }

  /// Learns that a pick's request is still under way, so that it stays open for as long again. Answers whether it was open.
  @discardableResult
  package func renew(_ id: UInt64, key: PickKey = .inProcess, at now: Moment) -> Bool {
    preconditionFailure("a subclass renews")
  }

  /// Learns that the response to a pick's request has begun, and goes on: the request is in flight until the pick is
  /// completed. Answers false where the pick is not open, or the service has no such replica.
  ///
  /// - Parameter server: the replica that serves it, where that is not the picked one, and how the request ended there.
  @discardableResult
  package func respond(
    _ id: UInt64, key: PickKey = .inProcess, from server: (address: String, picked: Outcome)? = nil, at now: Moment
  ) -> Bool {
    preconditionFailure("a subclass learns")
  }

  /// Takes all open picks of somebody who is gone as cancelled. Answers how many there were.
  @discardableResult
  package func abandon(owner: UInt32, at now: Moment) -> Int { preconditionFailure("a subclass abandons") }

  /// Learns what a replica says of its load. Answers whether there is such a replica.
  ///
  /// - Parameter cluster: the cluster that it is in; one whose source names none may be in any. Nil for any.
  @discardableResult
  package func report(_ load: LoadReport, of address: String, in cluster: String? = nil, at now: Moment) -> Bool {
    preconditionFailure("a subclass hears")
  }

  func note(successes: Int, failures: Int, of address: String, at now: Moment) {
    preconditionFailure("a subclass notes")
  }

  /// Whether anything happened to it.
  package var standing: ServiceStanding { preconditionFailure("a subclass knows") }

  /// What was asked since it was made, how many picks are open, and how many replicas there are: for sums over many
  /// services, of which a full status would take long.
  package var tally: ServiceTally { preconditionFailure("a subclass counts") }

  /// All there is to know about it.
  package func status(at now: Moment) -> ServiceStatus { preconditionFailure("a subclass knows") }

  // What a dispatcher does with its services.

  func expire(at now: Moment) { preconditionFailure("a subclass expires") }
  func replace(with replicas: [ServiceReplica], at now: Moment) { preconditionFailure("a subclass replaces") }
  func picks(of address: String) -> UInt64 { preconditionFailure("a subclass counts") }
  func hear(_ peers: [String: PeerKnowledge], at now: Moment) { preconditionFailure("a subclass hears") }
  func set(_ overflow: ServiceOverflow?, at now: Moment) { preconditionFailure("a subclass overflows") }
  func planOverflow(peers: [PeerArrivals], siblings: PeerArrivals, at now: Moment) {
    preconditionFailure("a subclass plans")
  }
  func hear(_ headroom: Headroom?, of neighbour: String, at now: Moment) -> Bool {
    preconditionFailure("a subclass hears")
  }
  func overflowStatus(at now: Moment) -> OverflowStatus? { preconditionFailure("a subclass knows") }
  /// What comes here; nil without a policy of overflow.
  package var arrivals: PeerArrivals? { preconditionFailure("a subclass counts") }
  /// The same, and whether it is time to count and plan again.
  func arrivals(at now: Moment) -> (arrivals: PeerArrivals, isDue: Bool)? { preconditionFailure("a subclass counts") }
}
