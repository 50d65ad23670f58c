import ControlPlaneTestSupport
import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite(
  "An unmodified Envoy that asks nobody", .enabled(if: EnvoyProcess.isAvailable), .timeLimit(.minutes(5)), .serialized)
struct EnvoyDiscoveryTests {
  /// The ways in which Envoy hears of endpoints.
  enum Variant: String, CaseIterable {
    case stateOfTheWorld, incremental, aggregated, aggregatedIncremental

    /// Changes the manifest, which has the first.
    func change(_ manifest: String) -> String {
      let api = { (type: String) in
        """
        {api_type: \(type), transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: tonari}}]}
        """
      }
      switch self {
      case .stateOfTheWorld: return manifest
      case .incremental:
        return manifest.replacing("api_config_source: *tonari", with: "api_config_source: \(api("DELTA_GRPC"))")
      case .aggregated, .aggregatedIncremental:
        return manifest.replacing("api_config_source: *tonari", with: "ads: {}")
          + "\ndynamic_resources: {ads_config: \(api(self == .aggregated ? "GRPC" : "DELTA_GRPC"))}\n"
      }
    }
  }

  /// The endpoints that Envoy knows, and their weights.
  private static func weights(_ bed: SidecarBed) async throws -> [String: Int] {
    let text = try #require(await bed.envoy.admin("/clusters"))
    var weights: [String: Int] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("shop/cart::127") {
      let parts = line.split(separator: "::").map(String.init)
      if parts.count == 4, parts[2] == "weight" { weights[parts[1]] = Int(parts[3]) }
    }
    return weights
  }

  @Test(
    "balances by what replicas can do, follows who comes and goes, and outlives the selector",
    arguments: Variant.allCases)
  func follows(variant: Variant) async throws {
    let fast = "mean=4ms,service=constant,concurrency=2"
    let settings = [fast, fast, "mean=20ms,service=constant,concurrency=2"]
    // Envoy's reports of load speak of others' replicas.
    let options = ["--allow", "report=local"]
    try await SidecarBed.run("envoy/eds.yaml", replicas: settings, options: options) {
      variant.change($0)
    } _: { selector, bed in
      let file = bed.folder.appending(path: "replicas.yaml")
      let addresses = bed.replicas.addresses
      try await eventually("Envoy has them all, alike") { try await Self.weights(bed).values.allSatisfy { $0 == 100 } }
      try await eventually("the slow one has the least weight by far") {
        #expect(await bed.ask(times: 200, width: 6) == [200: 200])
        let weights = try await Self.weights(bed)
        guard let slow = weights[addresses[2]], let one = weights[addresses[0]], let other = weights[addresses[1]]
        else {
          return false
        }
        return 2 * slow < one && 2 * slow < other
      }
      let before = try await bed.replicas.change(2).requests
      #expect(await bed.ask(times: 300, width: 6) == [200: 300])
      #expect(try await bed.replicas.change(2).requests - before < 80, "evenly it would get a hundred")

      let text = try String(contentsOf: file, encoding: .utf8)
      try Data(text.replacing("\(addresses[0])\"", with: "\(addresses[0])\", state: draining").utf8).write(to: file)
      try await eventually("Envoy knows that one drains") {
        await bed.envoy.admin("/clusters")?.contains("health_flags::/eds_status_draining") == true
      }
      let drained = try await bed.replicas.change(0).requests
      #expect(await bed.ask(times: 60) == [200: 60])
      // To ask how many there were is one.
      #expect(try await bed.replicas.change(0).requests <= drained + 1)
      try bed.replicas.write(to: file, without: [0])
      try await eventually("Envoy has not who is gone") { try await Self.weights(bed)[addresses[0]] == nil }

      // Without the selector, Envoy keeps what it knows.
      selector.process.send(SIGKILL)
      _ = await selector.process.result()
      #expect(await bed.ask(times: 100) == [200: 100])
      #expect(try await Self.weights(bed).count == 2)
      selector = try await SelectorProcess.start(in: bed.folder, httpPort: bed.httpPort, options)
      #expect(await bed.ask(times: 100) == [200: 100])
      try bed.replicas.write(to: file)
      try await eventually("Envoy has who is back") { try await Self.weights(bed)[addresses[0]] != nil }
      #expect(try await bed.envoy.total("cluster.shop/cart.update_rejected") == 0)
    }
  }
}
