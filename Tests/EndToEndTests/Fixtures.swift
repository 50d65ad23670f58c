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

  /// A program of the system; nil where it is not installed.
  static func program(_ name: String) -> URL? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      .map { URL(filePath: String($0)).appending(path: name) }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
  }

  /// Runs a program of the system to its end and answers what it printed.
  static func run(_ program: URL, _ arguments: [String]) throws -> Data {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return data
  }

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

  /// Three nodes in two zones and five workloads, small enough to be proven by anybody.
  static let pairs: Data = {
    let nodes = [("a", "east"), ("b", "east"), ("c", "west")].map { name, zone in
      """
      ---
      apiVersion: v1
      kind: Node
      metadata: {name: \(name), labels: {kubernetes.io/hostname: \(name), topology.kubernetes.io/zone: \(zone)}}
      status: {allocatable: {cpu: "2", memory: 4Gi, pods: "20"}}

      """
    }
    let workloads = [("web", 2, 500), ("cart", 2, 400), ("search", 1, 900), ("db", 1, 700), ("mail", 1, 300)].map {
      name, replicas, cpu in
      """
      ---
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: \(name)}
      spec:
        replicas: \(replicas)
        selector: {matchLabels: {app: \(name)}}
        template:
          metadata: {labels: {app: \(name)}}
          spec: {containers: [{name: main, resources: {requests: {cpu: \(cpu)m}}}]}

      """
    }
    return Data((nodes + workloads).joined().utf8)
  }()

  /// Their traffic.
  static let trafficOfPairs = Data(
    """
    source,destination,bytes_per_second
    web,cart,900
    web,search,700
    cart,db,500
    search,db,100
    cart,mail,50

    """.utf8
  )
}
