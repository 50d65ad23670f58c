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
    let nodes = [("a", "east"), ("b", "east"), ("c", "west")].map { node($0, zone: $1, cpu: 2) }
    let workloads = [("web", 2, 500), ("cart", 2, 400), ("search", 1, 900), ("db", 1, 700), ("mail", 1, 300)]
      .map { workload($0, replicas: $1, cpu: $2) }
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

  /// Twelve nodes and sixty workloads: more than can be proven while a test waits.
  static let large: Data = {
    let nodes = (1...12).map { node("n\($0)", zone: "z\($0 % 3)", cpu: 16) }
    let workloads = (1...60).map { workload("w\($0)", replicas: 1 + $0 * 7 % 5, cpu: 200 + $0 * 131 % 900) }
    return Data((nodes + workloads).joined().utf8)
  }()

  /// Their traffic.
  static let trafficOfLarge: Data = {
    let rows = (1...60).flatMap { i in
      [1, 7, 23].map { step in "w\(i),w\((i * 3 + step) % 60 + 1),\(100 + i * step * 37 % 900)\n" }
    }
    return Data(("source,destination,bytes_per_second\n" + rows.joined()).utf8)
  }()

  /// Four replicas on the first of two nodes, which has a taint or is cordoned.
  static func running(on node: String) -> Data {
    let nodes = ["n0", "n1"].map { Self.node($0, zone: "z", cpu: 8) }
      .map { $0.contains("name: n0,") ? $0 + "spec: \(node)\n" : $0 }
    let pods = (1...4).map { i in
      """
      ---
      apiVersion: v1
      kind: Pod
      metadata:
        name: web-1-\(i)
        labels: {app: web, pod-template-hash: "1"}
        ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: u, controller: true}]
      spec: {nodeName: n0, containers: [{name: main, resources: {requests: {cpu: 500m}}}]}

      """
    }
    return Data((nodes + [workload("web", replicas: 4, cpu: 500)] + pods).joined().utf8)
  }

  private static func node(_ name: String, zone: String, cpu: Int) -> String {
    """
    ---
    apiVersion: v1
    kind: Node
    metadata: {name: \(name), labels: {kubernetes.io/hostname: \(name), topology.kubernetes.io/zone: \(zone)}}
    status: {allocatable: {cpu: "\(cpu)", memory: 64Gi, pods: "110"}}

    """
  }

  private static func workload(_ name: String, replicas: Int, cpu: Int) -> String {
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

  /// Writes a temporary file.
  static func file(_ data: Data) throws -> URL {
    let url = FileManager.default.temporaryDirectory.appending(path: "tonari-\(UUID().uuidString)")
    try data.write(to: url)
    return url
  }
}
