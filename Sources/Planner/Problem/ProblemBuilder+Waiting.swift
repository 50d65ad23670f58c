import Kubernetes
import Model
import Placement

/// Replicas that cannot start before a pod of their own workload is gone: one that is being deleted, or on a node that is
/// not ready, and keeps them away by what both ask for. They wait, and the others are planned; a plan for all of them
/// there is not.
extension ProblemBuilder {
  /// The pods that stay of each workload that is planned.
  private var ownPods: [Int: [Fixed]] {
    var pods: [Int: [Fixed]] = [:]
    for pod in fixed { if let w = pod.workload { pods[w, default: []].append(pod) } }
    return pods
  }

  /// Leaves out replicas whose claim for one pod (`ReadWriteOncePod`) a pod of their own workload has.
  mutating func leaveOutReplicasWithoutClaim() {
    for (w, pods) in ownPods.sorted(by: { $0.key < $1.key }) {
      let held = Set(
        pods.flatMap { pod in
          (pod.spec.volumes ?? []).compactMap(\.persistentVolumeClaim).map {
            WorkloadName(namespace: pod.name.namespace, name: $0.claimName)
          }
        })
      func waits(_ claim: (name: WorkloadName, claim: VolumeCatalog.Claim)) -> Bool {
        claim.claim.isForOnePod && held.contains(claim.name)
      }
      let replicas = planned[w].replicas ?? 0
      let own = claims[w].own.filter { !$0.contains(where: waits) }
      let count = claims[w].shared.contains(where: waits) ? 1 : claims[w].own.count - own.count
      claims[w].own = own
      waiting[w] = min(count, replicas)
      planned[w].replicas = replicas - min(count, replicas)
    }
  }

  /// Leaves out replicas for which there is no place, as far as there are pods of their own workload that may have it.
  mutating func leaveOutReplicasWithoutPlace() {
    let ownPods = ownPods
    guard !ownPods.isEmpty else { return }
    var rules: [Int: [(rule: Problem.Rule, partition: Int)]] = [:]
    for rule in problem.rules {
      switch rule {
      case .atMost(let w, let p, _), .spread(let w, _, let p, _, _, _, _):
        if ownPods[w] != nil { rules[w, default: []].append((rule, p)) }
      case .apart, .together: break
      }
    }
    for (w, pods) in ownPods.sorted(by: { $0.key < $1.key }) {
      let known = waiting[w] ?? 0
      let missing = problem.workloads[w].replicas - places(w, rules[w] ?? [])
      let count = max(0, min(missing, pods.count - known))
      problem.workloads[w].replicas -= count
      guard known + count > 0 else { continue }
      let names = ProblemWarnings.list(pods.map { "\($0.name)" })
      let all = problem.workloads[w].replicas + known + count
      warnings.add(
        "\(known + count) of \(all) replicas left out: \(known + count == 1 ? "it waits" : "they wait") until pods of the "
          + "workload are gone that are being deleted or on nodes that are not ready (\(names))",
        about: "\(planned[w].name)")
    }
  }

  /// How many replicas of a workload there are places for at most, were it alone.
  private func places(_ w: Int, _ rules: [(rule: Problem.Rule, partition: Int)]) -> Int {
    var stays = Array(repeating: 0, count: nodes.count)
    let evicted = problem.evictedFrom[w] ?? []
    for place in problem.current[w] ?? [] where !evicted.contains(place.node) { stays[place.node] = place.replicas }
    let rooms = nodes.indices.map { max(problem.room(workload: w, node: $0, limit: limits[w][$0]), stays[$0]) }
    func perDomain(_ values: [Int], _ partition: Problem.Partition) -> [Int] {
      var sums = Array(repeating: 0, count: partition.count)
      for n in nodes.indices where partition.domain[n] >= 0 { sums[Int(partition.domain[n])] += values[n] }
      return sums
    }
    var places = rooms.reduce(0, +)
    for (rule, p) in rules {
      let partition = problem.partitions[p]
      let (room, stay) = (perDomain(rooms, partition), perDomain(stays, partition))
      let outside = rooms.indices.reduce(0) { $0 + (partition.domain[$1] < 0 ? rooms[$1] : 0) }
      switch rule {
      case .atMost(_, _, let most):
        places = min(places, zip(room, stay).reduce(outside) { $0 + max($1.1, min(most, $1.0)) })
      case .spread(_, let members, _, let maxSkew, let minDomains, let base, let eligible) where members == [w]:
        let domains = eligible.indices.filter { eligible[$0] }
        let emptiest = domains.count < minDomains ? 0 : domains.map { base[$0] + room[$0] }.min() ?? 0
        // Each of the numbers comes from 32 bits, or is a sum of such.
        let most = domains.reduce(0) { $0 + min(room[$1], max(stay[$1], emptiest + maxSkew - base[$1])) }
        places = min(places, most)
      case .spread, .apart, .together: break
      }
    }
    return places
  }
}
