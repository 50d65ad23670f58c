/// What a placement costs, from the formulas of the design: traffic that leaves nodes and zones, the peak utilization, and
/// moves.
extension Rules {
  /// How the objective's terms count.
  struct Prices {
    /// What a peak utilization of 1 costs, in units of traffic.
    var utilization: Double
    /// What a move costs.
    var move: Double
  }

  /// All traffic between two different workloads, which is the unit of the weights; 1 where there is none.
  var prices: Prices {
    let traffic = cluster.conversations.reduce(0) { $0 + ($1.source == $1.destination ? 0 : $1.bytesPerSecond) }
    let unit = traffic > 0 ? traffic : 1
    return Prices(utilization: cluster.lambda * unit, move: cluster.moveCost * unit)
  }

  func objective(of counts: [[Int]], _ prices: Prices) -> Double {
    let zones = Set(cluster.nodes.map { $0.zone })
    var cost = 0.0
    for edge in cluster.conversations where edge.source != edge.destination {
      let (u, v) = (counts[edge.source], counts[edge.destination])
      let (all, others) = (Double(u.reduce(0, +)), Double(v.reduce(0, +)))
      let onNode = cluster.nodes.indices.reduce(0) { $0 + min(Double(u[$1]) / all, Double(v[$1]) / others) }
      cost += edge.bytesPerSecond * (1 - onNode)
      if zones.count > 1 {
        let inZone = zones.reduce(0.0) { sum, zone in
          let members = cluster.nodes.indices.filter { cluster.nodes[$0].zone == zone }
          return sum
            + min(
              members.reduce(0) { $0 + Double(u[$1]) } / all, members.reduce(0) { $0 + Double(v[$1]) } / others)
        }
        cost += 3 * edge.bytesPerSecond * (1 - inZone)
      }
    }
    return cost + prices.utilization * peakUtilization(of: counts) + prices.move * Double(moves(to: counts))
  }

  /// Of resources that some workload of the plan requests, and of the number of pods.
  private func peakUtilization(of counts: [[Int]]) -> Double {
    let planned = kinds[..<counts.count]
    var peak = 0.0
    for (n, node) in cluster.nodes.enumerated() where node.isReady {
      for (resource, room) in node.room where room > 0 {
        guard resource == "pods" || planned.contains(where: { $0.requests[resource] ?? 0 > 0 }) else { continue }
        func amount(_ kind: Int) -> Int { resource == "pods" ? 1 : kinds[kind].requests[resource] ?? 0 }
        var load = staying.reduce(0) { $0 + ($1.node == n ? amount($1.kind) : 0) }
        for w in counts.indices { load += counts[w][n] * amount(w) }
        peak = max(peak, Double(load) / Double(room))
      }
    }
    return peak
  }

  /// How many replicas leave their node, but for those that go because there are to be fewer.
  func moves(to counts: [[Int]]) -> Int {
    counts.indices.reduce(0) { sum, w in
      let leaving = zip(running[w], counts[w]).reduce(0) { $0 + max(0, $1.0 - $1.1) }
      let surplus = max(0, running[w].reduce(0, +) - counts[w].reduce(0, +))
      return sum + max(0, leaving - surplus)
    }
  }
}

extension Cluster.Node {
  fileprivate var zone: String { labels["topology.kubernetes.io/zone"] ?? "" }
}
