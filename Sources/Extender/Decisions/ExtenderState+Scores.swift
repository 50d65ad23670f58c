import Model

extension ExtenderState {
  /// Scores at and above this are those of nodes where the plan has room, scores below those of all others, while the
  /// plan has room somewhere.
  private static let lowestScoreOfRoom = 6

  /// Says how well nodes suit a pod.
  ///
  /// Nodes where the plan still has room for a replica of the workload score 6 to 10, by how much is left there; others
  /// score 0 to 5 by traffic. Without room on any of them, or without a plan, traffic alone gives 0 to 10: what the
  /// replica would keep on the node, then in its zone, given where its partners run now. Where there is no traffic
  /// either, more replicas than planned go to the plan's nodes.
  ///
  /// - Parameters:
  ///   - nodes: the offered nodes by number; −1 for one that is not known.
  func scores(for identity: ReplicaIdentity?, on nodes: [Int32]) -> NodeScores {
    var answer = NodeScores(scores: Array(repeating: 0, count: nodes.count), fit: .unplanned)
    guard let identity, let w = number(of: identity.workload) else { return answer }
    withScratch { numbers, gains in
      let most = room(of: w, identity, into: numbers)
      let offered = nodes.reduce(Int32(0)) { $1 >= 0 ? max($0, numbers[Int(truncatingIfNeeded: $1)]) : $0 }
      answer.fit = workloads[w].planned == nil ? .unplanned : most <= 0 ? .full : offered > 0 ? .offered : .absent

      let best = gain(of: w, for: nodes, into: gains)
      let highest = Double(answer.fit == .offered ? Self.lowestScoreOfRoom - 1 : NodeScores.highest)
      let planned = workloads[w].planned
      let mostPlanned = planned?.entries.map(\.count).max() ?? 0
      for (i, n) in nodes.enumerated() where n >= 0 {
        let left = numbers[Int(n)]
        if left > 0 {
          answer.scores[i] = Self.score(left: Int(truncatingIfNeeded: left), of: Int(offered))
        } else if best > 0 {
          answer.scores[i] = UInt8(saturating: (highest * gains[Int(n)] / best).rounded())
        } else if answer.fit == .full, let planned {
          answer.scores[i] = UInt8(
            saturating: (highest * Double(planned[Int(n)]) / Double(max(1, mostPlanned))).rounded())
        }
      }
    }
    return answer
  }

  /// What a node scores where so many replicas are left of the plan's; `most` are left on the node with the most.
  private static func score(left: Int, of most: Int) -> UInt8 {
    let steps = NodeScores.highest - lowestScoreOfRoom
    return UInt8(clamping: lowestScoreOfRoom + (most > 1 ? steps * (left - 1) / (most - 1) : steps))
  }

  /// Lets one node alone score highest where the plan has room on several that have as much: so it is known where the
  /// scheduler will bind the pod. Answers the position of that node; nil where the scores do not follow the plan.
  func decide(_ scores: inout NodeScores) -> Int? {
    guard scores.fit == .offered else { return nil }
    let highest = UInt8(clamping: NodeScores.highest)
    guard let best = scores.scores.firstIndex(of: highest) else { return nil }
    for i in scores.scores.indices where i != best { scores.scores[i] = min(scores.scores[i], highest - 1) }
    return best
  }

  /// Whether the plan places the replica's workload.
  func isPlanned(_ identity: ReplicaIdentity) -> Bool {
    number(of: identity.workload).map { workloads[$0].planned != nil } ?? false
  }

  /// For how many replicas the plan has room on a node, and on the node where it has most.
  func room(for identity: ReplicaIdentity, on node: String) -> (here: Int, most: Int) {
    guard let w = number(of: identity.workload), let planned = workloads[w].planned else { return (0, 0) }
    let running = counted(w, identity)
    let most = planned.entries.reduce(0) { max($0, $1.count - running[$1.node]) }
    return (nodes.number(of: node).map { planned[$0] - running[$0] } ?? 0, most)
  }

  /// Where the plan has room for a replica, by node number; answers the most on any node. Other nodes stay 0.
  func room(of w: Int, _ identity: ReplicaIdentity, into room: UnsafeMutableBufferPointer<Int32>) -> Int32 {
    guard let planned = workloads[w].planned else { return 0 }
    let running = counted(w, identity)
    var most: Int32 = 0
    for entry in planned.entries {
      let left = Int32(clamping: entry.count - running[entry.node])
      room[entry.node] = max(0, left)
      most = max(most, left)
    }
    return most
  }

  /// The replicas that take the plan's room from one of this identity.
  private func counted(_ w: Int, _ identity: ReplicaIdentity) -> NodeCounts {
    identity.revision.isEmpty
      ? workloads[w].running : workloads[w].revisions[identity.revision] ?? NodeCounts()
  }

  /// What one more replica would gain on each node: `Σ_e t_e·(leavingNode·Δz_node + leavingZone·Δz_zone)` with
  /// `z = min(x_u/R_u, x_v/R_v)`, the planner's objective. Answers the highest gain among the offered nodes.
  private func gain(
    of w: Int, for offered: [Int32], into gains: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    let own = workloads[w]
    guard !own.partners.isEmpty else { return 0 }
    let replicas = own.size(with: 1)
    var zoneGains = Array(repeating: 0.0, count: zoneNames.count)
    var zoneCounts = Array(repeating: 0, count: zoneNames.count)
    let ownInZones = inZones(own.running)
    for partner in own.partners {
      let other = workloads[partner.workload]
      let others = other.size(with: 0)
      guard others > 0 else { continue }
      /// How much the localized share of the edge grows in a domain with so many replicas of both.
      func growth(_ ownCount: Int, _ otherCount: Int) -> Double {
        let share = Double(otherCount) / Double(others)
        let before = min(Double(ownCount) / Double(replicas), share)
        return min(Double(ownCount + 1) / Double(replicas), share) - before
      }
      // Before the first of them runs, they are taken to be where the plan wants them.
      let places = other.running.total > 0 ? other.running : other.planned ?? other.running
      for entry in places.entries {
        gains[entry.node] += partner.traffic * traffic.leavingNode * growth(own.running[entry.node], entry.count)
        if zoneOfNode[entry.node] >= 0 { zoneCounts[zoneOfNode[entry.node]] += entry.count }
      }
      for (zone, count) in zoneCounts.enumerated() where count > 0 {
        zoneGains[zone] += partner.traffic * traffic.leavingZone * growth(ownInZones[zone], count)
        zoneCounts[zone] = 0
      }
    }
    for n in gains.indices where zoneOfNode[n] >= 0 { gains[n] += zoneGains[zoneOfNode[n]] }
    return offered.reduce(0) { $1 >= 0 ? max($0, gains[Int(truncatingIfNeeded: $1)]) : $0 }
  }

  private func inZones(_ counts: NodeCounts) -> [Int] {
    var zones = Array(repeating: 0, count: zoneNames.count)
    for entry in counts.entries where zoneOfNode[entry.node] >= 0 { zones[zoneOfNode[entry.node]] += entry.count }
    return zones
  }

  /// Lends two zeroed numbers for each node.
  func withScratch(
    _ body: (UnsafeMutableBufferPointer<Int32>, UnsafeMutableBufferPointer<Double>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: nodes.count) { numbers in
      numbers.initialize(repeating: 0)
      withUnsafeTemporaryAllocation(of: Double.self, capacity: nodes.count) { gains in
        gains.initialize(repeating: 0)
        body(numbers, gains)
      }
    }
  }
}

extension ExtenderState.Workload {
  /// How many replicas there are to be, as far as is known, with so many more than run now.
  fileprivate func size(with more: Int) -> Int {
    max(wanted ?? planned?.total ?? 0, running.total + more)
  }
}
