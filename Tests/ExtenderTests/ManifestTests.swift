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

  private func build(_ folder: String) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.kubectl))
    process.arguments = ["kustomize", Self.folder.appending(path: folder).path]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return text
  }

  @Test(
    "kubectl builds all kustomizations",
    .enabled(if: kubectl != nil || ProcessInfo.processInfo.environment["CI"] != nil, "needs kubectl on the PATH"),
    arguments: [
      (
        "base",
        ["Namespace", "CustomResourceDefinition", "ClusterRole", "Deployment", "Service", "PodDisruptionBudget"]
      ),
      ("scheduler", ["ConfigMap", "ServiceAccount", "Role", "Deployment"]),
      ("planner", ["ServiceAccount", "ClusterRole", "Role", "Deployment"]),
      ("selector", ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "DaemonSet", "Service"]),
    ])
  func kustomize(folder: String, kinds: [String]) throws {
    let lines = Set(try build(folder).split(separator: "\n").map(String.init))
    for kind in kinds { #expect(lines.contains("kind: \(kind)"), "\(folder) has no \(kind)") }
    #expect(lines.contains("  namespace: tonari"))
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
    for line in ["    nodeCacheCapable: true", "    ignorable: true", "percentageOfNodesToScore: 100"] {
      #expect(texts[0].contains(line))
    }
  }
}
