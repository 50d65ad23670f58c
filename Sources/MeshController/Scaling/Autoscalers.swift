import Formats
import Kubernetes
import Logging
import Model
import Overflow

/// The autoscalers of the cluster, and which service each scales the pods of.
final class Autoscalers: Sendable {
  private let objects: FollowedObjects<ScaleTarget, WatchedAutoscaler>

  init(_ client: APIClient, namespace: String?, logger: Logger) {
    objects = FollowedObjects(
      "autoscaling", "horizontalpodautoscalers", versions: ["v2", "v2beta2"], client, namespace: namespace,
      logger: logger, by: { key, autoscaler in autoscaler.target(in: key.namespace) }
    ) { try $0.decode(WatchedAutoscaler.self) }
  }

  /// Follows the API server until the task is cancelled.
  func run() async { await objects.run() }

  /// What scales pods of these names, all of one service: several as one where the service has pods of several makers; nil
  /// where nothing does.
  func scaling(_ pods: Set<String>, in namespace: String) -> Autoscaler? {
    Self.scaling(pods, in: namespace) { objects[$0] }
  }

  static func scaling(
    _ pods: Set<String>, in namespace: String, _ autoscalers: (ScaleTarget) -> [ObjectKey: WatchedAutoscaler]
  ) -> Autoscaler? {
    let targets = Set(pods.flatMap { ScaleTarget.all(ofPod: $0, in: namespace) })
    // Two of one target hinder each other; the first by its name counts.
    let found = targets.compactMap { autoscalers($0).min { $0.key < $1.key } }.sorted { $0.key < $1.key }
    return Autoscaler(together: found.map(\.value.autoscaler))
  }
}
