package import Fleet
import Model

/// A policy that wants to be measured, and what is known of where its route sends requests.
package struct MeasuredPolicy: Hashable, Sendable {
  /// The policy.
  package var policy: OverflowPolicy
  /// The hosts of the destinations of each rule of its route, as the route has them; nil where that is not known.
  var rules: [[DestinationName?]]?
  /// The destinations of all policies that are followed.
  var followed: FollowedDestinations

  /// Makes one whose route is not known, of the only policy that there is.
  package init(_ policy: OverflowPolicy) {
    self.init(policy, rules: nil)
  }

  init(_ policy: OverflowPolicy, rules: [[DestinationName?]]?, beside followed: FollowedDestinations? = nil) {
    self.policy = policy
    self.rules = rules
    self.followed = followed ?? FollowedDestinations([policy])
  }

  /// What the policy's service is called in routes and statistics.
  var service: DestinationName { DestinationName(policy.spec.service, in: policy.key.namespace) }

  /// What its neighbours are called there, in the policy's order.
  var neighbours: [DestinationName] {
    policy.spec.neighbours.map { DestinationName($0.host, in: policy.key.namespace) }
  }

  /// Whether requests may go to a host at all: not where it is known that the route has it nowhere.
  func mayReach(_ host: DestinationName) -> Bool {
    rules.map { $0.contains { $0.contains(host) } } ?? true
  }
}
