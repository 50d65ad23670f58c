import Foundation
import PlacementTestSupport
import Testing

/// Random small clusters: what Tonari says of them is held to Kubernetes' rules as ``Rules`` has them, by looking at every
/// placement there is. README.md says how to look at more clusters, or at one again.
@Suite("Kubernetes' rules, written a second time")
struct KubernetesRulesTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let count = environment["TONARI_RULES_CLUSTERS"].flatMap { Int($0) } ?? 1000
  private static let firstSeed = environment["TONARI_RULES_SEED"].flatMap { Int($0) } ?? 1
  private static let blocks = min(20, count)
  /// After so many clusters with a fault, a block ends.
  private static let mostFaults = 2
  /// So many clusters go through glpsol, which takes its time to start.
  private static let models = environment["TONARI_RULES_MODELS"].flatMap { Int($0) } ?? 60

  @Test("The plan, its evaluation and the extender agree with them", arguments: 0..<blocks)
  func agreement(block: Int) throws {
    var tally = Comparison.Tally()
    var faults = 0
    for seed in Self.seeds(of: block, Self.count) {
      var generator = ClusterGenerator(seed: seed)
      let cluster = generator.cluster()
      guard Self.fault(of: cluster, seed: seed, &tally) != nil else { continue }
      Self.record(cluster, seed: seed) { smaller in
        var tally = Comparison.Tally()
        return Self.fault(of: smaller, seed: seed, &tally)
      }
      faults += 1
      if faults == Self.mostFaults { break }
    }
    if Self.environment["TONARI_RULES_TALLY"] != nil { print("block \(block): \(tally)") }
    // In so many clusters there is something of everything.
    if Self.count >= 1000, faults == 0 {
      #expect(tally.feasible > 10 && tally.infeasible > 1)
      #expect(tally.valid > 50 && tally.invalid > 50 && tally.started > 20)
    }
  }

  @Test("The exported model agrees with them under glpsol", .enabled(if: Glpsol.isExpected), arguments: 0..<4)
  func model(block: Int) throws {
    for seed in Self.seeds(of: block, Self.models, blocks: 4) {
      var generator = ClusterGenerator(seed: seed)
      let cluster = generator.cluster()
      func fault(_ cluster: Cluster) -> String? {
        do {
          let comparison = try Comparison(cluster)
          return comparison.rules.dependsOnTurns ? nil : try comparison.faultOfModel()
        } catch { return "\(error)" }
      }
      guard fault(cluster) != nil else { continue }
      return Self.record(cluster, seed: seed, fault)
    }
  }

  private static func seeds(of block: Int, _ count: Int, blocks: Int = blocks) -> [Int] {
    stride(from: block, to: count, by: blocks).map { firstSeed + $0 }
  }

  private static func fault(of cluster: Cluster, seed: Int, _ tally: inout Comparison.Tally) -> String? {
    do {
      let comparison = try Comparison(cluster)
      // The planner keeps such replicas beside the others; README.md says why.
      if comparison.rules.dependsOnTurns { return nil }
      // To prove that there is no placement takes seconds without optimization.
      let isProving = seed.isMultiple(of: 20) || count > 1000
      return try comparison.faultOfPlan(provesInfeasibility: isProving, &tally)
        ?? comparison.faultOfEvaluation(seed: seed, &tally)
    } catch {
      return "\(error)"
    }
  }

  /// Tells the smallest cluster that a fault is still found in, as files for the command line.
  private static func record(_ cluster: Cluster, seed: Int, _ fault: (Cluster) -> String?) {
    var cluster = cluster
    while let smaller = cluster.smaller.first(where: { fault($0) != nil }) { cluster = smaller }
    Issue.record(
      """
      seed \(seed): \(fault(cluster) ?? "")
      cluster.json:
      \(cluster.json)
      traffic.csv:
      \(cluster.csv)
      tonari plan -c cluster.json -t traffic.csv --prove \(cluster.options)
      """)
  }
}
