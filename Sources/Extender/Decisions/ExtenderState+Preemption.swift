/// What would have to go on a node for a pod to fit there.
struct PreemptionOffer: Hashable, Sendable {
  /// The node's number; −1 for one that is not known.
  var node: Int32
  /// How many pods would go.
  var victims: Int
  /// How many disruption budgets that would violate.
  var violations: Int
}

extension ExtenderState {
  /// Says on which of the offered nodes a pod may take the place of others, by position.
  ///
  /// Victims stay as the scheduler chose them: with fewer the pod would not fit. A node without victims is left out (the
  /// protocol forbids it), and one where the pod may not run. Where the plan has room on one of the others, only those
  /// stay, unless that would violate more disruption budgets than need be.
  func preemptible(_ identity: ReplicaIdentity?, among offers: [PreemptionOffer]) -> [Int] {
    let allowed = allowed(identity, among: offers.map(\.node))
    let kept = offers.indices.filter { offers[$0].victims > 0 && allowed?[$0] ?? true }
    guard let identity, let w = number(of: identity.workload), workloads[w].planned != nil else { return kept }
    var planned: [Int] = []
    withScratch { room, _ in
      _ = self.room(of: w, identity, into: room)
      planned = kept.filter { offers[$0].node >= 0 && room[Int(offers[$0].node)] > 0 }
    }
    func fewest(_ positions: [Int]) -> Int? { positions.map { offers[$0].violations }.min() }
    guard let best = fewest(planned), let least = fewest(kept), best <= least else { return kept }
    return planned
  }
}
