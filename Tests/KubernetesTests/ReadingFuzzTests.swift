import Foundation
import Model
import Testing

@testable import Kubernetes

/// Mutates inputs and reads them: whatever the bytes, there is a result or an error, soon.
@Suite("Mutated inputs")
struct ReadingFuzzTests {
  /// How many mutations; `TONARI_FUZZ_RUNS` asks for more.
  static let runs = ProcessInfo.processInfo.environment["TONARI_FUZZ_RUNS"].flatMap { Int($0) } ?? 10_000

  @Test("are read, or refused with an error that names the input", .timeLimit(.minutes(60)))
  func reading() {
    let seeds = Self.seeds.map { Array($0.utf8) }
    var read = 0
    var refused = 0
    for run in 0..<Self.runs {
      var generator = SeededGenerator(seed: UInt64(run))
      let input = Self.mutate(seeds[run % seeds.count], seeds, &generator)
      var snapshot = ClusterSnapshot()
      do throws(ManifestError) {
        try snapshot.read(input, source: "fuzz")
        read += 1
      } catch {
        refused += 1
        if !error.description.hasPrefix("fuzz:") { Issue.record("run \(run): \(error)") }
      }
      for pod in snapshot.pods { _ = pod.spec.effectiveRequests }
      for node in snapshot.nodes {
        for deployment in snapshot.deployments { _ = deployment.spec.template.spec.selects(node) }
      }
    }
    // Mutations must reach both what is accepted and what is refused.
    #expect(read > 0)
    #expect(refused > 0)
  }

  static let seeds = [
    SnapshotReadingTests.node,
    """
    {"apiVersion": "v1", "kind": "List", "items": [
      \(SnapshotReadingTests.node),
      {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p\\u00e9", "labels": {"a": "b", "c": null}},
       "spec": {"nodeName": "n1", "containers": [{"resources": {"requests": {"cpu": 0.1, "memory": "1e3"}}}]}},
      {"kind": "ConfigMap", "x": [[[[1, -2.5e-3, true, false, null]]]]}]}
    """,
    """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: d, namespace: "a\\tb"}
    spec:
      replicas: 3
      template: &t
        metadata: {labels: {app: d}}
        spec:
          nodeSelector: {disk: ssd}
          containers:
          - name: c
            resources: {requests: {cpu: 100m, memory: 1.5Gi}}
            args: ["-c", 'x', |
              block]
          affinity:
            nodeAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                nodeSelectorTerms:
                - matchExpressions: [{key: k, operator: Gt, values: ['1']}]
    ---
    kind: ReplicaSet
    metadata: {name: r}
    spec: {template: *t}
    """,
  ]

  private static let words = [
    "{", "}", "[", "]", "\"", "\\", ":", ",", "- ", "\n", "---\n", "&a ", "*a", "<<: *t", "? ", "|", ">", "!!str ", "#",
    "null", "true", "1e999", "-0", "\u{0}", "\u{FEFF}", "\\ud800", "items", "kind", "List", "9223372036854775808",
    "12E",
    "1e-99", "\t", "  ", "%YAML 1.2\n", "\r\n",
  ].map { Array($0.utf8) }

  static func mutate(_ seed: [UInt8], _ seeds: [[UInt8]], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
      let place = Int.random(in: 0...bytes.count, using: &generator)
      let end = min(bytes.count, place + Int.random(in: 0...20, using: &generator))
      switch Int.random(in: 0..<7, using: &generator) {
      case 0: bytes.removeSubrange(place..<end)
      case 1: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
      case 3: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
      case 4: bytes.insert(contentsOf: words[Int.random(in: 0..<words.count, using: &generator)], at: place)
      case 5: bytes.replaceSubrange(place..<end, with: words[Int.random(in: 0..<words.count, using: &generator)])
      default:
        let other = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
        bytes = Array(bytes[..<place]) + other[Int.random(in: 0...other.count, using: &generator)...]
      }
    }
    return bytes
  }
}
