import ControlPlaneTestSupport
import Formats
import Foundation
import Kubernetes
import Yams

/// A cluster at the edge: a real API server with Istio's custom resources, an Envoy as its ingress that goes by the
/// weights of a `VirtualService`, and servers that bear so much and no more.
struct EdgeCluster {
  /// The service as the cluster itself calls it.
  static let local = "cart.shop.svc.cluster.local"
  /// As a neighbour calls it, by a Service of type ExternalName.
  static let remote = "cart-next-door.shop.svc.cluster.local"
  /// Whether the tests that need one are to run.
  static let isWanted =
    ControlPlane.isWanted && EnvoyProcess.isAvailable
    && (crds != nil || ProcessInfo.processInfo.environment["CI"] != nil)
  static let hint = "needs KUBEBUILDER_ASSETS, TONARI_CRDS with Istio's custom resources, and python3 to get Envoy with"
  /// What policies say that a cluster bears, in requests per minute: four fifths of what its three servers do, which work
  /// on one request of 20 ms at a time.
  static let capacity = 7200.0

  private static let crds = ProcessInfo.processInfo.environment["TONARI_CRDS"]

  let name: String
  let plane: ControlPlane
  let client: APIClient
  let replicas: ToyReplicas
  let envoy: EnvoyProcess
  let adapter: RouteAdapter

  /// Starts a cluster.
  ///
  /// - Parameters:
  ///   - port: where its ingress listens.
  ///   - neighbour: where that of the cluster next door does.
  init(_ name: String, port: UInt16, neighbour: UInt16, in folder: URL) async throws {
    self.name = name
    plane = try await ControlPlane()
    client = APIClient(plane.configuration(), logger: .silent)
    let folder = folder.appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    replicas = try await ToyReplicas.start(
      Array(repeating: "concurrency=1,mean=20ms,service=constant", count: 3), in: folder)
    let routes = folder.appending(path: "routes.yaml")
    adapter = RouteAdapter(client, file: routes)
    try await Self.prepare(client)
    try await adapter.look()
    envoy = try await EnvoyProcess.start(
      configuration: Self.ingress(name, replicas: replicas.ports, neighbour: neighbour, routes: routes), port: port,
      in: folder)
  }

  /// Ends its processes.
  func end() async {
    await envoy.server.kill()
    await replicas.server.kill()
  }

  /// Starts the controller, and waits until it follows the policy.
  func startController(in folder: URL) async throws -> ControlPlane.Server {
    let server = try ControlPlane.Server(
      TonariProcess.executable,
      [
        "overflow", "run", "--kubeconfig", plane.kubeconfig, "--cluster", name, "--envoy", envoy.statistics,
        "--listen", "127.0.0.1:0", "--log-level", "info",
      ], log: folder.appending(path: "overflow-\(name).log"))
    do {
      try await eventually("the controller of \(name) follows its policy", within: .seconds(60)) {
        guard server.isRunning else { throw TestFailure("tonari overflow: \(server.lastWords)") }
        let policy: JSONValue = try await client.get(Self.policies, "cart", in: "shop").decode()
        let conditions = policy["status"]?["conditions"]?.array ?? []
        return conditions.contains { $0["type"] == "Ready" && $0["status"] == "True" }
      }
    } catch {
      await server.kill()
      throw TestFailure("\(error)\n\(server.lastWords)")
    }
    return server
  }

  // MARK: - Objects

  private static let policies = APIResource(group: "tonari.dev", version: "v1alpha1", plural: "overflowpolicies")
  private static let definitions = APIResource(
    group: "apiextensions.k8s.io", plural: "customresourcedefinitions", isNamespaced: false)

  private static func prepare(_ client: APIClient) async throws {
    guard let crds else { throw TestFailure(hint) }
    let files = [
      URL(filePath: crds).appending(path: "istio-1.22-virtualservices.yaml"),
      Fixtures.root.appending(path: "manifests/overflow/overflowpolicies.yaml"),
    ]
    for file in files {
      for case let document as [String: Any] in try Yams.load_all(yaml: String(contentsOf: file, encoding: .utf8)) {
        let object = try JSONDecoder().decode(
          JSONValue.self, from: JSONSerialization.data(withJSONObject: document))
        _ = try await client.create(definitions, object)
      }
    }
    for resource in [policies, RouteAdapter.virtualServices] {
      try await eventually("\(resource) are there") { (try? await client.list(resource)) != nil }
    }
    _ = try await client.create(
      .namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop"]] as JSONValue)
    _ = try await client.create(RouteAdapter.virtualServices, virtualService, in: "shop")
    _ = try await client.create(policies, policy, in: "shop")
  }

  private static let virtualService: JSONValue = [
    "apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService",
    "metadata": ["name": "cart", "namespace": "shop"],
    "spec": [
      "hosts": ["cart.example"],
      "http": [
        [
          "route": [
            ["destination": ["host": .string(local)], "weight": 100],
            ["destination": ["host": .string(remote)], "weight": 0],
          ]
        ]
      ],
    ],
  ]

  /// The times are scaled as the ramp is: what takes a minute in the experiment takes a third of a second here.
  private static let policy: JSONValue = [
    "apiVersion": "tonari.dev/v1alpha1", "kind": "OverflowPolicy", "metadata": ["name": "cart", "namespace": "shop"],
    "spec": [
      "service": "cart", "capacity": ["perMinute": .number(capacity)], "mode": "weights",
      "neighbours": [
        ["name": "next-door", "host": .string(remote), "cost": 4, "capacity": ["perMinute": .number(capacity)]]
      ],
      "route": ["kind": "VirtualService", "name": "cart"], "limits": ["hold": "1s", "stepBack": 0.25],
    ],
  ]

  // MARK: - Ingress

  /// An ingress gateway as Istio sets it up, as far as it matters here: clusters are named for hosts, and statistics are
  /// told of by those names.
  private static func ingress(_ name: String, replicas: [UInt16], neighbour: UInt16, routes: URL) -> String {
    func cluster(_ host: String, _ ports: [UInt16]) -> String {
      let endpoints = ports.map {
        "{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: \($0)}}}}"
      }
      return """
          - name: "outbound|80||\(host)"
            type: STATIC
            connect_timeout: 1s
            load_assignment:
              cluster_name: "outbound|80||\(host)"
              endpoints: [{lb_endpoints: [\(endpoints.joined(separator: ", "))]}]
        """
    }
    return """
      node: {id: \(name), cluster: \(name)}
      admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}
      stats_config:
        stats_tags:
        - {tag_name: cluster_name, regex: '^cluster\\.((.+?(\\..+?\\.svc\\.cluster\\.local)?)\\.)'}
      static_resources:
        listeners:
        - name: ingress
          address: {socket_address: {address: 127.0.0.1, port_value: 10000}}
          filter_chains:
          - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: ingress
                rds:
                  route_config_name: cart
                  config_source:
                    resource_api_version: V3
                    path_config_source: {path: "\(routes.path)"}
                http_filters:
                - name: envoy.filters.http.router
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
        clusters:
      \(cluster(local, replicas))
      \(cluster(remote, [neighbour]))

      """
  }
}
