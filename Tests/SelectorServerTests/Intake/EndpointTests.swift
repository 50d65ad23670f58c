import Connections
import ControlPlaneTestSupport
import Daemon
import Fleet
import Formats
import Foundation
import Kubernetes
import Model
import Overflow
import Selection
import Testing

@testable import SelectorServer

@Suite("Endpoints of a cluster")
struct EndpointTests {
  private func slice(_ json: String) throws -> EndpointSlice {
    try JSONDecoder().decode(EndpointSlice.self, from: Data(json.utf8))
  }

  private static let cart = """
    {"metadata": {"name": "cart-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart"}},
     "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}],
     "endpoints": [
       {"addresses": ["10.0.0.1"], "conditions": {"ready": true}, "nodeName": "n1", "zone": "z1",
        "targetRef": {"kind": "Pod", "name": "cart-a", "namespace": "shop"}},
       {"addresses": ["10.0.0.2"], "conditions": {"ready": false}, "topology": {"kubernetes.io/hostname": "n2"}},
       {"addresses": ["10.0.0.3"], "conditions": {"ready": false, "serving": true, "terminating": true}},
       {"addresses": ["10.0.0.4"], "conditions": {"ready": false, "serving": false, "terminating": true}}]}
    """

  @Test("become replicas with node, zone, state, and what their pods say")
  func replicas() throws {
    var table = EndpointTable(cluster: "edge")
    table.zones = ["n2": "z2"]
    table.pods = [
      ObjectKey(namespace: "shop", name: "cart-a"): PodTraits(
        labels: ["app": "cart"], annotations: ["tonari.dev/concurrency": "8", "tonari.dev/weight": "-1"])
    ]
    let key = ObjectKey(namespace: "shop", name: "cart-1")
    #expect(table.set(key, from: nil, to: try slice(Self.cart)) == ["shop/cart"])
    #expect(
      table.replicas(of: "shop/cart")["shop/cart"] == [
        ServiceReplica(
          address: "10.0.0.1:8080", node: "n1", zone: "z1", cluster: "edge", concurrency: 8, labels: ["app=cart"]),
        ServiceReplica(address: "10.0.0.2:8080", node: "n2", zone: "z2", cluster: "edge", state: .starting),
        ServiceReplica(address: "10.0.0.3:8080", cluster: "edge", state: .draining),
        ServiceReplica(address: "10.0.0.4:8080", cluster: "edge", state: .gone),
      ])
    #expect(table.services(of: [ObjectKey(namespace: "shop", name: "cart-a")]) == ["shop/cart"])
    #expect(table.services(of: [ObjectKey(namespace: "other", name: "cart-a")]).isEmpty)
  }

  @Test("know a pod's own addresses: by its uid, not those of its node, and none when it has ended")
  func ownAddresses() throws {
    func traits(_ rest: String) throws -> PodTraits {
      let json = #"{"metadata": {"uid": "u1", "labels": {"app": "cart"}}, \#(rest)}"#
      return PodTraits(try JSONDecoder().decode(DescribedPod.self, from: Data(json.utf8)))
    }
    let cart = Identity.Pod(namespace: "shop", name: "cart-a", uid: "u1", serviceAccount: "cart")
    let ips = #""podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]"#
    let running = try traits(#""spec": {}, "status": {"phase": "Running", \#(ips)}"#)
    let expected = Set(["10.0.0.1", "fd00::1"].compactMap { IPAddress($0) })
    #expect(running.labels == ["app=cart"])
    #expect(running.addresses(of: cart) == expected && expected.count == 2)
    var earlier = cart
    earlier.uid = "u0"
    #expect(running.addresses(of: earlier) == nil)
    #expect(try traits(#""spec": {"hostNetwork": true}, "status": {\#(ips)}"#).addresses(of: cart) == [])
    #expect(try traits(#""status": {"phase": "Failed", \#(ips)}"#).addresses(of: cart) == [])
    #expect(try traits(#""status": {"podIP": "10.0.0.1"}"#).addresses(of: cart)?.count == 1)
    #expect(try traits(#""status": {"podIP": "cart.evil"}"#).addresses(of: cart) == [])
    #expect(PodTraits(labels: [:], annotations: [:]).addresses(of: cart) == nil)
  }

  /// A slice of the service `d/s`; endpoints are addresses, or `address=pod`.
  private func slice(
    _ name: String, _ endpoints: [String], ports: [(String?, Int)], family: String = "IPv4", ready: Bool = true
  ) throws -> EndpointSlice {
    let list = endpoints.map { text -> String in
      let parts = text.split(separator: "=", omittingEmptySubsequences: false)
      let target = parts.count > 1 ? #", "targetRef": {"kind": "Pod", "name": "\#(parts[1])", "uid": "u"}"# : ""
      return #"{"addresses": ["\#(parts[0])"], "conditions": {"ready": \#(ready)}\#(target)}"#
    }
    let numbers = ports.map { port in
      #"{\#(port.0.map { #""name": "\#($0)", "# } ?? "")"port": \#(port.1)}"#
    }
    return try slice(
      """
      {"metadata": {"name": "\(name)", "namespace": "d", "labels": {"kubernetes.io/service-name": "s"}},
       "addressType": "\(family)", "ports": [\(numbers.joined(separator: ", "))],
       "endpoints": [\(list.joined(separator: ", "))]}
      """)
  }

  private func key(_ name: String) -> ObjectKey { ObjectKey(namespace: "d", name: name) }

  @Test("of several ports are services of their own, and go when the ports do")
  func ports() throws {
    var table = EndpointTable(cluster: "")
    let two = try slice("x", ["fd00::1"], ports: [("a", 1), ("b", 2)], family: "IPv6")
    _ = table.set(key("x"), from: nil, to: two)
    #expect(
      table.replicas(of: "d/s") == [
        "d/s": [ServiceReplica(address: "[fd00::1]:1")], "d/s:b": [ServiceReplica(address: "[fd00::1]:2")],
      ])
    #expect(table.aliases == ["d/s": ["d/s:a", "d/s:1"], "d/s:b": ["d/s:2"]])
    var one = two
    one.ports?.removeFirst()
    #expect(table.set(key("x"), from: two, to: one) == ["d/s"])
    #expect(table.replicas(of: "d/s") == ["d/s": [ServiceReplica(address: "[fd00::1]:2")], "d/s:b": []])
    #expect(table.aliases == ["d/s": ["d/s:b", "d/s:2"]])
    _ = table.set(key("x"), from: one, to: nil)
    #expect(table.replicas(of: "d/s") == ["d/s": []])
    #expect(table.replicas(of: "d/s").isEmpty && table.aliases.isEmpty)
  }

  @Test(
    "keep a service's name with the port that had it, whatever the order of ports that come later",
    arguments: [false, true])
  func laterPort(isFirst: Bool) throws {
    var table = EndpointTable(cluster: "")
    let dispatcher = Dispatcher()
    func follow() {
      for (name, replicas) in table.replicas(of: "d/s") {
        dispatcher.set(replicas, of: name, from: .kubernetes, at: .start)
        dispatcher.set(aliases: table.aliases[name] ?? [], of: name)
      }
    }
    func addresses(_ name: String) -> [String]? {
      dispatcher.service(name)?.status(at: .start).replicas.map(\.replica.address)
    }
    // A single port needs no name; with a second one both do. The controller writes new slices, and then takes the old ones.
    let one = try slice("one", ["10.0.0.1"], ports: [(nil, 8080)])
    let ports: [(String?, Int)] = isFirst ? [("grpc", 9090), ("http", 8080)] : [("http", 8080), ("grpc", 9090)]
    let two = try slice("two", ["10.0.0.1"], ports: ports)
    _ = table.set(key("one"), from: nil, to: one)
    follow()
    let first = try #require(dispatcher.service("d/s"))
    let answer = PickAnswer()
    _ = first.pick(PickQuery(), owner: 0, at: .start, into: answer)
    _ = table.set(key("two"), from: nil, to: two)
    follow()
    #expect(addresses("d/s") == ["10.0.0.1:8080"])
    _ = table.set(key("one"), from: one, to: nil)
    follow()
    #expect(addresses("d/s") == ["10.0.0.1:8080"] && addresses("d/s:http") == ["10.0.0.1:8080"])
    #expect(addresses("d/s:grpc") == ["10.0.0.1:9090"] && addresses("d/s:9090") == ["10.0.0.1:9090"])
    #expect(dispatcher.service("d/s") === first && dispatcher.service("d/s:http") === first)
    #expect(first.complete(answer.id, .success, at: .start), "what was in flight is known still")
    #expect(dispatcher.status(at: .start).map(\.name) == ["d/s", "d/s:grpc"])
    _ = table.set(key("two"), from: two, to: nil)
    follow()
    for name in ["d/s", "d/s:http", "d/s:grpc", "d/s:9090"] { #expect(dispatcher.service(name) == nil) }
  }

  @Test("have the numbers of their Service's ports, else those at the pods")
  func numbers() throws {
    var table = EndpointTable(cluster: "")
    let slice = try slice("x", ["10.0.0.1"], ports: [("http", 8080), ("grpc", 80)])
    _ = table.set(key("x"), from: nil, to: slice)
    _ = table.replicas(of: "d/s")
    #expect(table.aliases == ["d/s": ["d/s:http", "d/s:8080"], "d/s:grpc": ["d/s:80"]])
    table.servicePorts["d/s"] = said((80, "http"), (90, "grpc"), (91, "none"))
    _ = table.replicas(of: "d/s")
    #expect(table.aliases == ["d/s": ["d/s:http", "d/s:80", "d/s:8080"], "d/s:grpc": ["d/s:90"]])
    // A single port has them as well, whether it has a name or not.
    for name in ["http", nil] {
      let one = try self.slice("x", ["10.0.0.1"], ports: [(name, 8080)])
      var table = EndpointTable(cluster: "")
      table.servicePorts["d/s"] = said((80, name ?? ""))
      _ = table.set(key("x"), from: nil, to: one)
      _ = table.replicas(of: "d/s")
      #expect(table.aliases["d/s"] == Set(["d/s:80", "d/s:8080"] + (name.map { ["d/s:\($0)"] } ?? [])))
    }
  }

  private func said(_ ports: (Int, String)...) -> [NumberedPort] {
    ports.map { NumberedPort(number: $0.0, name: $0.1) }
  }

  @Test(
    "have for a service's own name the port of the name that had it, else the first of the Service, whatever was before"
  )
  func home() throws {
    func addresses(_ table: inout EndpointTable) -> [String: [String]] {
      table.replicas(of: "d/s").mapValues { $0.map(\.address) }.filter { !$0.value.isEmpty }
    }
    let before = try slice("x", ["10.0.0.1"], ports: [("a", 1), ("b", 2)])
    var table = EndpointTable(cluster: "")
    table.servicePorts["d/s"] = said((80, "b"), (90, "a"))
    _ = table.set(key("x"), from: nil, to: before)
    #expect(
      addresses(&table) == ["d/s": ["10.0.0.1:2"], "d/s:a": ["10.0.0.1:1"]], "the Service's first, however it is listed"
    )
    // Its pods are others at another number, and those of the other port where they were.
    let swapped = try slice("x", ["10.0.0.1"], ports: [("a", 2), ("b", 1)])
    _ = table.set(key("x"), from: before, to: swapped)
    #expect(addresses(&table) == ["d/s": ["10.0.0.1:1"], "d/s:a": ["10.0.0.1:2"]])
    // For a time there are none, as when there is no pod, and one more port is the first then.
    let none = try slice("x", [], ports: [])
    _ = table.set(key("x"), from: swapped, to: none)
    #expect(addresses(&table).isEmpty)
    let three = try slice("x", ["10.0.0.2"], ports: [("a", 1), ("c", 3), ("b", 2)])
    table.servicePorts["d/s"] = said((70, "c"), (80, "b"), (90, "a"))
    _ = table.set(key("x"), from: none, to: three)
    #expect(addresses(&table)["d/s"] == ["10.0.0.2:2"])
    // While it is not served, the Service's first stands in; then it has its name again.
    let without = try slice("x", ["10.0.0.2"], ports: [("a", 1), ("c", 3)])
    _ = table.set(key("x"), from: three, to: without)
    #expect(addresses(&table) == ["d/s": ["10.0.0.2:3"], "d/s:a": ["10.0.0.2:1"]])
    _ = table.set(key("x"), from: without, to: three)
    #expect(addresses(&table)["d/s"] == ["10.0.0.2:2"])
    // The Service has it no more.
    table.servicePorts["d/s"] = said((90, "a"), (70, "c"))
    _ = table.set(key("x"), from: three, to: without)
    #expect(addresses(&table)["d/s"] == ["10.0.0.2:1"])
  }

  @Test("leave no name behind of a service that never had a replica")
  func namesWithoutReplicas() throws {
    var table = EndpointTable(cluster: "")
    let dispatcher = Dispatcher()
    let empty = try slice("x", [], ports: [("a", 1), ("b", 2)])
    table.servicePorts["d/s"] = said((80, "a"), (90, "b"))
    for (before, after) in [(nil, empty), (empty, nil)] as [(EndpointSlice?, EndpointSlice?)] {
      _ = table.set(key("x"), from: before, to: after)
      for (name, replicas) in table.replicas(of: "d/s") {
        dispatcher.set(replicas, of: name, from: .kubernetes, at: .start)
        dispatcher.set(aliases: table.aliases[name] ?? [], of: name)
      }
      #expect(table.aliases.isEmpty == (after == nil))
    }
    dispatcher.register([ServiceReplica(address: "10.0.0.9:1")], of: "d/s:90", lifetime: .seconds(9), at: .start)
    #expect(dispatcher.service("d/s:90")?.name == "d/s:90", "the name means nothing else any more")
  }

  @Test("with thousands of ports, or addresses of one pod, cost what they are, not that times their number")
  func many() throws {
    var table = EndpointTable(cluster: "")
    let hosts = (0..<1000).map { "10.0.\($0 / 250).\($0 % 250)" }
    let one = try slice("one", hosts.map { "\($0)=a" }, ports: [("http", 80)])
    let template = try slice("x", ["10.1.0.1"], ports: [("http", 80)])
    let time = ContinuousClock().measure {
      for number in 0..<10 {
        var slice = one
        slice.endpoints = slice.endpoints?.map { endpoint in
          var endpoint = endpoint
          endpoint.addresses = endpoint.addresses.map { "10.\(number + 10)." + $0.dropFirst(5) }
          return endpoint
        }
        _ = table.set(key("one-\(number)"), from: nil, to: slice)
      }
      for number in 0..<200 {
        var slice = template
        slice.ports = (0..<100).map { EndpointSlice.Port(name: "p\(100 * number + $0)", port: 1 + $0) }
        _ = table.set(key("x-\(number)"), from: nil, to: slice)
      }
      let replicas = table.replicas(of: "d/s")
      #expect(replicas.count == 20_001 && replicas["d/s"]?.count == 1)
      #expect(replicas["d/s"]?.first?.aliases.count ?? 0 > 2000)
    }
    #expect(time < .seconds(20), "\(time)")
  }

  @Test("of a pod are one replica, in whatever slices and families its addresses are")
  func dualStack() throws {
    let four = try slice("four", ["10.0.0.1=a", "10.0.0.2=b", "10.0.0.9"], ports: [("http", 80)])
    let six = try slice("six", ["fd00::1=a", "fd00::2=b", "fd00::9"], ports: [("http", 80)], family: "IPv6")
    let moving = try slice("moving", ["10.0.0.2=b", "10.0.0.9"], ports: [("http", 80)], ready: false)
    for order in [[four, six, moving], [moving, six, four], [six, four, moving]] {
      var table = EndpointTable(cluster: "")
      for slice in order { _ = table.set(key(slice.metadata.name), from: nil, to: slice) }
      let replicas = try #require(table.replicas(of: "d/s")["d/s"])
      #expect(replicas.map(\.address) == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.9:80", "[fd00::9]:80"])
      #expect(replicas.map(\.aliases) == [["[fd00::1]:80"], ["[fd00::2]:80"], [], []])
      #expect(replicas.allSatisfy { $0.state == .ready })
    }
    // Until its other address is known, a pod has the one that is.
    var table = EndpointTable(cluster: "")
    _ = table.set(key("six"), from: nil, to: six)
    #expect(table.replicas(of: "d/s")["d/s"]?.map(\.address) == ["[fd00::1]:80", "[fd00::2]:80", "[fd00::9]:80"])
  }

  @Test("that are no addresses of their slice's family are left out")
  func nonsense() throws {
    for (family, addresses) in [
      ("IPv4", ["cart.evil", "10.0.0", "10.0.0.1:80", "", "fd00::1", "[::1]", "10.0.0.1 "]),
      ("IPv6", ["fd00", "[fd00::1]", "10.0.0.1", "fe80::1%eth0"]), ("FQDN", ["cart.example"]),
    ] {
      var table = EndpointTable(cluster: "")
      _ = table.set(key("x"), from: nil, to: try slice("x", addresses, ports: [("http", 80)], family: family))
      #expect(table.replicas(of: "d/s")["d/s"]?.isEmpty ?? true, "\(family)")
    }
  }

  @Test("are followed on a real API server", .enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)))
  func realServer() async throws {
    let plane = try await ControlPlane.shared
    let client = try APIClient(ClientConfiguration.load(kubeconfig: plane.kubeconfig), logger: .silent)
    let namespace = "endpoints-\(UUID().uuidString.prefix(8).lowercased())"
    _ = try await client.create(
      .namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]] as JSONValue)
    let node = "\(namespace)-node"
    try await ControlPlane.addNode(node, labels: ["topology.kubernetes.io/zone": "z9"], with: client)
    let dispatcher = Dispatcher()
    // It may do what our manifests say that it may, and no more.
    _ = try? await client.create(
      .namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "tonari"]] as JSONValue)
    try await ControlPlane.create(manifest: "selector/rbac.yaml", in: "tonari", with: client)
    let token = ControlPlane.token(ofServiceAccount: "tonari-selector")
    let selector = try APIClient(
      ClientConfiguration.load(kubeconfig: plane.kubeconfig(token: token)), logger: .silent)
    let feed = EndpointFeed(selector, dispatcher, namespace: namespace, cluster: "c", logger: .silent)
    let running = Task { try await feed.run() }
    defer { running.cancel() }

    let resource = APIResource(group: "discovery.k8s.io", version: "v1beta1", plural: "endpointslices")
    func slice(_ addresses: [String]) -> JSONValue {
      [
        "apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": ["name": "cart-1", "labels": ["kubernetes.io/service-name": "cart"]],
        "ports": [["name": "http", "port": 8080, "protocol": "TCP"]],
        "endpoints": .array(
          addresses.map { address in
            [
              "addresses": [.string(address)], "conditions": ["ready": true],
              "topology": ["kubernetes.io/hostname": .string(node)],
            ]
          }),
      ]
    }
    func replicas() -> [ServiceReplica] {
      dispatcher.service("\(namespace)/cart")?.status(at: .now).replicas.map(\.replica) ?? []
    }
    _ = try await client.create(resource, slice(["10.0.0.1"]), in: namespace)
    try await eventually("the replica is there, with its zone") {
      replicas() == [ServiceReplica(address: "10.0.0.1:8080", node: node, zone: "z9", cluster: "c")]
    }
    #expect(feed.health.allSatisfy { $0.report().isReady })
    _ = try await client.patch(
      resource, "cart-1", .merge(["endpoints": slice(["10.0.0.1", "10.0.0.2"])["endpoints"] ?? []] as JSONValue),
      in: namespace)
    try await eventually("the second replica is there") { replicas().count == 2 }
    try await followsPolicies(of: dispatcher, namespace, as: selector, client)
    try await client.delete(resource, "cart-1", in: namespace)
    try await eventually("the service is gone") { dispatcher.service("\(namespace)/cart") == nil }
  }

  /// Policies of overflow are followed too, and one that makes no sense counts for nothing.
  private func followsPolicies(
    of dispatcher: Dispatcher, _ namespace: String, as selector: APIClient, _ administrator: APIClient
  ) async throws {
    try await ControlPlane.create(manifest: "overflow/overflowpolicies.yaml", in: "tonari", with: administrator)
    let rule = try #require(HostRule("\(namespace)=10.9.9.9:443"))
    let feed = OverflowFeed(
      selector, dispatcher, namespace: namespace, cluster: "c", rules: PolicyRules(hosts: [rule]), logger: .silent)
    let running = Task { try await feed.run() }
    defer { running.cancel() }
    func policy(_ name: String, _ host: String) -> JSONValue {
      [
        "apiVersion": "tonari.dev/v1alpha1", "kind": "OverflowPolicy", "metadata": ["name": .string(name)],
        "spec": [
          "service": .string(name), "mode": "perRequest", "capacity": ["perPodPerMinute": 180],
          "neighbours": [["name": "edge-b", "host": .string(host)]],
        ],
      ]
    }
    func overflow() -> OverflowStatus? { dispatcher.overflows(at: .now)["\(namespace)/cart"] }
    try await eventually("the policy can be made") {
      (try? await administrator.create(.overflowPolicies, policy("cart", "10.9.9.9:443"), in: namespace)) != nil
    }
    // One that the definition lets through and that makes no sense, and one that asks for more than it may.
    _ = try await administrator.create(.overflowPolicies, policy("other", "1.2.3"), in: namespace)
    _ = try await administrator.create(.overflowPolicies, policy("aside", "169.254.169.254:80"), in: namespace)
    try await eventually("two replicas bear what two pods do") { overflow()?.capacityPerMinute == 360 }
    #expect(overflow()?.neighbours.map(\.name) == ["edge-b"])
    #expect(dispatcher.overflows(at: .now).keys.allSatisfy { $0 == "\(namespace)/cart" })
    #expect(feed.health.report().isReady)
    try await administrator.delete(.overflowPolicies, "cart", in: namespace)
    try await eventually("the policy is gone") { overflow() == nil }
  }
}
