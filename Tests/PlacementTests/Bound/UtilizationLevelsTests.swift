import Testing

@testable import Placement

@Suite("Utilization levels")
struct UtilizationLevelsTests {
  private func levels(requests: [Int64], allocatable: [Int64], reserved: [Int64]) -> UtilizationLevels {
    var problem = Problem(
      resources: ["cpu"],
      nodes: allocatable.indices.map { Problem.Node(name: "n\($0)") },
      workloads: requests.indices.map { Problem.Workload(name: "w\($0)", replicas: 1) },
      requests: requests,
      allocatable: allocatable)
    problem.reserved = reserved
    return UtilizationLevels(problem)
  }

  @Test("Are multiples of what all requests have in common, on top of what is reserved")
  func levels() {
    let levels = levels(requests: [20, 30], allocatable: [100, 80], reserved: [5, 0])
    // 0.05, 0.15, … on the first node; 0, 0.125, … on the second.
    #expect(levels.highest(upTo: 0.24) == 0.15)
    #expect(levels.highest(upTo: 0.25) == 0.25)
    #expect(levels.highest(below: 0.25) == 0.15)
    #expect(levels.lowest(from: 0.16) == 0.25)
    #expect(levels.lowest(above: 0.25) == 0.35)
    #expect(levels.lowest(from: 0) == 0)
    #expect(levels.highest(upTo: -0.1) == -.infinity)
  }

  @Test("Are what is reserved alone where nothing is requested")
  func nothingRequested() {
    let levels = levels(requests: [0], allocatable: [100], reserved: [30])
    #expect(levels.highest(upTo: 1) == 0.3)
    #expect(levels.highest(upTo: 0.2) == -.infinity)
    #expect(levels.lowest(from: 0.4) == .infinity)
  }

  @Test("Are 0 alone without anything allocatable")
  func nothingAllocatable() {
    let levels = levels(requests: [1], allocatable: [0], reserved: [0])
    #expect(levels.highest(upTo: 1) == 0)
    #expect(levels.lowest(from: 0) == 0)
  }
}
