/// Which placements are valid: for each workload and node, how many replicas run there in the end.
extension Rules {
  /// Why a placement is not valid; nil where it is.
  enum Fault: Hashable {
    case replicas
    case volumes
    /// A replica that starts fails of something, or one that stays fails of what it does not fail of now.
    case failure(workload: Int, node: Int, Failure)
    case order
  }

  func fault(in counts: [[Int]]) -> Fault? {
    for (w, workload) in cluster.workloads.enumerated() {
      if counts[w].reduce(0, +) != workload.replicas { return .replicas }
      if !canSeat(w, counts[w]) { return .volumes }
    }
    let pods = staying + pods(counts)
    let kept = kept(counts)
    for w in counts.indices {
      for n in counts[w].indices where counts[w][n] > 0 {
        var failures = failures(of: w, on: n, beside: pods.without(Placed(kind: w, node: n)))
        if failures.isEmpty { continue }
        if ClusterGenerator.letsWhatRunsStay, kept[w][n] == counts[w][n] {
          failures.subtract(failuresNow(of: w, on: n))
        }
        if let failure = failures.first { return .failure(workload: w, node: n, failure) }
      }
    }
    return canBeReached(counts) ? nil : .order
  }

  /// Words for a fault.
  func text(_ fault: Fault) -> String {
    switch fault {
    case .replicas: "not all replicas are placed"
    case .volumes: "volumes cannot be reached"
    case .order: "there is no order in which kube-scheduler could start the pods"
    case .failure(let w, let n, let failure):
      "\(cluster.workloads[w].name) on \(cluster.nodes[n].name): \(failure)"
    }
  }

  private func pods(_ counts: [[Int]]) -> [Placed] {
    counts.indices.flatMap { w in
      counts[w].indices.flatMap { Array(repeating: Placed(kind: w, node: $0), count: counts[w][$0]) }
    }
  }

  /// The replicas that run where the placement has them, and may stay: they are not started, so they need not pass what
  /// they do not pass now. Only taints with `NoExecute` evict.
  private func kept(_ counts: [[Int]]) -> [[Int]] {
    counts.indices.map { w in
      counts[w].indices.map { n in
        let mayStay = kinds[w].spec.tolerates(cluster.nodes[n].allTaints, effects: ["NoExecute"])
        return mayStay ? min(counts[w][n], running[w][n]) : 0
      }
    }
  }

  /// What a replica that runs on a node fails of now, beside those that are not evicted. Where a workload shrinks, some of
  /// its replicas are on their way out, and nobody knows which: then whatever it may fail of.
  private func failuresNow(of w: Int, on n: Int) -> Set<Failure> {
    guard running[w][n] > 0 else { return [] }
    var variants = [pods(kept(running))]
    for v in running.indices where v != w {
      for _ in 0..<max(0, running[v].reduce(0, +) - cluster.workloads[v].replicas) {
        variants += variants.flatMap { pods in
          Set(pods.filter { $0.kind == v }).map { pods.without($0) }
        }
      }
    }
    return variants.reduce(into: []) { failures, pods in
      failures.formUnion(self.failures(of: w, on: n, beside: staying + pods.without(Placed(kind: w, node: n))))
    }
  }

  /// Whether replicas with volumes of their own can be given to the nodes so that each reaches its own.
  private func canSeat(_ w: Int, _ counts: [Int]) -> Bool {
    let workload = cluster.workloads[w]
    if workload.claimTemplates.isEmpty { return true }
    var left = counts
    func seat(_ replica: Int) -> Bool {
      if replica == workload.replicas { return true }
      for n in left.indices where left[n] > 0 && reachesVolumes(w, replica: replica, from: n) {
        left[n] -= 1
        if seat(replica + 1) { return true }
        left[n] += 1
      }
      return false
    }
    return seat(0)
  }

  /// Whether kube-scheduler can start what is missing, one pod after the other.
  private func canBeReached(_ goal: [[Int]]) -> Bool {
    // Without these, what may be started last may be started at any time.
    if kinds[..<goal.count].allSatisfy({ $0.spec.affinity.isEmpty && $0.spec.requiredSpreads.isEmpty }) { return true }
    var seen: Set<[[Int]]> = []
    func finish(_ counts: [[Int]], _ pods: [Placed]) -> Bool {
      if counts == goal { return true }
      guard seen.insert(counts).inserted else { return false }
      for w in goal.indices {
        for n in goal[w].indices where counts[w][n] < goal[w][n] {
          guard allows(w, on: n, beside: pods) else { continue }
          var next = counts
          next[w][n] += 1
          if finish(next, pods + [Placed(kind: w, node: n)]) { return true }
        }
      }
      return false
    }
    let (counts, pods) = start(for: goal)
    return finish(counts, pods)
  }

  /// What of a placement runs already and stays, and all pods that are there before the rest is started.
  func start(for goal: [[Int]]) -> (counts: [[Int]], pods: [Placed]) {
    let counts = kept(goal)
    return (counts, staying + pods(counts))
  }

  /// All placements that no rule on nodes alone forbids.
  var placements: [[[Int]]] {
    cluster.workloads.indices.reduce([[]]) { all, w in
      let ways = ways(toPlace: cluster.workloads[w].replicas, on: nodes(for: w))
      return all.flatMap { part in ways.map { part + [$0] } }
    }
  }

  /// Nodes that no rule on nodes alone takes from a workload, and those where it runs.
  func nodes(for w: Int) -> [Int] {
    let replicas = cluster.workloads[w].claimTemplates.isEmpty ? 1 : cluster.workloads[w].replicas
    return cluster.nodes.indices.filter { n in
      (failuresByNode[w][n].isEmpty || running[w][n] > 0)
        && (0..<replicas).contains { reachesVolumes(w, replica: $0, from: n) }
    }
  }

  /// All ways to place a number of replicas on some nodes, as counts by node.
  func ways(toPlace replicas: Int, on allowed: [Int]) -> [[Int]] {
    var ways: [[Int]] = []
    var counts = Array(repeating: 0, count: cluster.nodes.count)
    func place(_ left: Int, from index: Int) {
      if left == 0 { return ways.append(counts) }
      if index == allowed.count { return }
      for count in stride(from: left, through: 0, by: -1) {
        counts[allowed[index]] = count
        place(left - count, from: index + 1)
      }
      counts[allowed[index]] = 0
    }
    place(replicas, from: 0)
    return ways
  }
}

extension [Rules.Placed] {
  /// All of them but one.
  fileprivate func without(_ pod: Rules.Placed) -> Self {
    var rest = self
    if let index = firstIndex(of: pod) { rest.remove(at: index) }
    return rest
  }
}
