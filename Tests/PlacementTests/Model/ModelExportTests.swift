import Foundation
import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The model in MathProg", .enabled(if: Glpsol.isExpected, "glpsol is not on the PATH: install glpk-utils"))
struct ModelExportTests {
  @Test("glpsol finds the optimum of an exported problem", arguments: Kind.all, [1, 7])
  func optimum(kind: Kind, seed: Int) throws {
    let (problem, _) = kind.recipe.make(seed: UInt64(seed))
    let answer = try Glpsol.solve("placement.mod", text: problem.exportModel())
    let best = try #require(problem.exhaustiveOptimum()).objective
    let cost = try #require(answer.cost, "\(answer.output.suffix(500))")
    #expect(answer.isOptimal)
    #expect(abs(cost - best) < 1e-6 * (1 + best))
    let outcome = try PlacementModel(problem).solve()
    let found = try #require(outcome.assignment)
    #expect(abs(cost - problem.evaluate(found).objective) < 1e-6 * (1 + best))
  }

  @Test(
    "Its examples have the optimum that they say",
    arguments: [("shop.dat", 150.0), ("night.dat", 62.0), ("replan.dat", 244.1666667)])
  func examples(file: String, cost: Double) throws {
    let url = Glpsol.models.appendingPathComponent(file)
    let answer = try Glpsol.solve("placement.mod", url)
    #expect(answer.isOptimal)
    #expect(abs(try #require(answer.cost) - cost) < 1e-6)
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(text.contains("cost is \(cost.formatted())") || text.contains("cost is \(cost)"))
  }

  @Test("Names that MathProg cannot hold are written so that it can, and stay apart")
  func names() throws {
    let long = String(repeating: "x", count: 150)
    var problem = Problem(
      resources: ["cpu", "it's"],
      nodes: [.init(name: "nœud\n1"), .init(name: "nœud\t1"), .init(name: "")],
      zones: [""],
      workloads: [
        .init(name: long + "a", replicas: 1), .init(name: long + "b", replicas: 2), .init(name: "end;", replicas: 1),
      ],
      requests: [1 << 30, 3, 3 << 30, 3, 1 << 30, 3],
      allocatable: [4 << 30, 6, (4 << 30) + 17, 6, 7 << 30, 9]
    )
    problem.edges = [.init(u: 0, v: 1, traffic: 1e-9), .init(u: 1, v: 2, traffic: 12_345_678.5)]
    let answer = try Glpsol.solve("placement.mod", text: problem.exportModel())
    let best = try #require(problem.exhaustiveOptimum())
    #expect(abs(try #require(answer.cost, "\(answer.output)") - best.objective) < 1e-6 * (1 + best.objective))
  }

  @Test("glpsol agrees that there is no placement")
  func infeasible() throws {
    let problem = Problem(
      resources: ["cpu"], nodes: [.init(name: "a")], workloads: [.init(name: "w", replicas: 2)], requests: [3],
      allocatable: [5])
    let answer = try Glpsol.solve("placement.mod", text: problem.exportModel())
    #expect(!answer.isOptimal)
    #expect(answer.output.contains("NO") && answer.output.contains("FEASIBLE"))
  }
}
