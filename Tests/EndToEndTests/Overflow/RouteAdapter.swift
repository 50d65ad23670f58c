import Formats
import Foundation
import Kubernetes
import Synchronization

/// Does what a mesh's control plane does: reads the weights of a `VirtualService` whenever it changes, and gives them to
/// an Envoy, as the file of a route configuration.
final class RouteAdapter: Sendable {
  /// The weights at a time.
  struct Change: Sendable {
    var at: ContinuousClock.Instant
    /// By host.
    var weights: [String: Int]
  }

  static let virtualServices = APIResource(
    group: "networking.istio.io", version: "v1beta1", plural: "virtualservices")

  private let client: APIClient
  private let file: URL
  private let seen = Mutex<[Change]>([])

  init(_ client: APIClient, file: URL) {
    (self.client, self.file) = (client, file)
  }

  /// What was seen, the first first.
  var changes: [Change] { seen.withLock { $0 } }

  /// The share of the requests that goes to a host at present.
  func share(of host: String) -> Double {
    guard let weights = changes.last?.weights else { return 0 }
    return Double(weights[host] ?? 0) / Double(max(1, weights.values.reduce(0, +)))
  }

  /// Reads once and writes what is new.
  func look() async throws {
    let object: JSONValue = try await client.get(Self.virtualServices, "cart", in: "shop").decode()
    var weights: [String: Int] = [:]
    for destination in object["spec"]?["http"]?.array?.first?["route"]?.array ?? [] {
      guard let host = destination["destination"]?["host"]?.string else { continue }
      weights[host] = destination["weight"]?.integer.map(Int.init) ?? 0
    }
    guard weights != changes.last?.weights else { return }
    seen.withLock { $0.append(Change(at: .now, weights: weights)) }
    let draft = file.appendingPathExtension("draft")
    try Data(Self.routes(weights).utf8).write(to: draft)
    // Envoy looks at a file again when another takes its place.
    guard rename(draft.path, file.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
  }

  /// Looks until it is cancelled.
  func run() async {
    while !Task.isCancelled {
      try? await look()
      try? await Task.sleep(for: .milliseconds(50))
    }
  }

  /// A request that another cluster sent stays; others are split, and those that leave are marked.
  private static func routes(_ weights: [String: Int]) -> String {
    let clusters = weights.sorted { $0.key < $1.key }.map { host, weight in
      let isLocal = host == EdgeCluster.local
      let mark =
        isLocal ? "" : ", request_headers_to_add: [{header: {key: x-tonari-hops, value: \"1\"}}]"
      return "          - {name: \"outbound|80||\(host)\", weight: \(weight)\(mark)}"
    }
    return """
      resources:
      - "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
        name: cart
        virtual_hosts:
        - name: cart
          domains: ["*"]
          routes:
          - match: {prefix: /, headers: [{name: x-tonari-hops, present_match: true}]}
            route: {cluster: "outbound|80||\(EdgeCluster.local)"}
          - match: {prefix: /}
            route:
              weighted_clusters:
                clusters:
      \(clusters.map { "      " + $0 }.joined(separator: "\n"))

      """
  }
}
