import Kubernetes
import Logging
import Overflow

/// The autoscalers of the cluster, and which service each scales the pods of.
final class Autoscalers: Sendable {
  private let objects: FollowedObjects<WatchedAutoscaler>

  init(_ client: APIClient, namespace: String?, logger: Logger) {
    objects = FollowedObjects(
      "autoscaling", "horizontalpodautoscalers", versions: ["v2", "v2beta2"], client, namespace: namespace,
      logger: logger
    ) { try $0.decode(WatchedAutoscaler.self) }
  }

  /// Follows the API server until the task is cancelled.
  func run() async { await objects.run() }

  /// The autoscalers there are, by namespace, the first by name first.
  var byNamespace: [String: [WatchedAutoscaler]] {
    Dictionary(grouping: objects.snapshot.sorted { $0.key < $1.key }, by: \.key.namespace).mapValues { $0.map(\.value) }
  }
}

extension [WatchedAutoscaler] {
  /// The one that scales pods of these names, all of one service; nil where none does.
  func scaling(_ pods: Set<String>) -> Autoscaler? {
    first { autoscaler in pods.contains { autoscaler.scales(pod: $0) } }?.autoscaler
  }
}
