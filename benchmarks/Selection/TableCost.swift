import Foundation
import Model
import Selection

/// What a table costs: to change it, and to hold it.
enum TableCost {
  /// Milliseconds to prepare a change of one in so many of 1,000 replicas, and microseconds to make it; medians of 51.
  static func change(oneIn share: Int) -> [String] {
    var selector = ReplicaSelector(TonariPolicy(), seed: 1)
    var replicas = SelectionBenchmark.replicas(1000)
    selector.replace(with: replicas, at: .start)
    var prepared: [Double] = []
    var applied: [Double] = []
    for round in 1...51 {
      for k in stride(from: 0, to: replicas.count, by: share) {
        replicas[k].name = "10.\(round).\(k / 250).\(k % 250):80"
      }
      let start = processorNanoseconds()
      let change = selector.table.roster.prepare(replicas)
      let middle = processorNanoseconds()
      guard selector.apply(change, at: .seconds(Double(round))) else { fatalError("nobody else changes the table") }
      // The change holds what the table had before, so that freeing that is not counted.
      applied.append(processorNanoseconds() - middle)
      prepared.append(middle - start)
      withExtendedLifetime(change) {}
    }
    return [
      String(format: "prepare %.2f ms", prepared.sorted()[25] / 1e6),
      String(format: "apply %.0f µs", applied.sorted()[25] / 1e3),
    ]
  }

  /// The resident memory that so many selectors take.
  static func megabytes(services: Int, replicas count: Int) -> Int {
    let before = residentBytes()
    let selectors = (0..<services).map { service in
      var selector = ReplicaSelector(TonariPolicy(seed: UInt64(service)), seed: UInt64(service))
      selector.replace(
        with: (0..<count).map {
          Replica(
            name: "10.\(service / 250).\(service % 250).\($0):8080",
            node: "ip-10-0-\(($0 * 7 + service) % 250)-7.internal", zone: "eu-central-1a", cluster: "frankfurt",
            concurrency: 4)
        }, at: .start)
      return selector
    }
    return withExtendedLifetime(selectors) { (residentBytes() - before) / 1_000_000 }
  }

  private static func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
