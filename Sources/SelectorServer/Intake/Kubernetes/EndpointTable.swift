import Connections
import Formats
import Kubernetes
import Model
import Overflow
import Selection

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

/// A port of a Service, as it is called there.
struct NumberedPort: Hashable, Sendable {
  var number: Int
  /// Empty where it has none.
  var name: String
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
/// A service is called `namespace/name`. Where it has several ports, that is the one of the name that it was before, else the
/// first of its Service, else the first that is listed; each of the others is a service `namespace/name:port`. A port without
/// a name, which has none beside it, is the same once it gets a name. All have the name of their port for another name, and its
/// number: that of the Service, else that at the pods.
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
  /// The ports of Services in their order, by `namespace/name`; of some, where Services cannot be read.
  var servicePorts: [String: [NumberedPort]] = [:]
  private var slices: [String: [ObjectKey: EndpointSlice]] = [:]
  private var names: [String: Set<String>] = [:]
  /// Other names of services, by name.
  private(set) var aliases: [String: Set<String>] = [:]
  /// What the services' own names stood for last.
  private var homes: [String: Home] = [:]

  /// The port that a service's own name stands for.
  private struct Home: Sendable {
    var name: String
    /// The addresses of its replicas, where it has no name to be known by.
    var addresses: Set<String> = []
  }

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
    let before = names[service] ?? []
    for name in before { aliases[name] = nil }
    for port in ports {
      // One without a name beside others is there only while the service gets other ports.
      guard port.name == home || !port.name.isEmpty else { continue }
      let name = port.name == home ? service : "\(service):\(port.name)"
      result[name] = port.replicas
      if port.name == home, !port.name.isEmpty { aliases[name, default: []].insert("\(service):\(port.name)") }
      for number in port.numbers { numbers[number, default: []].append(name) }
    }
    let said = servicePorts[service] ?? []
    let saidNumbers = Set(said.map(\.number))
    for (number, names) in numbers where names.count == 1 && !saidNumbers.contains(number) {
      aliases[names[0], default: []].insert("\(service):\(number)")
    }
    for port in said {
      let name = port.name == home ? service : "\(service):\(port.name)"
      if result[name] != nil { aliases[name, default: []].insert("\(service):\(port.number)") }
    }
    remember(home, of: service, at: result[service] ?? [])
    names[service] = result.isEmpty ? nil : Set(result.keys)
    for name in before where result[name] == nil { result[name] = [] }
    return result
  }

  /// The port that the service's own name stands for; nil where there is none.
  private func home(among ports: [Port], of service: String) -> String? {
    if let before = homes[service] {
      if ports.contains(where: { $0.name == before.name }) { return before.name }
      // Other ports beside it made it take a name.
      let kept = ports.first { $0.replicas.contains { before.addresses.contains($0.address) } }
      if let kept { return kept.name }
    }
    let names = Set(ports.map(\.name))
    return servicePorts[service]?.first { names.contains($0.name) }?.name ?? ports.first?.name
  }

  /// Keeps in mind what a service's own name stands for, as long as there is the service. One that its Service has and that
  /// is only not served at present will have the name again.
  private mutating func remember(_ home: String?, of service: String, at replicas: [ServiceReplica]) {
    guard slices[service] != nil else {
      homes[service] = nil
      return
    }
    let before = homes[service]?.name ?? ""
    let isServedAgain = !before.isEmpty && servicePorts[service]?.contains { $0.name == before } == true
    guard let home, home == before || !isServedAgain else { return }
    homes[service] = Home(name: home, addresses: home.isEmpty ? Set(replicas.map(\.address)) : [])
  }

  /// A port of a service.
  private struct Port {
    var name: String
    /// In the order of their addresses.
    var replicas: [ServiceReplica]
    /// The numbers that it has at its pods.
    var numbers: Set<Int>
  }

  /// Where a pod serves.
  private struct Endpoint {
    var replica: ServiceReplica
    var port: Int
    var family: EndpointSlice.Family

    /// Of those of one pod and port the one with the address that counts, in the better state while slices differ; all others
    /// are other names of it.
    static func merged(_ endpoints: [Endpoint]) -> Endpoint? {
      func rank(_ endpoint: Endpoint) -> (Int, Int, String) {
        (endpoint.family == .four ? 0 : 1, endpoint.replica.state == .ready ? 0 : 1, endpoint.replica.address)
      }
      guard var first = endpoints.min(by: { rank($0) < rank($1) }), endpoints.count > 1 else { return endpoints.first }
      first.replica.aliases = Set(endpoints.map(\.replica.address)).subtracting([first.replica.address]).sorted()
      return first
    }
  }

  /// The ports of a service in the order in which they are listed.
  private func ports(of service: String) -> [Port] {
    var names: [String] = []
    /// By name, and by what tells their pods apart.
    var endpoints: [String: [String: [Endpoint]]] = [:]
    // Always in the same order, that of a dictionary is another one each time.
    for (key, slice) in (slices[service] ?? [:]).sorted(by: { $0.key.name < $1.key.name }) {
      let hosts = hosts(of: slice, key)
      for (name, number) in slice.reachablePorts {
        if endpoints[name] == nil {
          names.append(name)
          endpoints[name] = [:]
        }
        for host in hosts {
          guard let endpoint = host.endpoint(port: number) else { continue }
          endpoints[name]?[host.pod, default: []].append(endpoint)
        }
      }
    }
    return names.map { name in
      let merged = (endpoints[name] ?? [:]).values.compactMap(Endpoint.merged)
      return Port(
        name: name, replicas: merged.map(\.replica).sorted { $0.address < $1.address }, numbers: Set(merged.map(\.port))
      )
    }
  }

  /// An endpoint of a slice, whose address has no port yet.
  private struct Host {
    /// What tells its pod from others.
    var pod: String
    var replica: ServiceReplica
    var family: EndpointSlice.Family

    /// It at a port; nil where there is no such port.
    func endpoint(port: Int) -> Endpoint? {
      var replica = replica
      replica.address = family == .six ? "[\(replica.address)]:\(port)" : "\(replica.address):\(port)"
      return replica.fault == nil ? Endpoint(replica: replica, port: port, family: family) : nil
    }
  }

  /// The endpoints of a slice, which all have all its ports.
  private func hosts(of slice: EndpointSlice, _ key: ObjectKey) -> [Host] {
    guard let family = slice.family else { return [] }
    return (slice.endpoints ?? []).compactMap { endpoint in
      // All addresses of an endpoint are the same pod; the first is the one to use.
      guard let host = endpoint.addresses.first, family.has(host) else { return nil }
      let node = endpoint.nodeName ?? endpoint.topology?["kubernetes.io/hostname"] ?? ""
      let traits = Self.pod(of: endpoint, in: key).flatMap { pods[$0] }
      let replica = ServiceReplica(
        address: host, node: node,
        zone: endpoint.zone ?? endpoint.topology?["topology.kubernetes.io/zone"] ?? zones[node] ?? "",
        cluster: cluster, weight: traits?.weight ?? 1, concurrency: traits?.concurrency, labels: traits?.labels ?? [],
        state: Self.state(of: endpoint.conditions))
      return Host(pod: endpoint.target(in: key) ?? host, replica: replica, family: family)
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
