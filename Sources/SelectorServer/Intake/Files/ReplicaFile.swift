package import Daemon
import Formats
package import Logging
import Model
package import Selection
import ServiceLifecycle

/// Keeps a dispatcher's replicas as a file has them. A file that cannot be read does not replace one that could.
package final class ReplicaFile: Service, HealthSource, Reloading {
  private let file: WatchedFile

  /// Reads the file for the first time, which must succeed.
  ///
  /// Throws `FileError`.
  package init(_ path: String, _ dispatcher: Dispatcher, logger: Logger) throws {
    file = try WatchedFile(path, content: "replicas", logger: logger) { file in
      let services = try Self.services(String(decoding: file.readAll(), as: UTF8.self), file: path)
      dispatcher.set(services, from: .file, at: .now)
      logger.notice(
        "The replicas are read",
        metadata: [
          "file": "\(path)", "services": "\(services.count)",
          "replicas": "\(services.values.reduce(0) { $0 + $1.count })",
        ])
    }
  }

  /// Reads the file whenever it has changed.
  package func run() async throws { await file.run() }

  /// How the file stands.
  package func report() -> HealthReport { file.report() }

  /// Reads the file again.
  package func reload() { file.reload(always: true) }

  /// Reads services and their replicas.
  ///
  /// Throws `FileError`.
  static func services(_ text: String, file: String) throws(FileError) -> [String: [ServiceReplica]] {
    var services: [String: [ServiceReplica]] = [:]
    for service in try YAMLField(text: text, file: file).fields(["services"])["services"]?.list() ?? [] {
      let fields = try service.fields(["name", "replicas"])
      guard let name = fields["name"] else { throw service.expected("name among its fields") }
      var replicas: [ServiceReplica] = []
      var seen: Set<String> = []
      for field in try fields["replicas"]?.list() ?? [] {
        let replica = try replica(field)
        guard seen.insert(replica.address).inserted else {
          throw field.error("found \(replica.address) twice, expected it once")
        }
        replicas.append(replica)
      }
      guard services.updateValue(replicas, forKey: try name.text()) == nil else {
        throw name.error("found '\(try name.text())' twice, expected it once")
      }
    }
    return services
  }

  private static func replica(_ field: YAMLField) throws(FileError) -> ServiceReplica {
    let fields = try field.fields([
      "address", "node", "zone", "cluster", "weight", "concurrency", "labels", "state",
    ])
    guard let address = fields["address"] else { throw field.expected("address among its fields") }
    var replica = ServiceReplica(
      address: try address.text(), node: try fields["node"]?.text() ?? "", zone: try fields["zone"]?.text() ?? "",
      cluster: try fields["cluster"]?.text() ?? "", weight: try fields["weight"]?.number(Bounds.weight.range) ?? 1,
      concurrency: try fields["concurrency"]?.integer(Bounds.concurrency.range))
    for label in try fields["labels"]?.list() ?? [] { replica.labels.append(try label.text()) }
    if let state = fields["state"] {
      replica.state = try state.word(["ready": .ready, "starting": .starting, "draining": .draining])
    }
    if let fault = replica.fault { throw field.error(fault) }
    return replica
  }
}
