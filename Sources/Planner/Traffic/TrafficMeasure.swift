import Model
import Placement
import Traffic

/// The unit in which all edges are counted, and how an edge is counted in it.
struct TrafficMeasure {
  let unit: Problem.TrafficUnit
  /// What a request counts in bytes where an edge has only one of them.
  private let bytesPerRequest: Double
  /// What was converted, a sentence each.
  let warnings: [String]

  /// Chooses the unit of all edges between workloads, of one dump or of several that are to be comparable.
  init(_ dumps: [ResolvedCalls]) {
    var (inside, outside): ([TrafficGraph.Edge], [TrafficGraph.Edge]) = ([], [])
    for dump in dumps {
      for call in dump.calls where call.edge.bytesPerSecond != nil || call.edge.requestsPerSecond != nil {
        if dump.isInside(call) { inside.append(call.edge) } else { outside.append(call.edge) }
      }
    }
    let decisive = inside.isEmpty ? outside : inside
    let hasBytes = !decisive.isEmpty && decisive.allSatisfy { $0.bytesPerSecond != nil }
    let hasRequests = decisive.allSatisfy { $0.requestsPerSecond != nil }
    let unit: Problem.TrafficUnit = hasBytes || !hasRequests ? .bytesPerSecond : .requestsPerSecond
    self.unit = unit

    let measured = Self.meanSize(inside) ?? Self.meanSize(outside)
    let size = measured ?? ResolvedTraffic.bytesPerRequest
    bytesPerRequest = size
    let rule = Self.rule(size, isMeasured: measured != nil)
    warnings = [(inside, "between workloads"), (outside, "with an end outside")].compactMap { edges, which in
      let without = edges.count { (unit == .bytesPerSecond ? $0.bytesPerSecond : $0.requestsPerSecond) == nil }
      guard without > 0 else { return nil }
      return unit == .bytesPerSecond
        ? "\(without) of \(edges.count) edges \(which) have requests but no bytes: a request counts \(rule)"
        : "\(without) of \(edges.count) edges \(which) have bytes but no requests: a request counts for \(rule)"
    }
  }

  /// What an edge counts per second.
  func traffic(of edge: TrafficGraph.Edge) -> Double {
    switch unit {
    case .bytesPerSecond: edge.bytesPerSecond ?? (edge.requestsPerSecond ?? 0) * bytesPerRequest
    case .requestsPerSecond: edge.requestsPerSecond ?? (edge.bytesPerSecond ?? 0) / bytesPerRequest
    }
  }

  /// The mean size of a request over the edges that have both bytes and requests; nil where none has.
  private static func meanSize(_ edges: [TrafficGraph.Edge]) -> Double? {
    var (bytes, requests) = (0.0, 0.0)
    for edge in edges {
      guard let b = edge.bytesPerSecond, let r = edge.requestsPerSecond else { continue }
      bytes += b
      requests += r
    }
    // Far from the largest numbers, so that what is converted stays finite.
    return bytes > 0 && requests > 0 ? min(max(bytes / requests, 1e-6), 1e12) : nil
  }

  private static func rule(_ size: Double, isMeasured: Bool) -> String {
    let bytes = "\(Int(saturating: size.rounded())) bytes"
    return isMeasured
      ? "\(bytes), the mean over the edges that have both"
      : "\(bytes), a default, because no edge has both"
  }
}
