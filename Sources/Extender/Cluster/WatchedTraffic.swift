package import Daemon
import Kubernetes
import Logging
package import Planner
import ServiceLifecycle
import Synchronization
import Traffic

/// Keeps a webhook's traffic up to date: what Prometheus or files say, between the workloads that the API server has.
package final class WatchedTraffic: ServiceLifecycle.Service {
  private let mirror: ClusterMirror
  private let feed: TrafficFeed
  private let map: EndpointMap
  private let webhook: SchedulerWebhook
  private let hasChanged = Atomic(false)

  /// Makes a service.
  ///
  /// - Parameters:
  ///   - api: the cluster.
  ///   - feed: who talks to whom.
  ///   - map: what names in the traffic mean that the cluster does not know.
  ///   - webhook: what is kept up to date.
  package init(_ api: ClusterAPI, _ feed: TrafficFeed, map: EndpointMap = EndpointMap(), _ webhook: SchedulerWebhook) {
    mirror = ClusterMirror(api.client, ClusterKind.naming, logger: webhook.logger)
    self.feed = feed
    self.map = map
    self.webhook = webhook
  }

  /// What `/readyz` is to ask. Pods can be scored without traffic.
  package var health: [any HealthSource] { [feed] }

  /// Follows the traffic until the service is to end.
  package func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        let note: @Sendable () -> Void = { self.hasChanged.store(true, ordering: .releasing) }
        group.addTask { await self.mirror.run(onChange: note) }
        group.addTask { await self.feed.run(onChange: note) }
        group.addTask { await everySecond { self.update() } }
        await group.waitForAll()
      }
    }
  }

  /// Tells the webhook the traffic where anything has changed since it was told last.
  private func update() {
    guard mirror.isSynced, let reading = feed.reading, hasChanged.exchange(false, ordering: .acquiring) else { return }
    do {
      let edges = try TrafficEdges(
        reading.traffic, in: ClusterProblem(mirror.snapshot, options: .init(excludedNamespaces: [])), map: map)
      webhook.update { $0.set(traffic: edges) }
      webhook.logger.debug("The traffic is known", metadata: ["edges": "\(edges.edges.count)"])
    } catch {
      webhook.logger.warning("The traffic cannot be used; what is known stays", metadata: ["error": "\(error)"])
    }
  }
}
