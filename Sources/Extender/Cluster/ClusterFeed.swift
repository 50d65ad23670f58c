import CoreMetrics
package import Daemon
import Foundation
import Kubernetes
import Logging
import Model
import Planner
import ServiceLifecycle

/// Keeps a webhook's state as the API server tells it: nodes, pods, their owners and `PlacementPlan` objects.
///
/// When the API server is out of reach, what was told last stays, and ``health`` says for how long.
package final class ClusterFeed: ServiceLifecycle.Service {
  /// What pods are owned by, as far as it does not follow from their names.
  private let replicaSets: Reflector<ReplicaSet>
  private let nodes: Reflector<String>
  private let pods: Reflector<WatchedPod>
  private let deployments: Reflector<Int>
  private let statefulSets: Reflector<Int>
  /// Nil where the plan comes from elsewhere.
  private let plans: Reflector<PlacementPlan>?
  private let webhook: SchedulerWebhook
  private let api: ClusterAPI

  /// Makes a feed; it starts with ``run()``.
  ///
  /// - Parameters:
  ///   - api: the cluster.
  ///   - webhook: what is kept up to date.
  ///   - readsPlans: whether the plan is that of the `PlacementPlan` objects.
  package init(_ api: ClusterAPI, _ webhook: SchedulerWebhook, readsPlans: Bool) {
    let client = api.client
    self.api = api
    self.webhook = webhook
    nodes = Reflector(.nodes, client: client, logger: webhook.logger) { object in
      try object.decode(NodeLabels.self).zone
    }
    pods = api.pods
    replicaSets = Reflector(.replicaSets, client: client, logger: webhook.logger) { object in
      let replicaSet = try object.decode(ReplicaSet.self)
      return replicaSet.belongsToWhomItsNameSays ? nil : replicaSet
    }
    deployments = Reflector(.deployments, client: client, logger: webhook.logger) { object in
      try object.decode(Wanted.self).replicas
    }
    statefulSets = Reflector(.statefulSets, client: client, logger: webhook.logger) { object in
      try object.decode(Wanted.self).replicas
    }
    plans =
      readsPlans
      ? Reflector(.placementPlans, client: client, logger: webhook.logger) { object in
        try PlacementPlan(Data(object.json), file: "PlacementPlan \(object.key)")
      } : nil
  }

  /// What `/readyz` is to ask.
  package var health: [any HealthSource] {
    var sources: [any HealthSource] = [
      ReflectorHealth(nodes), ReflectorHealth(pods), ReflectorHealth(replicaSets),
      ReflectorHealth(deployments), ReflectorHealth(statefulSets),
    ]
    if let plans { sources.append(ReflectorHealth(plans, isOptional: true)) }
    return sources
  }

  /// Follows the API server until the service is to end.
  package func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await self.followNodes() }
        group.addTask { await self.followPods() }
        group.addTask { await self.followReplicaSets() }
        group.addTask { await self.follow(self.deployments, kind: Deployment.kind) }
        group.addTask { await self.follow(self.statefulSets, kind: StatefulSet.kind) }
        group.addTask { await self.followPlans() }
        group.addTask { await self.api.tellEvents() }
        await group.waitForAll()
      }
    }
  }
}

// MARK: - What is followed

extension ClusterFeed {
  private func run<Value>(
    _ reflector: Reflector<Value>, _ take: ([ObjectChange<Value>]) -> Void
  ) async {
    let changes = reflector.changes()
    async let running: Void = reflector.run()
    for await batch in changes { take(batch) }
    await running
  }

  private func followNodes() async {
    await run(nodes) { batch in
      webhook.update { state in
        for change in batch {
          if let zone = change.after {
            state.set(node: change.key.name, zone: zone)
          } else {
            state.remove(node: change.key.name)
          }
        }
      }
    }
  }

  private func followPods() async {
    // Whom a pod belongs to is counted once: it has to be known before.
    try? await replicaSets.waitUntilSynced()
    await run(pods) { batch in
      for change in batch {
        if let before = change.before, before.pod.uid != change.after?.pod.uid {
          webhook.observe(pod: before.pod.uid, nil, on: nil)
        }
        guard let after = change.after else { continue }
        observe(after)
        // Said once, before the pod is bound.
        if after.isWaiting, let fault = after.pod.annotationFault, change.before?.pod.annotationFault != fault {
          api.tell(after.pod, reason: "WorkloadIgnored", message: fault)
        }
      }
    }
  }

  private func observe(_ pod: WatchedPod) {
    if pod.isWaiting { webhook.observe(waiting: pod.pod) }
    webhook.observe(pod: pod.pod.uid, webhook.identity(of: pod.pod), on: pod.node)
  }

  private func followReplicaSets() async {
    await run(replicaSets) { batch in
      guard !batch.isEmpty else { return }
      webhook.set(owners: WorkloadOwners(replicaSets.snapshot.map { $0.value }))
      for (_, pod) in pods.snapshot where pod.pod.owner?.kind == ReplicaSet.kind { observe(pod) }
    }
  }

  private func follow(_ reflector: Reflector<Int>, kind: String) async {
    await run(reflector) { batch in
      webhook.update { state in
        for change in batch {
          let name = WorkloadName(namespace: change.key.namespace, name: change.key.name)
          state.set(replicas: change.after, of: WorkloadReference(kind: kind, name: name))
        }
      }
    }
  }

  private func followPlans() async {
    guard let plans else { return }
    await run(plans) { _ in
      let all = plans.snapshot.sorted { $0.key < $1.key }
      let summary = webhook.update { state in
        state.set(placements: all.flatMap { $0.value.spec.placements })
        return state.summary
      }
      webhook.metrics.planReloads.increment()
      webhook.logger.notice(
        "The plan has changed",
        metadata: [
          "plans": "\(all.map(\.key.name).joined(separator: ", "))", "workloads": "\(summary.workloads)",
          "replicas": "\(summary.replicas)",
        ])
    }
  }
}

// MARK: - What is read of objects

/// The part of a node that says where it is.
private struct NodeLabels: Decodable {
  struct Metadata: Decodable {
    var labels: [String: String]?
  }

  var metadata: Metadata

  var zone: String {
    metadata.labels?["topology.kubernetes.io/zone"]
      ?? metadata.labels?["failure-domain.beta.kubernetes.io/zone"] ?? ""
  }
}

/// The part of a Deployment or StatefulSet that says how many replicas it is to have.
private struct Wanted: Decodable {
  struct Spec: Decodable {
    var replicas: Int?
  }

  var spec: Spec?

  var replicas: Int { spec?.replicas ?? 1 }
}

extension ReplicaSet {
  /// Whether its pods tell its owner by themselves: it belongs to a Deployment and is named for it and for the hash.
  fileprivate var belongsToWhomItsNameSays: Bool {
    guard let owner = metadata.controller, owner.kind == Deployment.kind,
      let hash = metadata.labels?["pod-template-hash"]
    else { return false }
    return metadata.name == "\(owner.name)-\(hash)"
  }
}
