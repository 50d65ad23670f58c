import ControlPlaneTestSupport
import Foundation
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
    cluster.merge(try value(2, "CLUSTER")) { $1 }
    let type = "type.googleapis.com/envoy.extensions.filters"
    let router: [String: Any] = [
      "name": "envoy.filters.http.router", "typed_config": ["@type": "\(type).http.router.v3.Router"],
    ]
    let connections: [String: Any] = [
      "@type": "\(type).network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "out",
      "route_config": [String: Any](), "http_filters": [try value(1, "HTTP_FILTER"), router],
    ]
    let filter: [String: Any] = [
      "name": "envoy.filters.network.http_connection_manager", "typed_config": connections,
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
}
