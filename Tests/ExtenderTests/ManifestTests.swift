import ControlPlaneTestSupport
import Foundation
import Testing

/// Our manifests, as kubectl builds them.
@Suite struct ManifestTests {
  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "manifests")
  private static let searchPath = ["KUBEBUILDER_ASSETS", "PATH"]
    .compactMap { ProcessInfo.processInfo.environment[$0] }.joined(separator: ":")
  private static let kubectl = searchPath.split(separator: ":")
    .map { "\($0)/kubectl" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  /// Runs kubectl with text on its standard input and answers what it printed.
  private func run(_ arguments: [String], input: String = "") throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: "tonari-\(UUID().uuidString)")
    try Data(input.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.kubectl))
    process.arguments = arguments
    let output = Pipe()
    process.standardInput = try FileHandle(forReadingFrom: file)
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "kubectl \(arguments.joined(separator: " ")): \(text)")
    return text
  }

  private func build(_ folder: String) throws -> String {
    try run(["kustomize", Self.folder.appending(path: folder).path])
  }

  @Test(
    "kubectl builds all kustomizations",
    .enabled(if: kubectl != nil || ProcessInfo.processInfo.environment["CI"] != nil, "needs kubectl on the PATH"),
    arguments: [
      (
        "base",
        ["Namespace", "CustomResourceDefinition", "ClusterRole", "Deployment", "Service", "PodDisruptionBudget"]
      ),
      ("scheduler", ["ConfigMap", "ServiceAccount", "Role", "Deployment", "PodDisruptionBudget", "NetworkPolicy"]),
      ("planner", ["ServiceAccount", "ClusterRole", "Role", "Deployment", "PodDisruptionBudget"]),
      ("selector", ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "DaemonSet", "Service", "NetworkPolicy"]),
    ])
  func kustomize(folder: String, kinds: [String]) throws {
    let lines = Set(try build(folder).split(separator: "\n").map(String.init))
    for kind in kinds { #expect(lines.contains("kind: \(kind)"), "\(folder) has no \(kind)") }
    #expect(lines.contains("  namespace: tonari"))
  }

  @Test(
    "A real API server takes all that kubectl builds",
    .enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
  func apply() async throws {
    let plane = try await ControlPlane()
    for folder in ["base", "scheduler", "planner", "selector", "overflow"] {
      // The API server of the tests is older than policy/v1; .ci/manifests checks those against their schemas.
      let objects = try build(folder).components(separatedBy: "\n---\n").filter {
        !$0.contains("apiVersion: policy/v1\n")
      }
      let names = try run(
        ["apply", "--kubeconfig", plane.kubeconfig, "--validate=false", "-f", "-"],
        input: objects.joined(separator: "\n---\n"))
      #expect(names.split(separator: "\n").count { $0.hasSuffix(" created") } == objects.count, "\(names)")
    }
    withExtendedLifetime(plane) {}
  }

  @Test("The scheduler's configurations differ in their version alone")
  func schedulerConfigurations() throws {
    let texts = try ["v1", "v1beta1"].map { version in
      try String(contentsOf: Self.folder.appending(path: "scheduler/scheduler-\(version).yaml"), encoding: .utf8)
        .split(separator: "\n").filter { !$0.hasPrefix("#") }
        .map { $0 == "apiVersion: kubescheduler.config.k8s.io/\(version)" ? "" : String($0) }
    }
    #expect(texts[0] == texts[1])
    #expect(texts[0].contains(""))
    for line in [
      "    nodeCacheCapable: true", "    ignorable: true", "    enableHTTPS: true", "percentageOfNodesToScore: 100",
    ] {
      #expect(texts[0].contains(line))
    }
  }
}
