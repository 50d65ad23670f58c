import Kubernetes
import Logging
import Synchronization

/// Follows the objects of a kind by the version of their API that the API server has, once it has one.
final class FollowedObjects<Value: Sendable>: Sendable {
  private let kind: (group: String, plural: String)
  private let versions: [String]
  private let client: APIClient
  private let selection: ObjectSelection
  private let logger: Logger
  private let read: @Sendable (RawObject) throws -> Value?
  private let reflector = Mutex<Reflector<Value>?>(nil)

  /// - Parameters:
  ///   - versions: those that can be read, the newest first.
  ///   - namespace: whose objects are followed; nil for all.
  init(
    _ group: String, _ plural: String, versions: [String], _ client: APIClient, namespace: String?, logger: Logger,
    read: @escaping @Sendable (RawObject) throws -> Value?
  ) {
    kind = (group, plural)
    self.versions = versions
    self.client = client
    selection = ObjectSelection(namespace: namespace)
    self.logger = logger
    self.read = read
  }

  /// Follows the API server until the task is cancelled.
  func run() async {
    var backoff = Backoff()
    var generator = SystemRandomNumberGenerator()
    while !Task.isCancelled {
      do {
        guard let version = try await client.version(of: kind.group, among: versions) else { return }
        let resource = APIResource(group: kind.group, version: version, plural: kind.plural)
        let found = Reflector(resource, selection, client: client, logger: logger, transform: read)
        reflector.withLock { $0 = found }
        await found.run()
      } catch {
        try? await Task.sleep(for: backoff.next(using: &generator))
      }
    }
  }

  /// What there is; nothing before the first list.
  var snapshot: [(key: ObjectKey, value: Value)] {
    guard let reflector = reflector.withLock({ $0 }) else { return [] }
    return reflector.snapshot.map { ($0.key, $0.value) }
  }
}
