package import Traffic

/// A traffic matrix by name: who talks to whom at one time among several, such as by day or at night.
package struct NamedTraffic: Sendable {
  /// A name that no other matrix has.
  package var name: String
  /// What it counts in the mean, relative to the others. Positive.
  package var weight: Double
  /// Who talks to whom.
  package var traffic: ObservedTraffic

  /// Names a matrix.
  package init(name: String, weight: Double = 1, traffic: ObservedTraffic) {
    self.name = name
    self.weight = weight
    self.traffic = traffic
  }

  /// Names a matrix of what one tool measured.
  package init(name: String, weight: Double = 1, graph: TrafficGraph) {
    self.init(name: name, weight: weight, traffic: ObservedTraffic(graph))
  }
}

extension ResolvedTraffic {
  /// Puts matrices together, in one unit: every edge that one of them has, with its traffic in each; all other figures
  /// are means by weight.
  init(_ matrices: [NamedTraffic], _ resolver: EndpointResolver, workloadName: (Int) -> String) {
    let calls = matrices.map { UnitedCalls($0.traffic, resolver) }
    let measure = TrafficMeasure(calls.map(\.calls))
    let resolved = zip(matrices, calls).map { matrix, calls in
      (
        name: matrix.name, weight: matrix.weight,
        traffic: ResolvedTraffic(calls, measure, workloadName: workloadName)
      )
    }
    self.init(unit: measure.unit)
    warnings = measure.warnings
    for (matrix, calls) in zip(matrices, calls) {
      warnings += calls.warnings.map { "traffic '\(matrix.name)': \($0)" }
    }
    add(resolved)
  }

  private mutating func add(_ matrices: [(name: String, weight: Double, traffic: ResolvedTraffic)]) {
    let all = matrices.reduce(0) { $0 + $1.weight }
    var index: [Set<End>: Int] = [:]
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
        outside.append(OutsideEnd(name: end.name, reason: end.reason, traffic: part * end.traffic))
      }
      for var end in matrix.traffic.named {
        end.traffic *= part
        named.append(end)
      }
      total += part * matrix.traffic.total
      outsideTraffic += part * matrix.traffic.outsideTraffic
      selfTraffic += part * matrix.traffic.selfTraffic
      for note in matrix.traffic.notes where !notes.contains(note) { notes.append(note) }
      if matrix.traffic.edges.isEmpty {
        warnings.append("traffic '\(matrix.name)': there is none between workloads of the plan")
      }
    }
    mergeNames()
  }
}
