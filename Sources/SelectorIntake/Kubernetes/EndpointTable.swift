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
/// A service is called `namespace/name`. Where it has several ports, that is the one whose replicas it was before, else the
/// first that is listed, and each of the others is a service `namespace/name:port`. All have the name of their port for
/// another name, and where there are several its number: that of the Service, else that at the pods.
///
/// Endpoints of one pod are one replica, in however many slices and families of addresses they are. Its address is the one of
/// IPv4 where it has one, whatever the order in which slices come, so that all selectors call it the same.
struct EndpointTable: Sendable {
  /// The cluster that all replicas are in; empty where it has no name.
  var cluster: String
  /// Zones of nodes, where slices do not say.
  var zones: [String: String] = [:]
  /// Pods by namespace and name.
  var pods: [ObjectKey: PodTraits] = [:]
  /// The names of the ports of Services by their numbers, by `namespace/name`; of some, where Services cannot be read.
  var servicePorts: [String: [Int: String]] = [:]
  private var slices: [String: [ObjectKey: EndpointSlice]] = [:]
  private var names: [String: Set<String>] = [:]
  /// Other names of services, by name.
  private(set) var aliases: [String: Set<String>] = [:]
  /// The addresses that the services' own names stood for last.
  private var homes: [String: Set<String>] = [:]

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

  /// The replicas of a service by the names that it is picked by; names that it does not have any more have none. Sets its
  /// ``aliases``.
  mutating func replicas(of service: String) -> [String: [ServiceReplica]] {
    let ports = ports(of: service)
    let home = home(among: ports, of: service)
    var result: [String: [ServiceReplica]] = [:]
    var numbers: [Int: [String]] = [:]
    for name in names[service] ?? [] { aliases[name] = nil }
    for port in ports {
      // One without a name beside others is there only while the service gets other ports.
      guard port.name == home || !port.name.isEmpty else { continue }
      let name = port.name == home ? service : "\(service):\(port.name)"
      result[name] = port.replicas.map(\.value.replica).sorted { $0.address < $1.address }
      if port.name == home, !port.name.isEmpty { aliases[name, default: []].insert("\(service):\(port.name)") }
      for number in Set(port.replicas.map(\.value.port)) { numbers[number, default: []].append(name) }
    }
    if ports.count > 1 {
      let said = servicePorts[service] ?? [:]
      for (number, names) in numbers where names.count == 1 && said[number] == nil {
        aliases[names[0], default: []].insert("\(service):\(number)")
      }
      for (number, port) in said {
        let name = port == home ? service : "\(service):\(port)"
        if result[name] != nil { aliases[name, default: []].insert("\(service):\(number)") }
      }
    }
    homes[service] = result[service].map { Set($0.map(\.address)) }
    for name in names[service] ?? [] where result[name] == nil { result[name] = [] }
    names[service] = ports.isEmpty ? nil : Set(result.filter { !$0.value.isEmpty }.keys)
    return result
  }

  /// The port that the service's own name stands for.
  private func home(among ports: [Port], of service: String) -> String? {
    let before = homes[service] ?? []
    var home: (name: String, kept: Int)?
    for port in ports {
      let kept = before.isEmpty ? 0 : port.replicas.count { before.contains($0.value.replica.address) }
      if home.map({ kept > $0.kept }) ?? true { home = (port.name, kept) }
    }
    return home?.name
  }

  /// A port of a service.
  private struct Port {
    var name: String
    /// By what tells their pods apart.
    var replicas: [String: Endpoint] = [:]
  }

  /// Where a pod serves.
  private struct Endpoint {
    var replica: ServiceReplica
    var port: Int
    var family: EndpointSlice.Family

    /// One of the same pod and port: the address that counts, in the better state while slices differ.
    func merged(with other: Endpoint) -> Endpoint {
      func rank(_ endpoint: Endpoint) -> (Int, Int, String) {
        (endpoint.family == .four ? 0 : 1, endpoint.replica.state == .ready ? 0 : 1, endpoint.replica.address)
      }
      var (first, second) = rank(self) <= rank(other) ? (self, other) : (other, self)
      let others = Set(first.replica.aliases + second.replica.aliases + [second.replica.address])
      first.replica.aliases = others.subtracting([first.replica.address]).sorted()
      return first
    }
  }

  /// The ports of a service in the order in which they are listed.
  private func ports(of service: String) -> [Port] {
    var ports: [Port] = []
    // Always in the same order, that of a dictionary is another one each time.
    for (key, slice) in (slices[service] ?? [:]).sorted(by: { $0.key.name < $1.key.name }) {
      for (name, number) in slice.reachablePorts {
        let index = ports.firstIndex { $0.name == name } ?? ports.endIndex
        if index == ports.endIndex { ports.append(Port(name: name)) }
        for (pod, endpoint) in endpoints(of: slice, key, port: number) {
          ports[index].replicas[pod] = ports[index].replicas[pod]?.merged(with: endpoint) ?? endpoint
        }
      }
    }
    return ports
  }

  private func endpoints(
    of slice: EndpointSlice, _ key: ObjectKey, port: Int
  ) -> [(pod: String, endpoint: Endpoint)] {
    guard let family = slice.family else { return [] }
    return (slice.endpoints ?? []).compactMap { endpoint in
      // All addresses of an endpoint are the same pod; the first is the one to use.
      guard let host = endpoint.addresses.first, family.has(host) else { return nil }
      let node = endpoint.nodeName ?? endpoint.topology?["kubernetes.io/hostname"] ?? ""
      let traits = Self.pod(of: endpoint, in: key).flatMap { pods[$0] }
      let replica = ServiceReplica(
        address: family == .six ? "[\(host)]:\(port)" : "\(host):\(port)", node: node,
        zone: endpoint.zone ?? endpoint.topology?["topology.kubernetes.io/zone"] ?? zones[node] ?? "",
        cluster: cluster, weight: traits?.weight ?? 1, concurrency: traits?.concurrency, labels: traits?.labels ?? [],
        state: Self.state(of: endpoint.conditions))
      guard replica.fault == nil else { return nil }
      return (endpoint.target(in: key) ?? host, Endpoint(replica: replica, port: port, family: family))
    }
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
