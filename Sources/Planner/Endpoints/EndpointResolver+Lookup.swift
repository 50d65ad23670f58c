import Model
import Traffic

extension EndpointResolver {
  /// The lookup by the cluster's own names and addresses, without a map.
  struct Lookup: Sendable {
    /// Something in the cluster that has a name, in the order in which names are looked up.
    private enum Kind: CaseIterable {
      case workload, service, app, pod
    }

    /// What is known under a name, by name and namespace.
    private typealias Index = [String: [String: Resolution]]

    let workloads: [Workload]
    private let services: [Service]
    private let pods: [Pod]
    private let unplanned: [WorkloadName: String]
    private let namespaces: Set<String>
    private var index: [Kind: Index] = [:]
    private var podsByAddress: [String: [Int]] = [:]
    private var serviceByAddress: [String: Int] = [:]
    private var serviceByPort: [PortPlace: OnlyOne] = [:]
    /// By name and namespace, the ports at which a Service is reached and no others.
    private var servicePorts: [String: [String: Set<Int>]] = [:]
    private var externalNames: [WorkloadName: String] = [:]
    /// What a name means that is in several namespaces.
    private var ambiguous: [Kind: [String: Resolution]] = [:]

    /// A port, in a namespace or in all.
    private struct PortPlace: Hashable {
      var port: Int
      var namespace: String?
    }

    /// The only one of its kind, by index, or that there are several.
    private enum OnlyOne {
      case service(Int)
      case several
    }

    /// More workloads than this do not share a name's traffic: whoever calls it does not call all of them.
    static let mostParts = 50

    init(workloads: [Workload], services: [Service], pods: [Pod], unplanned: [WorkloadName: String]) {
      self.workloads = workloads
      self.services = services
      self.pods = pods
      self.unplanned = unplanned
      namespaces = Set((workloads.map(\.name) + services.map(\.name) + unplanned.keys).map(\.namespace))

      var apps: [String: [String: [Int]]] = [:]
      for (w, workload) in workloads.enumerated() {
        let name = workload.name
        if index[.workload]?[name.name]?[name.namespace] == nil {
          insert(name, .workload, resolution([w], "workload \(name)"))
        }
        for app in Set(Self.appLabels.compactMap { workload.podLabels[$0] }) {
          apps[app, default: [:]][name.namespace, default: []].append(w)
        }
      }
      for (app, found) in apps {
        for (namespace, members) in found {
          let name = WorkloadName(namespace: namespace, name: app)
          insert(name, .app, resolution(members, "app label of \(name)"))
        }
      }
      for (s, service) in services.enumerated() {
        if !service.workloads.isEmpty { insert(service.name, .service, resolution(of: service)) }
        if let host = service.externalName { externalNames[service.name] = host }
        insertPorts(of: service, s)
        for address in service.addresses { serviceByAddress[Self.canonical(address)] = s }
      }
      for (p, pod) in pods.enumerated() {
        if let workload = pod.workload { insert(pod.name, .pod, resolution([workload], "pod \(pod.name)")) }
        for address in pod.addresses { podsByAddress[Self.canonical(address), default: []].append(p) }
      }
      for (kind, names) in index {
        for (name, places) in names where places.count > 1 {
          ambiguous[kind, default: [:]][name] = Self.ambiguous(places.keys.sorted().map { "\($0)/\(name)" })
        }
      }
    }

    private mutating func insertPorts(of service: Service, _ s: Int) {
      if !service.isHeadless, service.externalName == nil, !service.ports.isEmpty {
        servicePorts[service.name.name, default: [:]][service.name.namespace] = service.ports
      }
      guard !service.workloads.isEmpty else { return }
      for port in service.ports {
        for namespace in [service.name.namespace, nil] {
          let place = PortPlace(port: port, namespace: namespace)
          serviceByPort[place] = serviceByPort[place] == nil ? .service(s) : .several
        }
      }
    }

    private static func canonical(_ address: String) -> String { IPAddress(address)?.description ?? address }

    private static func ambiguous(_ names: [String]) -> Resolution {
      Resolution(outside: "ambiguous: \(ProblemWarnings.list(names, atMost: 3)); say which with --map")
    }

    /// The labels that say which app a pod belongs to.
    private static let appLabels = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"]

    private mutating func insert(_ name: WorkloadName, _ kind: Kind, _ resolution: Resolution) {
      index[kind, default: [:]][name.name, default: [:]][name.namespace] = resolution
    }

    // MARK: Steps

    func resolution(of endpoint: TrafficEndpoint, callerIn caller: String?) -> Resolution {
      let hosts = hosts(of: endpoint, caller)
      let kinds: [Kind] = endpoint.isPeer ? [.service, .workload, .app, .pod] : Kind.allCases
      var names: [(name: String, namespace: String?, port: Int?)] = []
      for host in hosts {
        let port = endpoint.isPeer ? host.port : nil
        names.append((host.text, endpoint.namespace, port))
        if let dns = host.service(namespaces: namespaces) {
          names.append((dns.name, dns.namespace ?? endpoint.namespace, port))
        }
      }
      for (name, namespace, port) in names {
        if let found = find(name, namespace, caller, kinds, port: port) { return found }
      }
      for host in hosts {
        if let found = findHeadless(host, endpoint.namespace ?? caller) { return found }
      }
      if let namespace = endpoint.namespace, !endpoint.isPeer, let found = ownerByPodName(endpoint.name, namespace) {
        return found
      }
      let isHostKnown = endpoint.host != nil || hosts.contains { $0.address != nil }
      if endpoint.isPeer, !isHostKnown, let port = endpoint.port, let found = findPort(port, caller) { return found }
      for host in hosts {
        if let found = findAddress(host) { return found }
      }
      for (name, namespace, _) in names {
        for namespace in Self.places(namespace, caller) {
          let workload = WorkloadName(namespace: namespace, name: name)
          if let host = externalNames[workload] { return follow(host, of: workload) }
          if let why = unplanned[workload] { return Resolution(outside: "not planned: \(why)") }
        }
      }
      return Resolution(outside: endpoint.isPeer ? unknownPeerReason : unknownReason)
    }

    /// What may say where an endpoint is: its name, unless that is a database's or its host is elsewhere, and its host.
    private func hosts(of endpoint: TrafficEndpoint, _ caller: String?) -> [HostName] {
      let host = endpoint.host.map { HostName($0, port: endpoint.port) }
      if endpoint.isDatabase || host.map({ isElsewhere($0, endpoint.namespace ?? caller) }) ?? false {
        return [host].compactMap { $0 }
      }
      return [HostName(endpoint.name, port: endpoint.port)] + [host].compactMap { $0 }
    }

    /// Whether a host is a domain's that is not the cluster's.
    private func isElsewhere(_ host: HostName, _ namespace: String?) -> Bool {
      host.isDomain && host.service(namespaces: namespaces) == nil && findHeadless(host, namespace) == nil
    }

    /// A headless Service's pod, as its neighbours in the namespace call it: `pod.service`.
    private func findHeadless(_ host: HostName, _ namespace: String?) -> Resolution? {
      guard let namespace, let service = host.headlessService else { return nil }
      return index[.service]?[service]?[namespace]
    }

    /// The namespaces in which a name is looked for before all others.
    private static func places(_ namespace: String?, _ caller: String?) -> [String] {
      namespace.map { [$0] } ?? [caller, "default"].compactMap { $0 }
    }

    private func find(
      _ name: String, _ namespace: String?, _ caller: String?, _ kinds: [Kind], port: Int?
    ) -> Resolution? {
      for namespace in Self.places(namespace, caller) where mayListen(name, namespace, port) {
        if let found = kinds.lazy.compactMap({ index[$0]?[name]?[namespace] }).first { return found }
      }
      guard namespace == nil else { return nil }
      for kind in kinds {
        guard let candidates = index[kind]?[name] else { continue }
        let listening = candidates.lazy.filter { mayListen(name, $0.key, port) }.prefix(2).map(\.value)
        if listening.count > 1 { return ambiguous[kind]?[name] }
        if let only = listening.first { return only }
      }
      return nil
    }

    /// Whether what is called by a name may be reached at a port: its Service does not lack it.
    private func mayListen(_ name: String, _ namespace: String, _ port: Int?) -> Bool {
      guard let port, let ports = servicePorts[name]?[namespace] else { return true }
      return ports.contains(port)
    }

    /// The only Service with a port, in the caller's namespace or in all.
    private func findPort(_ port: Int, _ caller: String?) -> Resolution? {
      let near = caller.flatMap { serviceByPort[PortPlace(port: port, namespace: $0)] }
      guard case .service(let s) = near ?? serviceByPort[PortPlace(port: port, namespace: nil)] else { return nil }
      return resolution(services[s].workloads, "port \(port) of Service \(services[s].name)")
    }

    /// The pod or else the Service with an address.
    private func findAddress(_ host: HostName) -> Resolution? {
      guard let address = host.address else { return nil }
      let holders = listeners(podsByAddress[address] ?? [], host.port)
      if let pod = holders.first {
        guard holders.allSatisfy({ $0.owner == pod.owner }) else {
          return Resolution(outside: "ambiguous: several pods have the address \(address); say which with --map")
        }
        guard let workload = pod.workload else {
          return Resolution(outside: "not planned: \(unplanned[pod.owner] ?? "a bare pod")")
        }
        return resolution([workload], "address \(address) of pod \(pod.name)")
      }
      guard let s = serviceByAddress[address] else { return nil }
      guard !services[s].workloads.isEmpty else {
        return Resolution(outside: "not planned: \(unplanned[services[s].name] ?? "the Service \(services[s].name)")")
      }
      return resolution(services[s].workloads, "address \(address) of Service \(services[s].name)")
    }

    /// The pods of an address that may listen at a port. A node's address is that of all pods on its network and of much
    /// else, so that the port tells which it is; a pod's own is its own, whichever ports its containers name.
    private func listeners(_ holders: [Int], _ port: Int?) -> [Pod] {
      let holders = holders.map { pods[$0] }
      guard let port, holders.count > 1 || holders.contains(where: \.isOnNodeNetwork) else { return holders }
      let naming = holders.filter { $0.ports.contains(port) }
      guard naming.isEmpty, holders.count == 1 else { return naming }
      return holders.filter { $0.ports.isEmpty }
    }

    /// The workload that a pod which has gone belonged to, as its name tells: `cart-5d9c7c9b8f-x2x4z`, `db-0`.
    private func ownerByPodName(_ pod: String, _ namespace: String) -> Resolution? {
      var parts = pod.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count >= 2, let last = parts.popLast(), !last.isEmpty else { return nil }
      func workload() -> Resolution? {
        let name = WorkloadName(namespace: namespace, name: parts.joined(separator: "-"))
        guard var found = index[.workload]?[name.name]?[namespace] else { return nil }
        found.evidence = "pod name like those of workload \(name)"
        return found
      }
      if last.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let found = workload() { return found }
      guard last.utf8.count == 5, last.utf8.allSatisfy(Self.isOfSuffix) else { return nil }
      if let found = workload() { return found }
      guard parts.count >= 2, let hash = parts.popLast(), 1...10 ~= hash.utf8.count,
        hash.utf8.allSatisfy(Self.isOfSuffix)
      else { return nil }
      return workload()
    }

    /// Whether Kubernetes makes names with this byte: no vowels, and no digits that look like them.
    private static func isOfSuffix(_ byte: UInt8) -> Bool { "bcdfghjklmnpqrstvwxz2456789".utf8.contains(byte) }

    /// What a Service of the type ExternalName stands for, unless that is another one.
    private func follow(_ host: String, of service: WorkloadName) -> Resolution {
      let target = HostName(host, port: nil)
      if let dns = target.service(namespaces: namespaces), let namespace = dns.namespace,
        var found = find(dns.name, namespace, nil, [.service, .workload], port: nil)
      {
        found.evidence = "Service \(service) for \(host): \(found.evidence)"
        return found
      }
      return Resolution(outside: "the Service \(service) stands for \(host)")
    }

    // MARK: Meanings

    private func resolution(of service: Service) -> Resolution {
      resolution(service.workloads, "Service \(service.name)")
    }

    private func resolution(_ found: [Int], _ evidence: String) -> Resolution {
      let running = found.filter { workloads[$0].replicas > 0 }
      guard !running.isEmpty else { return Resolution(outside: "has no replicas") }
      guard running.count <= Self.mostParts else {
        let names = ProblemWarnings.list(running.map { "\(workloads[$0].name)" }, atMost: 3)
        return Resolution(
          outside: "ambiguous: \(evidence) means \(running.count) workloads, \(names); say which with --map")
      }
      let total = running.reduce(0) { $0 + workloads[$1].replicas }
      let parts = running.map { Part(workload: $0, share: Double(workloads[$0].replicas) / Double(total)) }
      return Resolution(meaning: .workloads(parts), evidence: evidence)
    }
  }
}

/// A host as callers write it: a name or an address, with or without a port.
private struct HostName {
  /// As it was written.
  let text: String
  /// Without its port and the dot at the end, in lower case.
  private let host: String
  /// The port; nil where none is known.
  let port: Int?
  /// The address, in the one form that the cluster's are compared in; nil for a name.
  let address: String?

  init(_ text: String, port: Int?) {
    self.text = text
    var host = Substring(text)
    var written: Int?
    if let colon = text.lastIndex(of: ":"), text[..<colon].last == "]" || !text[..<colon].contains(":") {
      host = text[..<colon]
      written = Int(text[text.index(after: colon)...])
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    if host.hasSuffix(".") { host = host.dropLast() }
    self.host = host.lowercased()
    self.port = port ?? written
    address = Self.address(host)
  }

  private static func address(_ host: Substring) -> String? {
    guard host.contains(":") || host.utf8.first.map({ 0x30...0x39 ~= $0 }) ?? false else { return nil }
    // Less the zone, as in fe80::1%eth0.
    return IPAddress(host.prefix { $0 != "%" })?.description
  }

  /// Whether it is a name of several labels.
  var isDomain: Bool { address == nil && host.contains(".") }

  /// The name and namespace of a Service in a DNS name, less port, cluster domain and what stands before the Service's
  /// name.
  func service(namespaces: Set<String>) -> (name: String, namespace: String?)? {
    guard address == nil else { return nil }
    var labels = host.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if let svc = labels.lastIndex(of: "svc"), svc >= 2 { labels = Array(labels[(svc - 2)..<svc]) }
    switch labels.count {
    case 1: return host != text ? (labels[0], nil) : nil
    case 2... where namespaces.contains(labels[labels.count - 1]):
      return (labels[labels.count - 2], labels[labels.count - 1])
    default: return nil
    }
  }

  /// The Service in `pod.service`; nil for another name.
  var headlessService: String? {
    let labels = host.split(separator: ".", omittingEmptySubsequences: false)
    return labels.count == 2 && address == nil ? String(labels[1]) : nil
  }
}
