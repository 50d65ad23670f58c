package import Daemon
package import Logging

/// Keeps a copy of a cluster's objects, as far as plans depend on them.
///
/// When the API server is out of reach, what was told last stays, and ``health`` says for how long.
package final class ClusterMirror: Sendable {
  private let kinds: [any MirroredKind]

  /// Makes a mirror; it starts with ``run(onChange:)``.
  ///
  /// - Parameters:
  ///   - client: the way to the API server.
  ///   - kinds: what is mirrored.
  ///   - logger: is told what goes wrong.
  package init(_ client: APIClient, _ kinds: [ClusterKind] = ClusterKind.all, logger: Logger) {
    func mirrored<Object: ClusterObject>(_ type: Object.Type, _ resource: APIResource) -> any MirroredKind {
      Mirrored<Object>(
        reflector: Reflector(resource, client: client, logger: logger) { try $0.decode(Object.self) })
    }
    self.kinds = kinds.map { mirrored($0.type, $0.resource) }
  }

  /// Follows the API server until the task is cancelled.
  ///
  /// - Parameter onChange: is called when something has changed that plans depend on. What kubelets and controllers
  ///   write all the time, such as heartbeats, is nothing of the kind.
  package func run(onChange: @escaping @Sendable () -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      for kind in kinds { group.addTask { await kind.run(onChange) } }
      await group.waitForAll()
    }
  }

  /// Whether there was a list of each kind.
  package var isSynced: Bool { kinds.allSatisfy(\.isSynced) }

  /// Whether the copy is up to date, as far as is known: each kind is being watched. Where it is not, what it shows may
  /// be long gone.
  package var isCurrent: Bool { kinds.allSatisfy(\.isCurrent) }

  /// What `/readyz` is to ask.
  package var health: [any HealthSource] { kinds.map(\.health) }

  /// The cluster as it is known now, in an order that depends on the names alone.
  package var snapshot: ClusterSnapshot {
    var snapshot = ClusterSnapshot()
    for kind in kinds { kind.add(to: &snapshot) }
    return snapshot
  }
}

/// One kind of object, whatever its type.
private protocol MirroredKind: Sendable {
  var isSynced: Bool { get }
  var isCurrent: Bool { get }
  var health: any HealthSource { get }
  func run(_ onChange: @escaping @Sendable () -> Void) async
  func add(to snapshot: inout ClusterSnapshot)
}

private struct Mirrored<Object: ClusterObject>: MirroredKind {
  let reflector: Reflector<Object>

  var isSynced: Bool { reflector.health.isSynced }
  var isCurrent: Bool {
    let health = reflector.health
    return health.isSynced && health.fault == nil
  }
  var health: any HealthSource { ReflectorHealth(reflector) }

  func run(_ onChange: @escaping @Sendable () -> Void) async {
    let changes = reflector.changes()
    async let running: Void = reflector.run()
    var isFirst = true
    for await batch in changes where isFirst || batch.contains(where: { $0.before != $0.after }) {
      isFirst = false
      onChange()
    }
    await running
  }

  func add(to snapshot: inout ClusterSnapshot) {
    for (_, object) in reflector.snapshot.sorted(by: { $0.key < $1.key }) {
      // Fails where a node comes twice only, which the keys of a reflector rule out.
      try? snapshot.add(object, source: ClusterSnapshot.apiSource)
    }
  }
}
