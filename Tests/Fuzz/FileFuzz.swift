import Foundation
import Placement
import Simulation

@testable import Formats
@testable import Kubernetes
@testable import Planner

extension Fuzzer {
  /// What YAML has that decoders trip over.
  static let yamlWords = [
    "&a [*a]", "*a", "<<: ", "!!float ", ".inf", ".nan", "-.inf", "1e308", "5e-324", "0x7fffffffffffffff", "~", "- ",
    ": ", "? ", "|\n ", "\"\\x00\"", "\u{301}", "\u{202E}", "[[[[[[[[", "{{{{{{{{",
  ]

  /// A `PlacementPlan` from a file. What is read can be written, and reads as the same.
  static let placementPlan = Fuzzer(
    "placement-plan",
    words: yamlWords + kubernetesWords + [
      "placements:", "workload: {kind: Deployment, namespace: default, name: a}", "nodes:", "replicas: 4294967296",
      "status:", "localizedShare:", "moveOrder:",
    ],
    seeds: texts(
      """
      apiVersion: tonari.dev/v1alpha1
      kind: PlacementPlan
      metadata: {name: shop}
      spec:
        placements:
        - workload: {kind: Deployment, namespace: default, name: cart}
          nodes: [{name: node-1, replicas: 2}, {name: node-2, replicas: 1}]
      status:
        objective: 1234.5
        lowerBound: 1200.0
        gap: 0.028
        optimal: false
        traffic: {total: 51200, crossNode: 8100, localizedShare: {node: 0.842, zone: 0.91}, unit: bytesPerSecond}
        utilization: {max: 0.81, mean: 0.62}
        moves: 4
        solver: {seconds: 9.8, seed: 1}
      """,
      #"{"apiVersion":"tonari.dev/v1alpha1","kind":"PlacementPlan","metadata":{"name":"p"},"spec":{"placements":[]}}"#)
  ) { bytes in
    guard let plan = try? PlacementPlan(Data(bytes), file: "input") else { return }
    guard let json = try? plan.json() else { return }
    let again = try PlacementPlan(Data(json.utf8), file: "written")
    try expect(again.spec == plan.spec, "the plan reads differently once it is written")
    _ = try PlacementPlan(Data(plan.yaml().utf8), file: "written")
  }

  /// Clusters, costs and services for `tonari overflow plan`.
  static let edges = Fuzzer(
    "edges", words: yamlWords + ["clusters:", "costs:", "default:", "services:", "demandPerMinute:", "shedCost:"],
    seeds: files("manifests/examples/edges.yaml")
  ) { bytes in
    guard let problem = try? EdgeProblem(yaml: String(decoding: bytes, as: UTF8.self), file: "input") else { return }
    for service in problem.services {
      try expect(service.demand.allSatisfy { $0 >= 0 && $0.isFinite }, "demand is \(service.demand)")
      try expect(service.capacity.allSatisfy { $0 >= 0 && $0.isFinite }, "capacity is \(service.capacity)")
    }
  }

  /// A scenario of a simulation.
  static let scenario = Fuzzer(
    "scenario",
    words: yamlWords + [
      "servers:", "workMs:", "clients:", "selectors:", "clientNodes:", "networkMs:", "reports:", "loads:",
    ],
    seeds: texts(
      """
      name: two
      servers: [{count: 4, cores: 2, nodes: [a, b], zone: z, noise: {everyMs: [1, 2], forMs: [1, 2], slowdown: [1, 2]}}]
      workMs: 5
      clients: [1, 8]
      selectors: 2
      clientNodes: [{node: a, zone: z}]
      networkMs: {node: 0.1, zone: 0.3, cluster: 1, remote: 9}
      reports: {everyMs: 100, delayMs: 5}
      loads: [0.7]
      """)
  ) { bytes in
    guard let scenario = try? Scenario(yaml: String(decoding: bytes, as: UTF8.self), file: "input") else { return }
    _ = scenario.yaml
  }

  /// What a user says about names in a traffic dump.
  static let endpointMap = Fuzzer(
    "endpoint-map", words: yamlWords + ["outside", "{node: a}", "shop/cart"],
    seeds: texts("cart-svc: shop/cart\nlegacy/billing: outside\ndb.example.com: {node: node-1}\n")
  ) { bytes in
    _ = try? EndpointMap(Data(bytes), file: "input")
  }

  /// A file that may be gzip: a size of chunks, and its bytes. The outcome does not depend on the chunks, and nothing
  /// comes out of what is refused but what came before.
  static let gzip = Fuzzer(
    "gzip", words: ["\u{1F}\u{8B}\u{8}"], longest: 4096,
    seeds: [
      // `printf hello | gzip -n`, and two members with zero bytes behind.
      [255] + gzipHello, [3] + gzipHello + gzipHello + [0, 0, 0], [1] + Array("plain".utf8),
    ]
  ) { bytes in
    var input = InputReader(bytes)
    let chunk = max(1, Int(input.byte()))
    let whole = unpacked(input.rest, chunk: max(1, input.rest.count))
    let chunked = unpacked(input.rest, chunk: chunk)
    try expect(whole == chunked, "the outcome depends on the chunks: \(whole), \(chunked)")
  }

  private static let gzipHello: [UInt8] = [
    0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 7, 0, 0x86, 0xA6, 0x10, 0x36, 5, 0, 0, 0,
  ]

  private static func unpacked(_ bytes: UnsafeRawBufferPointer, chunk: Int) -> String {
    var unpacker = Unpacker(file: "input")
    var count = 0
    var sum: UInt64 = 0
    func take(_ piece: UnsafeRawBufferPointer) {
      count += piece.count
      for byte in piece { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
    do {
      var start = 0
      while start < bytes.count {
        try Array(bytes[start..<min(bytes.count, start + chunk)]).withUnsafeBytes { try unpacker.unpack($0, take) }
        start += chunk
      }
      try unpacker.finish(take)
      return "\(count) \(sum)"
    } catch {
      // How much comes out before zlib sees a fault depends on how much it has seen.
      return "\(error)"
    }
  }

  /// A kubeconfig, and what a credential plugin writes.
  static let kubeconfig = Fuzzer(
    "kubeconfig",
    words: yamlWords + [
      "clusters:", "users:", "contexts:", "current-context:", "exec:", "env:", "client-certificate-data: ",
      "expirationTimestamp", "proxy-url: ",
    ],
    seeds: texts(
      """
      apiVersion: v1
      kind: Config
      clusters: [{name: c, cluster: {server: "https://h:6443", certificate-authority-data: YQ==, proxy-url: "http://p"}}]
      users: [{name: u, user: {token: t}}, {name: x, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: c,
        args: [a], env: [{name: n, value: v}], interactiveMode: Never}}}]
      contexts: [{name: k, context: {cluster: c, user: u, namespace: n}}, {name: l, context: {cluster: c, user: x}}]
      current-context: k
      """)
  ) { bytes in
    guard let document = try? Kubeconfig.Document(parsing: Array(bytes), file: "/input"),
      let kubeconfig = try? Kubeconfig(merging: [document, document])
    else { return }
    _ = try? kubeconfig.configuration(context: nil)
    for name in kubeconfig.contexts.keys { _ = try? kubeconfig.configuration(context: name) }
  }
}
