import Connections
package import Daemon
package import Kubernetes
package import Logging
package import Model
package import Selection
import ServiceLifecycle
import Synchronization

/// Keeps a dispatcher's replicas as EndpointSlices, pods, nodes and Services of a cluster tell of them. Services say which
/// numbers their ports have; where they cannot be read, it goes on without.
///
/// When the API server is out of reach, what was told last stays.
package final class EndpointFeed: ServiceLifecycle.Service {
  private let client: APIClient
  private let dispatcher: Dispatcher
  private let namespace: String?
  private let logger: Logger
  private let pods: Reflector<PodTraits>
  private let nodes: Reflector<String>
  private let services: Reflector<[NumberedPort]>
  private let table: Mutex<EndpointTable>
  private let slices = Mutex<Reflector<EndpointSlice>?>(nil)

  /// Makes a feed.
  ///
  /// - Parameters:
  ///   - namespace: whose services are served; nil for all.
  ///   - cluster: the cluster that replicas are said to be in; empty where it has no name.
  package init(_ client: APIClient, _ dispatcher: Dispatcher, namespace: String?, cluster: String, logger: Logger) {
    self.client = client
    self.dispatcher = dispatcher
    self.namespace = namespace
    self.logger = logger
    pods = Reflector(.pods, ObjectSelection(namespace: namespace), client: client, logger: logger) {
      PodTraits(try $0.decode(DescribedPod.self))
    }
    nodes = Reflector(.nodes, client: client, logger: logger) {
      let labels = try $0.decode(Described.self).metadata.labels
      return labels?["topology.kubernetes.io/zone"] ?? labels?["failure-domain.beta.kubernetes.io/zone"] ?? ""
    }
    services = Reflector(.services, ObjectSelection(namespace: namespace), client: client, logger: logger) {
      try $0.decode(DescribedService.self).ports
    }
    table = Mutex(EndpointTable(cluster: cluster))
  }

  /// What `/readyz` is to ask.
  package var health: [any HealthSource] { [SliceHealth(feed: self), ReflectorHealth(pods), ReflectorHealth(nodes)] }

  /// Adds to metrics how many pods have annotations that are left out.
  package func register(in registry: MetricsRegistry) {
    registry.collect { [self] in
      var pods = CollectedMetric(
        "tonari_selector_faulty_pods", .gauge, "Pods with an annotation of tonari.dev that cannot be and is left out.")
      pods.add(table.withLock { $0.pods.values.count { !$0.faults.isEmpty } })
      return [pods]
    }
  }

  /// The zone of a node; nil where that is not known yet.
  package func zone(of node: String) -> String? { nodes[ObjectKey(name: node)] }

  /// The addresses that are a pod's own; nil where that is not known, or it is another pod of the same name.
  package func addresses(of pod: Identity.Pod) -> Set<IPAddress>? {
    pods[ObjectKey(namespace: pod.namespace, name: pod.name)]?.addresses(of: pod)
  }

  /// Follows the API server until the service is to end.
  package func run() async throws {
    await cancelWhenGracefulShutdown { await self.follow() }
  }

  private func follow() async {
    guard let resource = await servedResource() else { return }
    let reflector = Reflector<EndpointSlice>(
      resource, ObjectSelection(namespace: namespace), client: client, logger: logger
    ) { try $0.decode(EndpointSlice.self) }
    slices.withLock { $0 = reflector }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.pods.run() }
      group.addTask { await self.nodes.run() }
      group.addTask { await self.services.run() }
      group.addTask { await self.followSlices(reflector) }
      group.addTask { await self.followPods() }
      group.addTask { await self.followNodes() }
      group.addTask { await self.followServices() }
    }
  }

  private func followSlices(_ reflector: Reflector<EndpointSlice>) async {
    let changes = reflector.changes()
    async let running: Void = reflector.run()
    for await batch in changes {
      update { table in
        batch.reduce(into: Set()) { $0.formUnion(table.set($1.key, from: $1.before, to: $1.after)) }
      }
    }
    await running
  }

  private func followPods() async {
    for await batch in pods.changes() {
      for change in batch where change.before?.faults ?? [] != change.after?.faults ?? [] {
        for fault in change.after?.faults ?? [] {
          logger.warning(
            "An annotation is left out; the pod is picked without it",
            metadata: ["pod": "\(change.key)", "fault": "\(fault)"])
        }
      }
      update { table in
        for change in batch { table.pods[change.key] = change.after }
        return table.services(of: Set(batch.filter { $0.before != $0.after }.map(\.key)))
      }
    }
  }

  private func followNodes() async {
    for await batch in nodes.changes() {
      update { table in
        for change in batch { table.zones[change.key.name] = change.after }
        return batch.contains { $0.before != $0.after } ? Set(table.services) : []
      }
    }
  }

  private func followServices() async {
    for await batch in services.changes() {
      update { table in
        for change in batch { table.servicePorts["\(change.key)"] = change.after }
        return Set(batch.filter { $0.before != $0.after }.map { "\($0.key)" })
      }
    }
  }

  /// Changes what is known, and tells the dispatcher about the services that this concerns.
  private func update(_ change: @Sendable (inout EndpointTable) -> Set<String>) {
    table.withLock { table in
      for service in change(&table).sorted() {
        for (name, replicas) in table.replicas(of: service) {
          dispatcher.set(replicas, of: name, from: .kubernetes, at: .now)
          dispatcher.set(aliases: table.aliases[name] ?? [], of: name)
        }
      }
    }
  }

  /// EndpointSlices as the API server serves them: `v1` since Kubernetes 1.21, `v1beta1` before. Tries until it says so;
  /// nil in a cancelled task.
  private func servedResource() async -> APIResource? {
    while !Task.isCancelled {
      for version in ["v1", "v1beta1"] {
        let resource = APIResource(group: "discovery.k8s.io", version: version, plural: "endpointslices")
        do {
          // None is called so: the answer is short.
          _ = try await client.list(resource, ObjectSelection(namespace: namespace, fields: "metadata.name=-"))
          return resource
        } catch let error as APIError where error.isNotFound {
          continue
        } catch {
          guard !Task.isCancelled else { return nil }
          logger.warning("EndpointSlices cannot be listed", metadata: ["error": "\(error)"])
          break
        }
      }
      try? await Task.sleep(for: .seconds(1))
    }
    return nil
  }

  /// The ports of a Service.
  private struct DescribedService: Decodable {
    struct Port: Decodable {
      var name: String?
      var port: Int
      var `protocol`: String?
    }

    struct Spec: Decodable {
      var ports: [Port]?
    }

    var spec: Spec?

    /// Those that requests may go to, in their order.
    var ports: [NumberedPort] {
      (spec?.ports ?? []).filter { $0.protocol ?? "TCP" == "TCP" }.map {
        NumberedPort(number: $0.port, name: $0.name ?? "")
      }
    }
  }

  /// Labels of any object.
  private struct Described: Decodable {
    struct Metadata: Decodable {
      var labels: [String: String]?
    }

    var metadata: Metadata
  }

  /// How the slices stand, whose version is known only when the API server has been heard.
  private struct SliceHealth: HealthSource {
    let feed: EndpointFeed

    func report() -> HealthReport {
      guard let reflector = feed.slices.withLock({ $0 }) else {
        return HealthReport(name: "endpointslices", isReady: false, fault: "the API server has not been heard yet")
      }
      return ReflectorHealth(reflector).report()
    }
  }
}
