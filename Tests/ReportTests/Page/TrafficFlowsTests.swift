import Placement
import PlacementTestSupport
import Testing

@testable import Report

@Suite("Traffic flows")
struct TrafficFlowsTests {
  @Test("Flows of an edge sum to its traffic, and the local ones to its local share")
  func sums() {
    for seed in 0..<40 as Range<UInt64> {
      var recipe = RandomProblem(workloads: 8, nodes: 4)
      recipe.replicas = 1...5
      let (problem, placement) = recipe.make(seed: seed)
      let flows = TrafficFlows(problem, placement)
      let evaluation = problem.evaluate(placement)
      for (e, edge) in problem.edges.enumerated() {
        let own = flows.flows.filter { $0.edge == e }
        let local = own.filter(\.isLocal).reduce(0) { $0 + $1.traffic }
        #expect(abs(own.reduce(0) { $0 + $1.traffic } - edge.traffic) < 1e-6 * edge.traffic)
        #expect(abs(local - edge.traffic * evaluation.localShareOfEdge[e]) < 1e-6 * edge.traffic)
      }
      for w in problem.workloads.indices {
        let traffic = problem.edges.reduce(0) { $0 + ($1.u == w || $1.v == w ? $1.traffic : 0) }
        #expect(abs(flows.total[w].reduce(0, +) - traffic) <= 1e-6 * traffic)
        for i in placement.placed[w].indices { #expect(flows.local[w][i] <= flows.total[w][i] * (1 + 1e-9)) }
      }
    }
  }
}
