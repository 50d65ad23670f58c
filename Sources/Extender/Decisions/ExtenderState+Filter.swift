extension ExtenderState {
  /// Says on which of the offered nodes a pod may run; nil for all of them.
  ///
  /// All that the planner's rules forbid (selectors, taints, affinity, spread, volumes, capacity) the scheduler knows
  /// itself. So nodes are refused only where the plan is enforced: then a pod of a planned workload may run where the
  /// plan has room for it, and where it has none left anywhere, on all nodes that the plan names for the workload. A
  /// workload that the plan names no node for is not held.
  ///
  /// - Parameters:
  ///   - nodes: the offered nodes by number; −1 for one that is not known.
  func allowed(_ identity: ReplicaIdentity?, among nodes: [Int32]) -> [Bool]? {
    guard isEnforcing, let identity, let w = number(of: identity.workload),
      let planned = workloads[w].planned, planned.total > 0
    else { return nil }
    var allowed: [Bool] = []
    withScratch { room, _ in
      if self.room(of: w, identity, into: room) <= 0 {
        for entry in planned.entries { room[entry.node] = 1 }
      }
      allowed = nodes.map { $0 >= 0 && room[Int(truncatingIfNeeded: $0)] > 0 }
    }
    return allowed
  }

  /// Why a node is refused.
  func refusal(of identity: ReplicaIdentity?) -> String {
    guard let identity, let w = number(of: identity.workload), let planned = workloads[w].planned else { return "" }
    let names = planned.entries.map { nodes[$0.node] }.sorted().prefix(3).joined(separator: ", ")
    return "the plan places \(workloads[w].reference) on \(names)\(planned.entries.count > 3 ? ", …" : "")"
  }
}
