internal import HeapModule
import Placement

/// An order of workloads in which those that talk much are near each other.
enum WorkloadOrder {
  private struct Candidate: Comparable {
    var traffic: Double
    var workload: Int

    static func < (a: Candidate, b: Candidate) -> Bool {
      (a.traffic, b.workload) < (b.traffic, a.workload)
    }
  }

  /// The rank of each workload: first the one with the most traffic, then always the one with the heaviest edge to
  /// those before it.
  static func ranks(_ problem: Problem) -> [Int] {
    var traffic = Array(repeating: 0.0, count: problem.workloads.count)
    var neighbours: [[Candidate]] = Array(repeating: [], count: problem.workloads.count)
    for edge in problem.edges {
      traffic[edge.u] += edge.traffic
      traffic[edge.v] += edge.traffic
      neighbours[edge.u].append(Candidate(traffic: edge.traffic, workload: edge.v))
      neighbours[edge.v].append(Candidate(traffic: edge.traffic, workload: edge.u))
    }
    var ranks = Array(repeating: -1, count: problem.workloads.count)
    var next = 0
    let heaviestFirst = problem.workloads.indices.sorted { (traffic[$1], $0) < (traffic[$0], $1) }
    for start in heaviestFirst {
      var open: Heap = [Candidate(traffic: 0, workload: start)]
      while let candidate = open.popMax() {
        guard ranks[candidate.workload] < 0 else { continue }
        ranks[candidate.workload] = next
        next += 1
        for neighbour in neighbours[candidate.workload] where ranks[neighbour.workload] < 0 { open.insert(neighbour) }
      }
    }
    return ranks
  }
}
