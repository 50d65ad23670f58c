import Foundation

/// Inputs that the tests share.
enum Fixtures {
  /// The root of the repository.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The bundled example shop.
  static let cluster = root.appending(path: "manifests/examples/cluster.yaml").path
  /// Its traffic.
  static let traffic = root.appending(path: "manifests/examples/traffic.csv").path
  /// The two as arguments.
  static let example = ["--cluster", cluster, "--traffic", traffic]

  /// The folder with real data; nil where `TONARI_REAL_DATA` is not set.
  static let realData = ProcessInfo.processInfo.environment["TONARI_REAL_DATA"].map { URL(filePath: $0) }

  /// Whether the tests run where real data must be there.
  static let isCI = ProcessInfo.processInfo.environment["CI"] != nil

  /// Runs with a new folder that is removed afterwards.
  static func withFolder<Value>(_ body: (URL) async throws -> Value) async throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appending(path: "tonari-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder)
  }

  /// One node, and one workload that requests `cpu` for each of its replicas.
  static func manifest(cpu: String, replicas: Int = 1, nodeSelector: String = "{}") -> Data {
    Data(
      """
      apiVersion: v1
      kind: Node
      metadata: {name: node-1, labels: {kubernetes.io/hostname: node-1}}
      status: {allocatable: {cpu: "4", memory: 8Gi, pods: "110"}}
      ---
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec:
        replicas: \(replicas)
        selector: {matchLabels: {app: web}}
        template:
          metadata: {labels: {app: web}}
          spec:
            nodeSelector: \(nodeSelector)
            containers:
            - {name: web, resources: {requests: {cpu: \(cpu)}}}

      """.utf8
    )
  }
}
