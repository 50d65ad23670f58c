import Foundation
import Selection

/// How long a pick takes, in process and on one thread, and what a table costs.
///
///     swift run -c release selection-benchmark                 # all figures
///     swift run -c release selection-benchmark tonari          # picks by this policy, and no more
///     swift run -c release selection-benchmark --allocations   # fails where a pick or a completion asks for memory
@main
enum SelectionBenchmark {
  /// A policy, what it takes to pick with it, and how often that asks for memory.
  private struct Case: Sendable {
    var name: String
    var nanoseconds: @Sendable (PickRequest, Int) -> String
    var allocations: @Sendable (PickRequest?, Int) -> Int

    /// The compiler makes code for this policy alone, as a server has it.
    @inline(__always)
    init<Policy: SelectionPolicy>(_ name: String, _ policy: Policy) {
      self.name = name
      nanoseconds = { request, count in
        var loop = PickLoop(policy, replicas: SelectionBenchmark.replicas(count))
        let (pick, complete) = loop.nanoseconds(request)
        return String(format: "%.0f + %.0f", pick, complete)
      }
      allocations = { request, count in
        var loop = PickLoop(policy, replicas: SelectionBenchmark.replicas(count))
        return loop.allocations(request ?? loop.excluding("10.1.0.1:8080"))
      }
    }
  }

  private static let tonari = Case("tonari", TonariPolicy(seed: 3))
  private static let policies = [
    tonari, Case("least-request", LeastRequestPolicy()), Case("round-robin", RoundRobinPolicy()),
    Case("random", RandomPolicy()), Case("peak-ewma", PeakEWMAPolicy()), Case("c3", C3Policy()),
    Case("prequal", PrequalPolicy()),
  ]
  private static let counts = [10, 100, 1000]

  static func main() {
    if CommandLine.arguments.dropFirst().first == "--allocations" {
      exit(checkAllocations() ? 0 : 1)
    }
    let wanted = CommandLine.arguments.dropFirst()
    print("nanoseconds for a pick, and for its completion; medians of 2,000 rounds of 256")
    print(row("", counts.map { "\($0) replicas" }))
    for policy in policies where wanted.isEmpty || wanted.contains(policy.name) {
      print(row(policy.name, counts.map { policy.nanoseconds(PickRequest(), $0) }))
    }
    guard wanted.isEmpty else { return }
    print("\nthe same for tonari with")
    for (name, request) in requests { print(row(name, counts.map { tonari.nanoseconds(request, $0) })) }
    print("\na change of all of 1,000 replicas, and of one in ten")
    for share in [1, 10] { print(row("1 in \(share)", TableCost.change(oneIn: share))) }
    print("\n100,000 replicas in 5,000 services: \(TableCost.megabytes(services: 5000, replicas: 20)) MB")
  }

  private static let requests: [(String, PickRequest)] = [
    ("a place", PickRequest(from: Place(node: "n3", zone: "z3"))), ("a label", PickRequest(labels: 1)),
    ("a key", PickRequest(key: 5)),
  ]

  static func replicas(_ count: Int) -> [Replica] {
    (0..<count).map {
      Replica(
        name: "10.1.\($0 / 250).\($0 % 250):8080", node: "n\($0 % 7)", zone: "z\($0 % 7)", concurrency: 4, labels: 1)
    }
  }

  private static func checkAllocations() -> Bool {
    var isClean = true
    let requests = [("anything", PickRequest())] + self.requests + [("an exclusion", nil)]
    for policy in policies {
      for replicas in counts {
        for (kind, request) in requests {
          let found = policy.allocations(request, replicas)
          guard found > 0 else { continue }
          isClean = false
          print("\(policy.name), \(replicas) replicas, a request with \(kind): \(found) allocations in 12,800 picks")
        }
      }
    }
    if isClean { print("no allocation in \(policies.count * counts.count * requests.count) kinds of picks") }
    return isClean
  }

  private static func row(_ name: String, _ cells: [String]) -> String {
    func padded(_ text: String) -> String { String(repeating: " ", count: max(1, 22 - text.count)) + text }
    return "  " + name + String(repeating: " ", count: max(0, 14 - name.count)) + cells.map(padded).joined()
  }
}
