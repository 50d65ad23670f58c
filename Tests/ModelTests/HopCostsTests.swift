import Model
import Testing

@Suite("Hop costs")
struct HopCostsTests {
  @Test("are 0, 1, 4 and 20 by default, from the same node to another cluster")
  func defaults() {
    let costs = HopCosts()
    #expect([costs.node, costs.zone, costs.cluster, costs.remote] == [0, 1, 4, 20])
  }

  @Test("add up from their steps: a tier costs what leaving each tier within it costs")
  func steps() {
    let costs = HopCosts(node: 0.5, zone: 2, cluster: 7, remote: 31)
    #expect(costs.node + costs.leavingNode == costs.zone)
    #expect(costs.zone + costs.leavingZone == costs.cluster)
    #expect(costs.cluster + costs.leavingCluster == costs.remote)
  }
}
