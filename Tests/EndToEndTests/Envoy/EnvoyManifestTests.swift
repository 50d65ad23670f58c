import ControlPlaneTestSupport
import Foundation
import Testing

/// The manifests for an Envoy without a mesh, as they are but for the ports and the folder of the sockets.
@Suite(
  "Manifests for an unmodified Envoy", .enabled(if: EnvoyProcess.isAvailable), .timeLimit(.minutes(2)), .serialized)
struct EnvoyManifestTests {
  // What Envoys send is a report about others' replicas.
  private static let options = ["--allow", "report=local"]

  private static func warnings(_ bed: SidecarBed) throws -> [Substring] {
    let log = try String(contentsOf: bed.folder.appending(path: "envoy-\(bed.envoy.port).log"), encoding: .utf8)
    return log.split(separator: "\n").filter { $0.contains("[warning]") || $0.contains("[error]") }
  }

  @Test(
    "run without a warning, and a replica that answers 503 costs no request",
    arguments: ["envoy/picker.yaml", "envoy/eds.yaml"])
  func retries(manifest: String) async throws {
    let settings = ["mean=1ms", "mean=1ms,fail=1,status=503"]
    try await SidecarBed.run(manifest, replicas: settings, options: Self.options, { $0 }) { _, bed in
      #expect(await bed.ask(times: 120) == [200: 120])
      let failing = try await bed.replicas.change(1)
      #expect(failing.failures > 0, "nobody was asked who fails")
      let warnings = try Self.warnings(bed)
      #expect(warnings.isEmpty, "\(warnings)")
    }
  }

  @Test(
    "leave out a replica that fails, by Envoy's own measure or by the selector's word alone, and take it back",
    arguments: [true, false])
  func ejection(byEnvoy: Bool) async throws {
    let settings = ["mean=1ms", "mean=1ms", "mean=1ms,fail=1"]
    try await SidecarBed.run("envoy/eds.yaml", replicas: settings, options: Self.options) { manifest in
      guard !byEnvoy else { return manifest }
      let lines = manifest.split(separator: "\n", omittingEmptySubsequences: false)
      guard let start = lines.firstIndex(where: { $0.hasSuffix("outlier_detection:") }) else { return manifest }
      return (lines[..<start] + lines[(start + 6)...]).joined(separator: "\n")
    } _: { _, bed in
      let failing = bed.replicas.addresses[2]
      func isLeftOut() async -> Bool {
        let flag = byEnvoy ? "failed_outlier_check" : "failed_eds_health"
        return await bed.envoy.admin("/clusters")?.split(separator: "\n").contains {
          $0.hasPrefix("shop/cart::\(failing)::health_flags") && $0.contains(flag)
        } == true
      }
      try await eventually("it is left out") {
        _ = await bed.ask(times: 20)
        return await isLeftOut()
      }
      try await bed.replicas.change(2, "fail=0")
      let before = try await bed.replicas.change(2).requests
      try await eventually("it is back", within: .seconds(30)) {
        _ = await bed.ask(times: 20)
        return try await bed.replicas.change(2).requests > before + 10
      }
      #expect(try await bed.envoy.total("cluster.shop/cart.update_rejected") == 0)
    }
  }
}
