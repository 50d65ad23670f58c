public import Placement
public import Traffic

/// A traffic matrix by name: who talks to whom at one time among several, such as by day or at night.
public struct NamedTraffic: Sendable {
  /// A name that no other matrix has.
  public var name: String
  /// What it counts in the mean, relative to the others. Positive.
  public var weight: Double
  /// Who talks to whom.
  public var graph: TrafficGraph

  /// Names a matrix.
  public init(name: String, weight: Double = 1, graph: TrafficGraph) {
    self.name = name
    self.weight = weight
    self.graph = graph
  }
}

extension ResolvedTraffic {
  /// Puts matrices together: every edge that one of them has, with its traffic in each; all other figures are means by
  /// weight.
  ///
  /// - Throws: ``PlanningError/Code/badTraffic`` where they are not all in one unit.
  init(_ matrices: [(name: String, weight: Double, traffic: ResolvedTraffic)]) throws(PlanningError) {
    let counted = matrices.filter { !$0.traffic.edges.isEmpty }
    if let first = counted.first, let other = counted.first(where: { $0.traffic.unit != first.traffic.unit }) {
      throw PlanningError(
        code: .badTraffic,
        message: "the traffic of '\(first.name)' is in \(first.traffic.unit.words), that of '\(other.name)' in "
          + "\(other.traffic.unit.words): expected one unit for all matrices"
      )
    }
    self.init(unit: (counted.first ?? matrices.first)?.traffic.unit ?? .bytesPerSecond)
    let all = matrices.reduce(0) { $0 + $1.weight }
    var index: [Set<End>: Int] = [:]
    var indexOutside: [String: Int] = [:]
    for (m, matrix) in matrices.enumerated() {
      let part = matrix.weight / all
      for edge in matrix.traffic.edges {
        let e = index[[edge.u, edge.v]] ?? edges.count
        if e == edges.count {
          index[[edge.u, edge.v]] = e
          edges.append(Edge(u: edge.u, v: edge.v, traffic: 0, trafficByMatrix: matrices.map { _ in 0 }))
        }
        edges[e].traffic += part * edge.traffic
        edges[e].trafficByMatrix[m] = edge.traffic
      }
      for end in matrix.traffic.outside {
        let i = indexOutside[end.name] ?? outside.count
        if i == outside.count {
          indexOutside[end.name] = i
          outside.append(OutsideEnd(name: end.name, reason: end.reason, traffic: 0))
        }
        outside[i].traffic += part * end.traffic
      }
      total += part * matrix.traffic.total
      outsideTraffic += part * matrix.traffic.outsideTraffic
      selfTraffic += part * matrix.traffic.selfTraffic
      for note in matrix.traffic.notes where !notes.contains(note) { notes.append(note) }
      warnings += matrix.traffic.warnings.map { "traffic '\(matrix.name)': \($0)" }
      if matrix.traffic.edges.isEmpty {
        warnings.append("traffic '\(matrix.name)': there is none between workloads of the plan")
      }
    }
    outside.sort { ($1.traffic, $0.name) < ($0.traffic, $1.name) }
  }
}

extension Problem.TrafficUnit {
  /// The unit in words.
  fileprivate var words: String {
    switch self {
    case .bytesPerSecond: "bytes per second"
    case .requestsPerSecond: "requests per second"
    }
  }
}
