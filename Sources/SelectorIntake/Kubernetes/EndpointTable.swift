import Dispatching
import Kubernetes
import Selection
import Topology

/// What of a pod matters to who picks it: labels, and what its annotations say.
struct PodTraits: Hashable, Sendable {
  /// `name=value`.
  var labels: [String]
  /// `tonari.dev/concurrency`: requests that it works on at a time.
  var concurrency: Int?
  /// `tonari.dev/weight`: its share compared with the others'.
  var weight: Double?
  /// What tells it from an earlier pod of the same name.
  var uid = ""
  /// The addresses that are its own: none where it has those of its node, and when it has ended.
  var addresses: Set<IPAddress> = []
  /// What annotations say that cannot be, which is left out.
  var faults: [String] = []

  init(labels: [String: String], annotations: [String: String]) {
    self.labels = labels.map { "\($0.key)=\($0.value)" }.sorted()
    do throws(OutOfBounds) {
      if let text = annotations["tonari.dev/concurrency"] { concurrency = try Bounds.concurrency.checked(text) }
    } catch {
      faults.append("tonari.dev/\(error)")
    }
    do throws(OutOfBounds) {
      if let text = annotations["tonari.dev/weight"] { weight = try Bounds.weight.checked(text) }
    } catch {
      faults.append("tonari.dev/\(error)")
    }
  }
}

extension PodTraits {
  /// A pod as the API server has it. What counts as its own address is what its kubelet says: in an EndpointSlice who may
  /// write one may say anything.
  init(_ pod: DescribedPod) {
    self.init(labels: pod.metadata.labels ?? [:], annotations: pod.metadata.annotations ?? [:])
    uid = pod.metadata.uid ?? ""
    guard pod.spec?.hostNetwork != true, !["Succeeded", "Failed"].contains(pod.status?.phase) else { return }
    let texts = pod.status?.podIPs?.map(\.ip) ?? []
    addresses = Set((texts + [pod.status?.podIP]).compactMap { $0.flatMap { IPAddress($0) } })
  }

  /// The addresses that are a pod's own; nil where it is another one of the same name.
  func addresses(of pod: Identity.Pod) -> Set<IPAddress>? { !uid.isEmpty && uid == pod.uid ? addresses : nil }
}

/// What is read of a pod.
struct DescribedPod: Decodable {
  struct Metadata: Decodable {
    var uid: String?
    var labels: [String: String]?
    var annotations: [String: String]?
  }

  struct Spec: Decodable {
    var hostNetwork: Bool?
  }

  struct Status: Decodable {
    struct Address: Decodable {
      var ip: String?
    }

    var phase: String?
    var podIP: String?
    var podIPs: [Address]?
  }

  var metadata: Metadata
  var spec: Spec?
  var status: Status?
}

/// The replicas of services as EndpointSlices, pods and nodes tell of them.
///
/// A service with one port is called `namespace/name`, one with several `namespace/name:port` for each.
struct EndpointTable: Sendable {
  /// The cluster that all replicas are in; empty where it has no name.
  var cluster: String
  /// Zones of nodes, where slices do not say.
  var zones: [String: String] = [:]
  /// Pods by namespace and name.
  var pods: [ObjectKey: PodTraits] = [:]
  private var slices: [String: [ObjectKey: EndpointSlice]] = [:]
  private var names: [String: Set<String>] = [:]

  init(cluster: String) {
    self.cluster = cluster
  }

  /// All services of all slices, as `namespace/name`.
  var services: some Collection<String> { slices.keys }

  /// Takes a slice as it was and is. Answers the services that this concerns, as `namespace/name`.
  mutating func set(_ key: ObjectKey, from before: EndpointSlice?, to after: EndpointSlice?) -> Set<String> {
    if let service = before?.service {
      slices[service]?[key] = nil
      if slices[service]?.isEmpty == true { slices[service] = nil }
    }
    if let service = after?.service { slices[service, default: [:]][key] = after }
    return Set([before?.service, after?.service].compactMap { $0 })
  }

  /// The services that have one of these pods.
  func services(of pods: Set<ObjectKey>) -> Set<String> {
    Set(
      slices.filter { service in
        service.value.contains { slice in
          slice.value.endpoints?.contains { endpoint in
            Self.pod(of: endpoint, in: slice.key).map(pods.contains) ?? false
          }
            ?? false
        }
      }.map(\.key))
  }

  /// The replicas of a service by the names that it is picked by; names that it does not have any more have none.
  mutating func replicas(of service: String) -> [String: [ServiceReplica]] {
    var byPort: [String: [String: ServiceReplica]] = [:]
    for (key, slice) in slices[service] ?? [:] {
      for (portName, port) in slice.reachablePorts {
        byPort[portName, default: [:]].merge(replicas(of: slice, key, port: port)) { one, other in
          // While a pod moves from slice to slice it may be in both.
          one.state == .ready ? one : other
        }
      }
    }
    var result: [String: [ServiceReplica]] = [:]
    for (portName, replicas) in byPort {
      let name = byPort.count == 1 ? service : "\(service):\(portName)"
      result[name] = replicas.values.sorted { $0.address < $1.address }
    }
    for name in names[service] ?? [] where result[name] == nil { result[name] = [] }
    names[service] = byPort.isEmpty ? nil : Set(result.filter { !$0.value.isEmpty }.keys)
    return result
  }

  private func replicas(of slice: EndpointSlice, _ key: ObjectKey, port: Int) -> [String: ServiceReplica] {
    var replicas: [String: ServiceReplica] = [:]
    for endpoint in slice.endpoints ?? [] {
      // All addresses of an endpoint are the same pod; the first is the one to use.
      guard let host = endpoint.addresses.first else { continue }
      let node = endpoint.nodeName ?? endpoint.topology?["kubernetes.io/hostname"] ?? ""
      let traits = Self.pod(of: endpoint, in: key).flatMap { pods[$0] }
      let replica = ServiceReplica(
        address: host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)", node: node,
        zone: endpoint.zone ?? endpoint.topology?["topology.kubernetes.io/zone"] ?? zones[node] ?? "",
        cluster: cluster, weight: traits?.weight ?? 1, concurrency: traits?.concurrency, labels: traits?.labels ?? [],
        state: Self.state(of: endpoint.conditions))
      if replica.fault == nil { replicas[replica.address] = replica }
    }
    return replicas
  }

  private static func state(of conditions: EndpointSlice.Endpoint.Conditions?) -> ReplicaState {
    if conditions?.terminating == true { return conditions?.serving ?? conditions?.ready ?? true ? .draining : .gone }
    return conditions?.ready ?? true ? .ready : .starting
  }

  private static func pod(of endpoint: EndpointSlice.Endpoint, in slice: ObjectKey) -> ObjectKey? {
    guard let target = endpoint.targetRef, target.kind == "Pod", let name = target.name else { return nil }
    return ObjectKey(namespace: target.namespace ?? slice.namespace, name: name)
  }
}
