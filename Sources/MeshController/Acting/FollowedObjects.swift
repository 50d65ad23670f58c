import Connections
import Kubernetes
import Logging
import Model
import Synchronization

/// Follows the objects of a kind by the version of their API that the API server has, once it has one, and keeps them by what
/// they are about.
final class FollowedObjects<Subject: Hashable & Sendable, Value: Sendable>: Sendable {
  private let kind: (group: String, plural: String)
  private let versions: [String]
  private let client: APIClient
  private let selection: ObjectSelection
  private let logger: Logger
  private let read: @Sendable (RawObject) throws -> Value?
  private let empty: SubjectIndex<Subject, Value>
  private let index: Mutex<SubjectIndex<Subject, Value>>

  /// - Parameters:
  ///   - versions: those that can be read, the newest first.
  ///   - namespace: whose objects are followed; nil for all.
  ///   - subject: what an object is about; nil for one that nobody looks up.
  init(
    _ group: String, _ plural: String, versions: [String], _ client: APIClient, namespace: String?, logger: Logger,
    by subject: @escaping @Sendable (ObjectKey, Value) -> Subject?,
    read: @escaping @Sendable (RawObject) throws -> Value?
  ) {
    kind = (group, plural)
    self.versions = versions
    self.client = client
    selection = ObjectSelection(namespace: namespace)
    self.logger = logger
    self.read = read
    let empty = SubjectIndex(subject)
    self.empty = empty
    index = Mutex(empty)
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
        index.withLock { $0 = empty }
        let changes = found.changes()
        await withDiscardingTaskGroup { group in
          group.addTask { await found.run() }
          for await batch in changes { index.withLock { $0.apply(batch) } }
        }
      } catch {
        try? await Task.sleep(for: backoff.next(using: &generator))
      }
    }
  }

  /// The objects that are about something; none before the first list.
  subscript(subject: Subject) -> [ObjectKey: Value] { index.withLock { $0[subject] } }
}
