import ControlPlaneTestSupport
import Formats
import Foundation
import Kubernetes
import Testing
import Yams

#if canImport(Glibc)
  import Glibc
#endif

@Suite("tonari overflow", .timeLimit(.minutes(3)))
struct OverflowCommandTests {
  private static let virtualServices = APIResource(
    group: "networking.istio.io", version: "v1", plural: "virtualservices")
  private static let policies = APIResource(group: "tonari.dev", version: "v1alpha1", plural: "overflowpolicies")
  private static let crds = ProcessInfo.processInfo.environment["TONARI_CRDS"]
  private static let isWanted =
    ControlPlane.isWanted && crds != nil || ProcessInfo.processInfo.environment["CI"] != nil

  /// A control plane with a VirtualService and a policy for it.
  private func cluster() async throws -> (ControlPlane, APIClient) {
    let plane = try await ControlPlane.shared
    let client = APIClient(plane.configuration(), logger: .silent)
    try await ControlPlane.create(manifest: "overflow/overflowpolicies.yaml", in: "default", with: client)
    let definition = try String(
      contentsOfFile: "\(try #require(Self.crds))/istio-1.22-virtualservices.yaml", encoding: .utf8)
    let definitions = APIResource(
      group: "apiextensions.k8s.io", plural: "customresourcedefinitions", isNamespaced: false)
    for case let document as [String: Any] in try Yams.load_all(yaml: definition) {
      _ = try await client.create(
        definitions,
        JSONDecoder().decode(JSONValue.self, from: JSONSerialization.data(withJSONObject: document)))
    }
    for resource in [Self.policies, Self.virtualServices] {
      try await eventually("\(resource) are there") { (try? await client.list(resource)) != nil }
    }
    let route: JSONValue = [
      "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": ["name": "cart"],
      "spec": [
        "hosts": ["shop.example"],
        "http": [
          [
            "route": [
              ["destination": ["host": "cart"], "weight": 100],
              ["destination": ["host": "cart.edge-b.example"], "weight": 0],
            ]
          ]
        ],
      ],
    ]
    _ = try await client.create(Self.virtualServices, route, in: "default")
    let policy: JSONValue = [
      "apiVersion": "tonari.dev/v1alpha1", "kind": "OverflowPolicy", "metadata": ["name": "cart"],
      "spec": [
        "service": "cart", "capacity": ["perMinute": 540],
        "neighbours": [
          ["name": "edge-b", "host": "cart.edge-b.example", "capacity": ["perMinute": 5000]]
        ], "route": ["kind": "VirtualService", "name": "cart"],
      ],
    ]
    _ = try await client.create(Self.policies, policy, in: "default")
    return (plane, client)
  }

  @Test("sends half next door where twice as much comes as there is room for, and shows it", .enabled(if: isWanted))
  func overflows() async throws {
    let (plane, client) = try await cluster()
    let start = ContinuousClock.now
    let envoy = try ScriptedServer { _, answer in
      // 18 requests a second, 1080 a minute.
      let count = Int(start.duration(to: .now) / .seconds(1) * 18) + 1000
      answer.respond(
        """
        envoy_cluster_default_svc_cluster_local_upstream_rq_total{envoy_cluster_name="cart"} \(count)
        envoy_cluster_edge_b_example_upstream_rq_total{envoy_cluster_name="cart"} 0

        """)
      return .keep
    }
    let port = try LoopbackListener.freePort()
    let process = try TonariProcess([
      "overflow", "--kubeconfig", plane.kubeconfig, "--cluster", "edge-a", "--envoy", "\(envoy.url)/stats/prometheus",
      "--listen", "127.0.0.1:\(port)", "--interval", "250ms",
    ])
    defer { process.send(SIGKILL) }
    func remote() async throws -> Double {
      let route = try await client.get(Self.virtualServices, "cart", in: "default").decode(JSONValue.self)
      let weights = route["spec"]?["http"]?.array?.first?["route"]?.array?.compactMap { $0["weight"]?.integer } ?? []
      return weights.count == 2 ? Double(weights[1]) / Double(weights[0] + weights[1]) : 0
    }
    try await eventually("half goes next door") { abs(try await remote() - 0.5) < 0.1 }
    try await eventually("the object says so") {
      let shown = try await TonariProcess.run("overflow", "status", "--kubeconfig", plane.kubeconfig)
      return shown.text.contains("overflows") && shown.text.contains("edge-b")
    }
    let shown = try await TonariProcess.run("overflow", "status", "--kubeconfig", plane.kubeconfig, "-o", "json")
    let lines = try JSONDecoder().decode([JSONValue].self, from: shown.output)
    #expect(lines.first?["policy"]?.string == "default/cart")
    #expect(lines.first?["status"]?["capacityPerMinute"]?.integer == 540)

    try await Fixtures.withFolder { folder in
      let url = "http://127.0.0.1:\(port)"
      let result = try await TonariProcess.run(
        "overflow", "status", "--address", url, "--report", "overflow.html", in: folder)
      #expect(result.status == 0, "\(result.messages)")
      #expect(result.text.contains("default/cart") && result.text.contains("this cluster"), "\(result.text)")
      let page = try String(contentsOf: folder.appending(path: "overflow.html"), encoding: .utf8)
      #expect(page.contains("Overflow of edge-a") && page.contains("edge-b"))
      let json = try await TonariProcess.run("overflow", "status", "--address", url, "-o", "json")
      let history = try JSONDecoder().decode(JSONValue.self, from: json.output)
      #expect(history["flows"]?.array?.first?["points"]?.array?.isEmpty == false)
    }
    process.send(SIGTERM)
    let result = await process.result()
    #expect(result.status == 0 && !result.isKilled, "\(result.messages)")
    #expect(abs(try await remote() - 0.5) < 0.1)
  }

  @Test(
    "says what it lacks",
    arguments: [
      (["overflow"], "expected a cluster to follow"),
      (["overflow", "--kubeconfig", "x", "--mqtt", "b:1883"], "--mqtt: expected --cluster"),
      (["overflow", "--in-cluster", "--envoy", "gateway:9901"], "--envoy: 'gateway:9901': expected a URL"),
      (["overflow", "--in-cluster", "--envoy-pods", "app=x"], "expected namespace/labels:port/path"),
      (["overflow", "status"], "expected a cluster (--kubeconfig or --in-cluster) or a controller"),
      (["overflow", "status", "--kubeconfig", "x", "--report", "a.html"], "--report: expected --address"),
    ])
  func usage(arguments: [String], message: String) async throws {
    let result = try await TonariProcess(arguments).result()
    #expect(result.status == 2)
    #expect(result.messages.contains(message), "\(result.messages)")
  }
}
