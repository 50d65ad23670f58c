import Foundation
import HostileNumbersTestSupport
import Kubernetes
import Model
import Selection
import Testing

@testable import SelectorServer

@Suite("Replicas and their load from outside, with any numbers")
struct IntakeHostileNumbersTests {
  /// Requests that are picked for, with a key and without.
  private static func picks(_ dispatcher: Dispatcher, _ service: String) -> Bool {
    let answer = PickAnswer()
    return [nil, 7].allSatisfy { (key: UInt64?) in
      dispatcher.service(service)?.pick(PickQuery(key: key), owner: 0, at: .start, into: answer) == .picked
    }
  }

  @Test(
    "An annotation that cannot be is left out and named, and the pod is picked without it",
    arguments: HostileNumbers.texts)
  func annotations(text: String) throws {
    let traits = PodTraits(
      labels: [:], annotations: ["tonari.dev/weight": text, "tonari.dev/concurrency": text])
    #expect((traits.weight == nil) == traits.faults.contains { $0.hasPrefix("tonari.dev/weight") })
    #expect((traits.concurrency == nil) == traits.faults.contains { $0.hasPrefix("tonari.dev/concurrency") })
    #expect(traits.faults.allSatisfy { $0.utf8.count < 200 })
    var table = EndpointTable(cluster: "edge")
    table.pods = [ObjectKey(namespace: "shop", name: "cart-a"): traits]
    let slice = try JSONDecoder().decode(
      EndpointSlice.self,
      from: Data(
        """
        {"metadata": {"name": "cart-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart"}},
         "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}], "endpoints": [
           {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "cart-a", "namespace": "shop"}},
           {"addresses": ["10.0.0.2"]}]}
        """.utf8))
    _ = table.set(ObjectKey(namespace: "shop", name: "cart-1"), from: nil, to: slice)
    let replicas = try #require(table.replicas(of: "shop/cart")["shop/cart"])
    #expect(replicas.count == 2)
    let dispatcher = Dispatcher()
    dispatcher.set(replicas, of: "shop/cart", from: .kubernetes, at: .start)
    #expect(Self.picks(dispatcher, "shop/cart"))
  }

  @Test("A file of replicas is read or refused")
  func replicaFile() throws {
    let file = """
      services:
      - name: shop/cart
        replicas:
        - {address: "10.0.0.1:80", weight: 2.5, concurrency: 4}
        - {address: "10.0.0.2:80"}
      """
    var count = 0
    for variant in HostileNumbers.variants(of: file) {
      guard let services = try? ReplicaFile.services(variant.text, file: "f") else { continue }
      count += 1
      let dispatcher = Dispatcher()
      dispatcher.set(services, from: .file, at: .start)
      #expect(Self.picks(dispatcher, "shop/cart"), "\(variant.place)")
    }
    #expect(count > 0)
  }

  @Test("EndpointSlices are read or refused")
  func slices() throws {
    let json = """
      {"metadata": {"name": "cart-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart"}},
       "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}], "endpoints": [{"addresses": ["10.0.0.1"]}]}
      """
    for variant in HostileNumbers.variants(of: json) {
      guard let slice = try? JSONDecoder().decode(EndpointSlice.self, from: Data(variant.text.utf8)) else { continue }
      var table = EndpointTable(cluster: "")
      for service in table.set(ObjectKey(namespace: "shop", name: "cart-1"), from: nil, to: slice) {
        for (name, replicas) in table.replicas(of: service) {
          Dispatcher().set(replicas, of: name, from: .kubernetes, at: .start)
        }
      }
    }
  }

  @Test("Loads by MQTT, of Envoy and of Prometheus are heard or refused, and replicas are picked all the same")
  func loads() throws {
    let dispatcher = Dispatcher()
    dispatcher.set(
      ["10.0.0.1:80", "10.0.0.2:80"].map { ServiceReplica(address: $0) }, of: "s", from: .file, at: .start)
    func hear(_ load: LoadReport?, _ place: String) {
      if let load { dispatcher.report(load, of: "10.0.0.1:80", at: .start) }
      #expect(Self.picks(dispatcher, "s"), "\(place)")
    }
    let message = """
      {"inFlight": 3, "queued": 1, "cpuUtilization": 0.5, "latencyUs": 1500, "requestsPerSecond": 20, "errorsPerSecond": 1}
      """
    for variant in HostileNumbers.variants(of: message) {
      let heard = try? LoadMessage(topic: "t/c/10.0.0.1:80", payload: Array(variant.text.utf8), prefix: "t")
      hear(heard?.load, variant.place)
    }
    let envoy = """
      {"cluster_statuses": [{"name": "cart", "host_statuses": [
        {"address": {"socket_address": {"address": "10.0.0.1", "port_value": 80}}, "stats": [
          {"type": "GAUGE", "name": "rq_active", "value": "3"}, {"name": "rq_total", "value": "100"},
          {"name": "rq_error", "value": "2"}]}]}]}
      """
    var rates = HostRates()
    for (number, variant) in HostileNumbers.variants(of: envoy).enumerated() {
      guard let hosts = try? EnvoyHosts(json: Array(variant.text.utf8), source: "e") else { continue }
      hear(rates.loads(["a": hosts, "b": hosts], at: .seconds(Double(number)))["10.0.0.1:80"], variant.place)
    }
    let queries = LoadQueries([.cpu: "x"])
    let answer = """
      {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"instance": "10.0.0.1:80"}, "value": [1.5, "0.75"]}]}}
      """
    for variant in HostileNumbers.variants(of: answer) {
      guard let values = try? queries.values(json: Array(variant.text.utf8), source: "p") else { continue }
      for figure in LoadQueries.Figure.allCases {
        var loads: [String: LoadReport] = [:]
        LoadQueries.add(values, figure, to: &loads)
        hear(loads["10.0.0.1:80"], variant.place)
      }
    }
  }
}
