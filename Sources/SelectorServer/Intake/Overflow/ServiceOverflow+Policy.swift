package import Fleet
package import Overflow
import Selection

extension ServiceOverflow {
  /// What a policy wants of selectors; nil where it is not for them, as weights split.
  init?(_ policy: OverflowPolicy, cluster: String) {
    guard policy.spec.mode == .perRequest else { return nil }
    let neighbours = policy.spec.neighbours.filter { $0.name != cluster }
    self.init(
      cluster: cluster, capacity: policy.spec.capacity,
      neighbours: neighbours.map { neighbour in
        // A host without a port says only in whose name replicas are known otherwise.
        let isGateway = ServiceReplica(address: neighbour.host).fault == nil
        return Neighbour(
          name: neighbour.name, cost: neighbour.cost, limitPerMinute: neighbour.limitPerMinute,
          capacity: neighbour.capacity, gateway: isGateway ? neighbour.host : nil)
      })
    maxHops = policy.spec.maxHops
    isDryRun = policy.spec.isDryRun
    settings = policy.spec.limits
  }

  /// What policies want of selectors, by service. Of two for one service the first counts, as the controller has it.
  package static func all(_ policies: some Sequence<OverflowPolicy>, cluster: String) -> [String: ServiceOverflow] {
    policies.reduce(into: [:]) { all, policy in
      guard all[policy.service] == nil else { return }
      if let overflow = ServiceOverflow(policy, cluster: cluster) { all[policy.service] = overflow }
    }
  }
}
