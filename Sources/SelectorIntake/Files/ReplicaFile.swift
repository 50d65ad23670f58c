public import Dispatching
import Files
public import Logging
public import Monitoring
import Selection
public import ServiceLifecycle
import Synchronization

/// Keeps a dispatcher's replicas as a file has them. A file that cannot be read does not replace one that could.
public final class ReplicaFile: Service, HealthSource {
  private struct State {
    var stamp: FileStamp?
    var fault: String?
  }

  private let path: String
  private let dispatcher: Dispatcher
  private let logger: Logger
  private let state = Mutex(State())

  /// Reads the file for the first time, which must succeed.
  ///
  /// Throws `FileError`.
  public init(_ path: String, _ dispatcher: Dispatcher, logger: Logger) throws {
    self.path = path
    self.dispatcher = dispatcher
    self.logger = logger
    let stamp = FileStamp(path: path)
    try load()
    state.withLock { $0.stamp = stamp }
  }

  /// Reads the file whenever it has changed.
  public func run() async throws {
    await repeating(every: .seconds(1)) { self.reload() }
  }

  /// How the file stands.
  public func report() -> HealthReport {
    state.withLock { HealthReport(name: "replicas file", isReady: true, fault: $0.fault) }
  }

  /// Reads the file where it has changed since it was read.
  func reload() {
    let stamp = FileStamp(path: path)
    guard stamp != state.withLock({ $0.stamp }) else { return }
    do {
      try load()
      state.withLock { $0 = State(stamp: stamp) }
    } catch {
      state.withLock { $0 = State(stamp: stamp, fault: "\(error)") }
      logger.error("The replicas cannot be read; those before stay", metadata: ["error": "\(error)"])
    }
  }

  private func load() throws {
    let bytes = try InputFile(path).readAll()
    let services = try Self.services(String(decoding: bytes, as: UTF8.self), file: path)
    dispatcher.set(services, from: .file, at: .now)
    logger.notice(
      "The replicas are read",
      metadata: [
        "file": "\(path)", "services": "\(services.count)",
        "replicas": "\(services.values.reduce(0) { $0 + $1.count })",
      ])
  }

  /// Reads services and their replicas.
  ///
  /// Throws `FileError`.
  static func services(_ text: String, file: String) throws(FileError) -> [String: [ServiceReplica]] {
    let root = try YAMLFields(text, file: file)
    try root.expect(only: ["services"])
    var services: [String: [ServiceReplica]] = [:]
    for service in try root.mappings("services") {
      try service.expect(only: ["name", "replicas"])
      guard let name = try service.string("name"), !name.isEmpty else { throw service.error("expected a field 'name'") }
      guard services[name] == nil else { throw service.error("found '\(name)' twice, expected it once", at: "name") }
      var replicas: [ServiceReplica] = []
      var seen: Set<String> = []
      for fields in try service.mappings("replicas") {
        let replica = try replica(fields)
        guard seen.insert(replica.address).inserted else {
          throw fields.error("found \(replica.address) twice, expected it once", at: "address")
        }
        replicas.append(replica)
      }
      services[name] = replicas
    }
    return services
  }

  private static func replica(_ fields: YAMLFields) throws(FileError) -> ServiceReplica {
    try fields.expect(only: ["address", "node", "zone", "cluster", "weight", "concurrency", "labels", "state"])
    guard let address = try fields.string("address") else { throw fields.error("expected a field 'address'") }
    let state = try fields.word(
      "state", [("ready", .ready), ("starting", .starting), ("draining", ReplicaState.draining)])
    let replica = ServiceReplica(
      address: address, node: try fields.string("node") ?? "", zone: try fields.string("zone") ?? "",
      cluster: try fields.string("cluster") ?? "", weight: try fields.number("weight") ?? 1,
      concurrency: try fields.integer("concurrency"), labels: try fields.strings("labels"), state: state ?? .ready)
    if let fault = replica.fault { throw fields.error(fault) }
    return replica
  }
}
