import Foundation
import HostileNumbersTestSupport
import Overflow
import Planner
import Testing

@testable import Placement

@Suite("Edges with any numbers")
struct EdgeHostileNumbersTests {
  @Test("are read and planned, or refused")
  func edges() throws {
    let text = """
      clusters: [a, b]
      costs: {a: {b: 5}, default: 20}
      shedCost: 1000
      services:
      - {name: cart, demandPerMinute: {a: 900, b: 100}, capacityPerMinute: {a: 540, b: 540}}
      """
    #expect(throws: Never.self) { try EdgeProblem(yaml: text, file: "f") }
    for variant in HostileNumbers.variants(of: text) {
      guard let problem = try? EdgeProblem(yaml: variant.text, file: "f") else { continue }
      let round = OverflowRound(costs: problem.costs, shedCost: problem.shedCost)
      for service in problem.services { _ = round.decide(demand: service.demand, capacity: service.capacity) }
      _ = try? EdgePlan(problem)
    }
  }
}
