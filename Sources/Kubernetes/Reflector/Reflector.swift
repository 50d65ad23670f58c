package import Connections
package import Logging
package import Model
import Synchronization

/// Keeps a copy of the objects of a resource: always a list that the API server has given, and the changes after it in
/// their order.
///
/// Whatever happens to the API server or the way to it, the reflector goes on from where it was, or with a fresh list
/// where that cannot be, and the copy stays as it was in the meantime; ``staleness(at:)`` tells for how long nothing has
/// been heard. Of each object it keeps only what `transform` makes of it.
package final class Reflector<Value: Sendable>: Sendable {
  /// How a reflector stands.
  package struct Health: Sendable {
    /// Whether a first list is there.
    package var isSynced = false
    /// Whether a watch is open.
    package var isWatching = false
    /// When a list, an event or a bookmark came last; nil before the first.
    package var lastContact: ContinuousClock.Instant?
    /// Why there is no watch; nil while there is one.
    package var fault: APIError?
  }

  private struct State {
    var store = ObjectStore<Value>()
    var health = Health()
    var subscriptions: [WeakSubscription] = []
  }

  private struct WeakSubscription: Sendable {
    weak var subscription: ObjectChanges<Value>.Subscription?
  }

  /// What is kept a copy of.
  package let resource: APIResource
  /// Which of its objects.
  package let selection: ObjectSelection
  private let client: APIClient
  private let pageSize: Int
  private let idleTimeout: Duration
  private let backoff: Backoff
  private let logger: Logger
  private let transform: @Sendable (RawObject) throws -> Value?
  private let state = Mutex(State())

  /// Makes a reflector. It starts with ``run()``.
  ///
  /// - Parameters:
  ///   - resource: The resource.
  ///   - selection: Which of its objects.
  ///   - client: The way to the API server.
  ///   - pageSize: How many objects are listed at a time.
  ///   - idleTimeout: How long a watch may be silent. API servers send a bookmark each minute.
  ///   - backoff: The waits between tries.
  ///   - logger: Is told of what goes wrong.
  ///   - transform: Makes of an object what is kept of it; nil to leave the object out. An object that it throws for is
  ///     left out, and the logger is told.
  package init(
    _ resource: APIResource, _ selection: ObjectSelection = ObjectSelection(), client: APIClient, pageSize: Int = 500,
    idleTimeout: Duration = .seconds(150), backoff: Backoff = Backoff(),
    logger: Logger = Logger(label: "tonari.kubernetes.reflector"),
    transform: @escaping @Sendable (RawObject) throws -> Value?
  ) {
    self.resource = resource
    self.selection = selection
    self.client = client
    self.pageSize = pageSize
    self.idleTimeout = idleTimeout
    self.backoff = backoff
    self.transform = transform
    var logger = logger
    logger[metadataKey: "resource"] = "\(resource)"
    self.logger = logger
  }

  /// Keeps the copy up to date until the task is cancelled. It runs once at a time.
  package func run() async {
    var course = ReflectorCourse(backoff: backoff)
    var generator = SystemRandomNumberGenerator()
    while !Task.isCancelled {
      var delay = Duration.zero
      do {
        switch course.step {
        case .list: course.listed(at: try await list())
        case .watch(let resourceVersion):
          delay = try await watch(from: resourceVersion, &course, using: &generator)
        }
      } catch {
        if Task.isCancelled { break }
        let fault = error as? APIError ?? APIError(code: .unreachable, message: "\(error)")
        delay = course.failed(fault, using: &generator)
        lost(fault, nextTryIn: delay)
      }
      if delay > .zero { try? await Task.sleep(for: delay) }
    }
    state.withLock { state in
      state.health.isWatching = false
      for subscription in state.subscriptions { subscription.subscription?.finish() }
      state.subscriptions = []
    }
  }
}

// MARK: - What it knows

extension Reflector {
  /// The objects as they are known now; empty before the first list.
  package var snapshot: ObjectSnapshot<Value> { state.withLock { $0.store.snapshot } }

  /// What is kept of an object; nil where it is not there.
  package subscript(key: ObjectKey) -> Value? { state.withLock { $0.store[key] } }

  /// How the reflector stands.
  package var health: Health { state.withLock { $0.health } }

  /// For how long nothing has been heard of the API server; nil before the first list.
  ///
  /// While nothing changes in the cluster, it grows to a minute and falls back to zero: API servers send a bookmark each
  /// minute.
  package func staleness(at now: ContinuousClock.Instant = .now) -> Duration? {
    health.lastContact.map { max(.zero, $0.duration(to: now)) }
  }

  /// What changes from now on. It starts with all objects that are there, as soon as there is a first list, even an empty
  /// one. It ends when ``run()`` does.
  package func changes() -> ObjectChanges<Value> {
    let subscription = ObjectChanges<Value>.Subscription()
    state.withLock { state in
      if state.health.isSynced {
        subscription.publish(
          state.store.entries.map { ObjectChange(key: $0.key, before: nil, after: $0.value.value) })
      }
      state.subscriptions.append(WeakSubscription(subscription: subscription))
    }
    return ObjectChanges(subscription: subscription)
  }

  /// Waits for the first list. Throws `CancellationError` in a cancelled task, and where ``run()`` ends before.
  package func waitUntilSynced() async throws {
    for await _ in changes() { return }
    throw CancellationError()
  }
}

// MARK: - What it does

extension Reflector {
  /// Reads a fresh list, and answers its version.
  private func list() async throws -> String {
    let known = state.withLock { $0.store }
    let list = try await client.list(resource, selection, pageSize: pageSize) { object in
      (known.entry(of: object) ?? entry(of: object)).map { (key: object.key, entry: $0) }
    }
    let changes = state.withLock { state in
      let isFirst = !state.health.isSynced
      state.health.isSynced = true
      state.health.lastContact = .now
      let changes = state.store.replace(with: list.items)
      if isFirst || !changes.isEmpty { publish(changes, to: &state) }
      return changes
    }
    logger.debug(
      "Listed", metadata: ["objects": "\(list.items.count)", "changes": "\(changes.count)"])
    return list.resourceVersion
  }

  /// Watches until the watch ends, and answers how long to wait before the next.
  private func watch(
    from resourceVersion: String, _ course: inout ReflectorCourse, using generator: inout some RandomNumberGenerator
  ) async throws -> Duration {
    let start = ContinuousClock.now
    let events = try await client.watch(resource, selection, from: resourceVersion, idleTimeout: idleTimeout)
    state.withLock { state in
      state.health.isWatching = true
      state.health.fault = nil
    }
    var hasProgressed = false
    for try await event in events {
      apply(event)
      course.progressed(to: event.resourceVersion)
      hasProgressed = true
    }
    state.withLock { $0.health.isWatching = false }
    return course.ended(after: start.duration(to: .now), hasProgressed: hasProgressed, using: &generator)
  }

  private func apply(_ event: WatchEvent) {
    let new: (key: ObjectKey, entry: ObjectStore<Value>.Entry?)? =
      switch event {
      case .added(let object), .modified(let object): (object.key, entry(of: object))
      case .deleted(let object): (object.key, nil)
      case .bookmark: nil
      }
    state.withLock { state in
      state.health.lastContact = .now
      if let new, let change = state.store.set(new.key, to: new.entry) { publish([change], to: &state) }
    }
  }

  private func entry(of object: RawObject) -> ObjectStore<Value>.Entry? {
    do {
      return try transform(object).map { .init(value: $0, resourceVersion: object.resourceVersion) }
    } catch {
      logger.warning(
        "An object cannot be read and is left out", metadata: ["object": "\(object.key)", "error": "\(error)"])
      return nil
    }
  }

  private func publish(_ changes: [ObjectChange<Value>], to state: inout State) {
    state.subscriptions.removeAll { $0.subscription == nil }
    for subscription in state.subscriptions { subscription.subscription?.publish(changes) }
  }

  private func lost(_ error: APIError, nextTryIn delay: Duration) {
    state.withLock { state in
      state.health.isWatching = false
      state.health.fault = error
    }
    logger.log(
      level: error.isExpired ? .info : .warning, "The API server cannot be followed; what is known stays",
      metadata: ["error": "\(error)", "nextTryIn": "\(delay)"])
  }
}
