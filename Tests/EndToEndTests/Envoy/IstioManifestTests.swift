import Connections
import ControlPlaneTestSupport
import Foundation
import Kubernetes
import Testing
import Yams

/// What Istio would put into a sidecar's configuration is what Envoy takes.
@Suite("Istio's manifest", .enabled(if: EnvoyProcess.isAvailable))
struct IstioManifestTests {
  @Test("has a cluster, a filter and a policy that Envoy accepts")
  func patches() async throws {
    let file = Fixtures.root.appending(path: "manifests/istio/picker.yaml")
    let manifest = try #require(Yams.load(yaml: String(contentsOf: file, encoding: .utf8)) as? [String: Any])
    let spec = try #require(manifest["spec"] as? [String: Any])
    let patches = try #require(spec["configPatches"] as? [[String: Any]])
    func value(_ index: Int, _ kind: String) throws -> [String: Any] {
      #expect(patches[index]["applyTo"] as? String == kind)
      return try #require((patches[index]["patch"] as? [String: Any])?["value"] as? [String: Any])
    }
    var cluster: [String: Any] = ["name": "outbound|8080||cart.shop.svc.cluster.local", "type": "STATIC"]
    cluster.merge(try value(3, "CLUSTER")) { $1 }
    let type = "type.googleapis.com/envoy.extensions.filters"
    let router: [String: Any] = [
      "name": "envoy.filters.http.router", "typed_config": ["@type": "\(type).http.router.v3.Router"],
    ]
    let connections: [String: Any] = [
      "@type": "\(type).network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "out",
      "route_config": [String: Any](), "http_filters": [try value(1, "HTTP_FILTER"), router],
    ]
    let merged = try #require(try value(2, "NETWORK_FILTER")["typed_config"] as? [String: Any])
    let filter: [String: Any] = [
      "name": "envoy.filters.network.http_connection_manager", "typed_config": connections.merging(merged) { $1 },
    ]
    let listener: [String: Any] = [
      "name": "out", "address": ["socket_address": ["address": "127.0.0.1", "port_value": 0] as [String: Any]],
      "filter_chains": [["filters": [filter]]],
    ]
    let bootstrap: [String: Any] = [
      "static_resources": ["listeners": [listener], "clusters": [try value(0, "CLUSTER"), cluster]]
    ]
    try await Fixtures.withFolder { folder in
      let path = folder.appending(path: "envoy.json")
      try JSONSerialization.data(withJSONObject: bootstrap).write(to: path)
      let process = Process()
      process.executableURL = try EnvoyProcess.executable()
      process.arguments = ["--mode", "validate", "--config-path", path.path, "--use-dynamic-base-id"]
      let output = Pipe()
      process.standardOutput = output
      process.standardError = output
      try process.run()
      let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(text)")
    }
  }

  @Test("takes away at the edge what only a neighbour may say, and leaves it at the neighbours' own port")
  func edge() async throws {
    let file = Fixtures.root.appending(path: "manifests/istio/edge.yaml")
    let documents = try Yams.load_all(yaml: String(contentsOf: file, encoding: .utf8)).compactMap {
      $0 as? [String: Any]
    }
    let filter = try #require(documents.first { $0["kind"] as? String == "EnvoyFilter" }?["spec"] as? [String: Any])
    let patches = try #require(filter["configPatches"] as? [[String: Any]])
    let gateway = try #require(documents.first { $0["kind"] as? String == "Gateway" }?["spec"] as? [String: Any])
    let servers = try #require(gateway["servers"] as? [[String: Any]])
    let open = servers.compactMap { ($0["port"] as? [String: Any])?["number"] as? Int }
    var closed: [Int] = []
    var changes: [[String: Any]] = []
    for patch in patches {
      let match = try #require(patch["match"] as? [String: Any])
      closed.append(try #require((match["listener"] as? [String: Any])?["portNumber"] as? Int))
      changes.append(try #require((patch["patch"] as? [String: Any])?["value"] as? [String: Any]))
    }
    #expect(closed == [8080, 8443] && open == [15444])
    #expect(servers.allSatisfy { ($0["tls"] as? [String: Any])?["mode"] as? String == "MUTUAL" })

    let cases = try [(changes[0], "hops none"), (changes[1], "hops none"), ([:], "hops 1")].map { change, said in
      (configuration: try Self.ingress(changed: change["typed_config"] as? [String: Any] ?? [:]), said: said)
    }
    try await EchoServer.run { port in
      try await Fixtures.withFolder { folder in
        for (configuration, said) in cases {
          let envoy = try await EnvoyProcess.start(
            configuration: configuration.replacing("port_value: \(Self.upstream)", with: "port_value: \(port)"),
            in: folder)
          var request = OutgoingRequest(url: "http://127.0.0.1:\(envoy.port)/")
          request.headers.append(.init("X-Tonari-Hops", "1"))
          let response = try await HTTPTransport.shared.send(request)
          let text = String(decoding: try await response.body.collect(upTo: 1 << 10), as: UTF8.self)
          #expect(text == said)
          await envoy.server.kill()
        }
      }
    }
  }

  /// What stands for the port of the server behind Envoy.
  private static let upstream = 4711

  /// An Envoy's configuration as Istio's ingress has it, less what does not matter here, with a change merged into it.
  private static func ingress(changed: [String: Any]) throws -> String {
    let type = "type.googleapis.com/envoy.extensions.filters"
    func address(_ port: Int) -> [String: Any] {
      ["socket_address": ["address": "127.0.0.1", "port_value": port] as [String: Any]]
    }
    let router: [String: Any] = [
      "name": "envoy.filters.http.router", "typed_config": ["@type": "\(type).http.router.v3.Router"],
    ]
    let route: [String: Any] = ["match": ["prefix": "/"], "route": ["cluster": "echo"]]
    var connections: [String: Any] = [
      "@type": "\(type).network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "in",
      "route_config": ["virtual_hosts": [["name": "all", "domains": ["*"], "routes": [route]] as [String: Any]]],
      "http_filters": [router],
    ]
    connections.merge(changed) { $1 }
    let filter: [String: Any] = [
      "name": "envoy.filters.network.http_connection_manager", "typed_config": connections,
    ]
    let bootstrap: [String: Any] = [
      "admin": ["address": address(9901)],
      "static_resources": [
        "listeners": [["name": "in", "address": address(10000), "filter_chains": [["filters": [filter]]]]],
        "clusters": [
          [
            "name": "echo", "type": "STATIC",
            "load_assignment": [
              "cluster_name": "echo", "endpoints": [["lb_endpoints": [["endpoint": ["address": address(upstream)]]]]],
            ] as [String: Any],
          ] as [String: Any]
        ],
      ] as [String: Any],
    ]
    return try Yams.dump(object: bootstrap)
  }
}
