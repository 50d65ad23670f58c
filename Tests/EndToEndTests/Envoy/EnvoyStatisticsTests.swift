import Connections
import ControlPlaneTestSupport
import Fleet
import Foundation
import Model
import Overflow
import Testing

@testable import MeshController

/// What an Envoy says of its clusters is found by the names that those who configure Envoys give them, whatever tags it
/// extracts: the statistics are a real Envoy's.
@Suite(
  "The statistics of an unmodified Envoy", .enabled(if: EnvoyProcess.isAvailable), .timeLimit(.minutes(2)), .serialized)
struct EnvoyStatisticsTests {
  /// How somebody calls the clusters of a service and of its neighbour.
  struct Naming: Sendable, CustomStringConvertible {
    let description: String
    /// The cluster of the service `cart-…`, and perhaps another name of it for statistics.
    var here: (name: String, statistics: String?)
    var there: (name: String, statistics: String?)
    /// The neighbour's host in the route.
    var neighbour: String
    var kind = OverflowPolicy.Route.Kind.virtualService

    init(
      _ description: String, _ here: String, _ there: String, neighbour: String,
      statistics: (here: String, there: String)? = nil, _ kind: OverflowPolicy.Route.Kind = .virtualService
    ) {
      self.description = description
      self.here = (here, statistics?.here)
      self.there = (there, statistics?.there)
      self.neighbour = neighbour
      self.kind = kind
    }

    /// A policy for the service, and the rules of its route.
    var measured: MeasuredPolicy {
      let service = "cart-\(description)"
      let policy = OverflowPolicy(
        key: ObjectKey(namespace: "shop", name: service),
        spec: .init(
          service: service, capacity: .perMinute(60), neighbours: [.init(name: "edge-b", host: neighbour)],
          route: .init(kind: kind, name: service)))
      let hosts = [service, neighbour].map { DestinationName($0, in: "shop") }
      return MeasuredPolicy(policy, rules: [[hosts[0]], hosts])
    }
  }

  static let namings = [
    Naming("plain", "cart-plain", "cart-plain.edge-b.example", neighbour: "cart-plain.edge-b.example"),
    Naming("ours", "shop/cart-ours", "203.0.113.7:8080", neighbour: "203.0.113.7:8080"),
    Naming(
      "fqdn", "cart-fqdn.shop.svc.cluster.local", "cart-fqdn.edge-b.example:8080", neighbour: "cart-fqdn.edge-b.example"
    ),
    Naming(
      "istio", "outbound|80||cart-istio.shop.svc.cluster.local", "outbound|15444||cart-istio.edge-b.example",
      neighbour: "cart-istio.edge-b.example"),
    Naming(
      "istio124", "outbound|80|v1|cart-istio124.shop.svc.cluster.local", "outbound|15444||cart-istio124.edge-b.example",
      neighbour: "cart-istio124.edge-b.example",
      statistics: (
        "outbound|80|v1|cart-istio124.shop.svc.cluster.local;", "outbound|15444||cart-istio124.edge-b.example;"
      )),
    Naming(
      "envoygateway", "httproute/shop/cart-envoygateway/rule/1/backend/0",
      "httproute/shop/cart-envoygateway/rule/1/backend/1", neighbour: "cart-edge-b", .httpRoute),
    Naming(
      "kgateway", "kube_shop_cart-kgateway_80", "kube_shop_cart-kgateway-edge-b_15444",
      neighbour: "cart-kgateway-edge-b", .httpRoute),
    Naming(
      "contour", "shop/cart-contour/80/da39a3ee5e", "shop/cart-contour-edge-b/15444/da39a3ee5e",
      neighbour: "cart-contour-edge-b", statistics: ("shop_cart-contour_80", "shop_cart-contour-edge-b_15444"),
      .httpRoute),
    Naming(
      "cilium", "shop/cilium-gateway-ingress/shop:cart-cilium:80",
      "shop/cilium-gateway-ingress/shop:cart-cilium-edge-b:15444", neighbour: "cart-cilium-edge-b", .httpRoute),
  ]

  /// What an Envoy takes from names for labels.
  enum Tags: String, CaseIterable {
    case envoys, istios

    var configuration: String {
      switch self {
      case .envoys: ""
      case .istios:
        // The bootstrap configuration of Istio's proxies.
        #"""
        stats_config:
          use_all_default_tags: false
          stats_tags:
          - {tag_name: cluster_name, regex: '^cluster\.((.+?(\..+?\.svc\.cluster\.local)?)\.)'}
          - {tag_name: response_code, regex: '_rq(_(\d{3}))$'}
          - {tag_name: response_code_class, regex: '_rq(_(\dxx))$'}

        """#
      }
    }
  }

  private static func configuration(_ tags: Tags, endpoint: UInt16) -> String {
    let clusters = namings.flatMap { [$0.here, $0.there] }
    let routes = clusters.indices.map {
      "              - {match: {prefix: \"/\($0)/\"}, route: {cluster: \"\(clusters[$0].name)\"}}"
    }
    let definitions = clusters.map { name, statistics in
      """
        - name: "\(name)"
          \(statistics.map { "alt_stat_name: \"\($0)\"" } ?? "connect_timeout: 1s")
          load_assignment:
            cluster_name: "\(name)"
            endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: \(endpoint)}}}}]}]
      """
    }
    return """
      admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}
      \(tags.configuration)static_resources:
        listeners:
        - name: ingress
          address: {socket_address: {address: 127.0.0.1, port_value: 10000}}
          filter_chains:
          - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: ingress
                route_config:
                  virtual_hosts:
                  - name: all
                    domains: ["*"]
                    routes:
      \(routes.map { "      " + $0 }.joined(separator: "\n"))
                http_filters:
                - name: envoy.filters.http.router
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
        clusters:
      \(definitions.joined(separator: "\n"))

      """
  }

  @Test("are found by whatever name a cluster has", arguments: Tags.allCases)
  func names(tags: Tags) async throws {
    try await Fixtures.withFolder { folder in
      let replicas = try await ToyReplicas.start(["mean=1ms,service=constant"], in: folder)
      let envoy = try await EnvoyProcess.start(
        configuration: Self.configuration(tags, endpoint: replicas.ports[0]), in: folder)
      let source = IngressSource(MetricsTargets(urls: [envoy.statistics]), timeout: .seconds(5))
      let policies = Self.namings.map(\.measured)
      let start = ContinuousClock.now
      func look() async -> Measurements {
        await source.measure(policies, at: .seconds(100) + start.duration(to: .now))
      }
      #expect(await look().fault == nil)
      for index in 0..<2 * Self.namings.count {
        for _ in 0..<(index.isMultiple(of: 2) ? 5 : 7) {
          let url = "http://127.0.0.1:\(envoy.port)/\(index)/"
          let response = try await HTTPTransport.shared.send(OutgoingRequest(url: url))
          _ = try await response.body.collect(upTo: 1 << 16)
          #expect(response.status == 200)
        }
      }
      let found = await look()
      for (naming, policy) in zip(Self.namings, policies) {
        guard let measured = found.byService[policy.policy.service] else {
          Issue.record("\(naming) is not found: \(found.missing[policy.policy.service] ?? "")")
          continue
        }
        let count = measured.demandPerMinute / 60 * measured.seconds
        #expect(abs(count - 12) < 1e-6, "\(naming): \(count)")
        #expect(abs((measured.outcomes["edge-b"]?.requests ?? 0) - 7) < 1e-6, "\(naming): \(measured)")
        #expect(measured.errorShare == 0 && measured.unseen.isEmpty, "\(naming): \(measured)")
      }
      await envoy.server.kill()
      await replicas.server.kill()
    }
  }
}
