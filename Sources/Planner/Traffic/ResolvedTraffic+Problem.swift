package import Placement

extension ResolvedTraffic {
  /// Puts the traffic on a problem's edges.
  ///
  /// Ends that the map pins become workloads after those that are there: one replica that requests nothing and may run
  /// on its node alone.
  package func apply(to problem: inout Problem) {
    let nodes = problem.nodesByName
    let isRunning = problem.current.contains { $0 != nil }
    var pinned: [End: Int] = [:]

    func index(of end: End) -> Int? {
      switch end {
      case .workload(let w): return w
      case .pinned(let name, let node):
        if let w = pinned[end] { return w }
        guard let n = nodes[node] else { return nil }
        var row = Array(repeating: Int32(0), count: problem.nodes.count)
        row[n] = 1
        problem.limitRows.append(row)
        problem.workloads.append(.init(name: name, replicas: 1, limitRow: problem.limitRows.count - 1))
        problem.requests += Array(repeating: 0, count: problem.resources.count)
        problem.current.append(isRunning ? [Problem.Placed(node: n, replicas: 1)] : nil)
        pinned[end] = problem.workloads.count - 1
        return pinned[end]
      }
    }

    problem.trafficUnit = unit
    problem.edges = edges.compactMap { edge in
      guard let u = index(of: edge.u), let v = index(of: edge.v) else { return nil }
      return Problem.Edge(u: u, v: v, traffic: edge.traffic, byMatrix: edge.trafficByMatrix)
    }
  }
}
