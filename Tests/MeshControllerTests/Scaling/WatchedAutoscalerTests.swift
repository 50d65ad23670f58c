import Formats
import Foundation
import Kubernetes
import Model
import Overflow
import Testing

@testable import MeshController

@Suite("Autoscalers as the API server has them")
struct WatchedAutoscalerTests {
  private func read(_ spec: String, _ status: String = "{}", name: String = "cart") throws -> WatchedAutoscaler {
    let text = #"{"metadata": {"name": "\#(name)"}, "spec": \#(spec), "status": \#(status)}"#
    return try JSONDecoder().decode(WatchedAutoscaler.self, from: Data(text.utf8))
  }

  @Test("Figures of every kind are read with what they are and what they are to be")
  func figures() throws {
    let autoscaler = try read(
      """
      {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}, "maxReplicas": 10, "metrics": [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
        {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "2500m"}}},
        {"type": "External", "external": {"metric": {"name": "s0-demand"}, "target": {"type": "Value", "value": "1k"}}},
        {"type": "Strange"}
      ]}
      """,
      """
      {"currentReplicas": 3, "desiredReplicas": 4, "currentMetrics": [
        {"type": "External", "external": {"metric": {"name": "s0-demand"}, "current": {"value": "1200"}}},
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 55, "averageValue": "100m"}}}
      ]}
      """
    ).autoscaler
    #expect(
      autoscaler
        == Autoscaler(
          name: "cart", current: 3, desired: 4, most: 10,
          metrics: [
            .init(name: "cpu", current: 55, target: 80), .init(name: "rps", current: nil, target: 2.5),
            .init(name: "s0-demand", current: 1200, target: 1000, isPerPod: false),
          ]))
    #expect(autoscaler.wanted() == 4)
    #expect(try read(#"{"scaleTargetRef": {"kind": "X", "name": "y"}, "maxReplicas": 1}"#).autoscaler.metrics.isEmpty)
  }

  @Test(
    "Pods are told by their names",
    arguments: [
      ("Deployment", "cart-5d8f9c7b6d-x2x4z", true), ("Deployment", "cart-v2-5d8f9c7b6d-x2x4z", false),
      ("Deployment", "cart-0", false), ("StatefulSet", "cart-0", true), ("StatefulSet", "cart-db-0", false),
      ("ReplicaSet", "cart-x2x4z", true), ("Rollout", "cart-5d8f9c7b6d-x2x4z", true),
      ("Deployment", "basket-1-x2x4z", false), ("Deployment", "cart-db-x7k2p", false),
      ("Deployment", "cart-redis-x7k2p", false), ("Deployment", "cart-service-x7k2p", false),
      ("Rollout", "cart-db-x7k2p", false), ("DaemonSet", "cart-db-x7k2p", false),
      ("Deployment", "cart-5d8f9c7b6d-24567", true), ("StatefulSet", "cart-24567", true),
      ("Deployment", "cart-5d8f9c7b6d-abcde", false), ("Deployment", "-", false), ("Deployment", "", false),
    ])
  func pods(kind: String, pod: String, isOne: Bool) throws {
    let autoscaler = try read(#"{"scaleTargetRef": {"kind": "\#(kind)", "name": "cart"}, "maxReplicas": 1}"#)
    let targets = ScaleTarget.all(ofPod: pod, in: "shop")
    #expect(targets.contains(autoscaler.target(in: "shop")) == isOne)
    #expect(!targets.contains(autoscaler.target(in: "other")))
  }

  @Test(
    "Of a service with pods of two Deployments both autoscalers count, together, and of one of them the first by name")
  func together() throws {
    func autoscaler(_ name: String, _ status: String, most: Int = 10) throws -> WatchedAutoscaler {
      let metric =
        #"{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}"#
      return try read(
        #"{"scaleTargetRef": {"kind": "Deployment", "name": "\#(name)"}, "maxReplicas": \#(most), "metrics": [\#(metric)]}"#,
        status, name: name)
    }
    func scaling(_ second: WatchedAutoscaler) throws -> Autoscaler? {
      let first = try autoscaler("cart", #"{"currentReplicas": 4, "desiredReplicas": 4}"#, most: 4)
      var index = SubjectIndex<ScaleTarget, WatchedAutoscaler> { key, value in value.target(in: key.namespace) }
      for (name, value) in [("cart", first), ("cart-v2", second), ("cart-v2-again", second)] {
        index.apply([ObjectChange(key: ObjectKey(namespace: "shop", name: name), before: nil, after: value)])
      }
      return Autoscalers.scaling(["cart-5d8f9c7b6d-x2x4z", "cart-v2-6799fc88d8-x2x4z"], in: "shop") { index[$0] }
    }
    // The first is at its most; the second may add pods, and does.
    let growing = try #require(
      try scaling(try autoscaler("cart-v2", #"{"currentReplicas": 1, "desiredReplicas": 3}"#)))
    #expect(growing.name == "cart and cart-v2")
    #expect(growing.current == 5 && growing.desired == 7 && growing.most == 14 && growing.metrics.count == 1)
    // One that wants fewer pods than it has takes nothing from the other.
    let shrinking = try scaling(try autoscaler("cart-v2", #"{"currentReplicas": 3, "desiredReplicas": 1}"#))
    #expect(shrinking?.current == 7 && shrinking?.desired == 7)
    let full = try scaling(try autoscaler("cart-v2", #"{"currentReplicas": 9223372036854775807}"#, most: .max))
    #expect(full?.current == .max && full?.most == .max)
  }

  @Test("What is looked up is what there is of a subject, however much there is of others, after every change")
  func index() {
    var index = SubjectIndex<String, Int> { _, value in value < 0 ? nil : "\(value / 10)" }
    func key(_ n: Int) -> ObjectKey { ObjectKey(namespace: "shop", name: "\(n)") }
    func change(_ n: Int, _ before: Int?, _ after: Int?) -> ObjectChange<Int> {
      ObjectChange(key: key(n), before: before, after: after)
    }
    index.apply((0..<1000).map { change($0, nil, $0) })
    #expect(index.count == 100)
    #expect(index["7"] == Dictionary(uniqueKeysWithValues: (70..<80).map { (key($0), $0) }))
    index.apply([
      change(70, 70, nil), change(71, 71, 5), change(72, 72, 73), change(73, 73, -1), change(2000, nil, nil),
    ])
    #expect(index["7"][key(70)] == nil && index["7"][key(71)] == nil && index["7"][key(73)] == nil)
    #expect(index["7"][key(72)] == 73 && index["7"].count == 7 && index["0"][key(71)] == 5)
    index.apply((74..<80).map { change($0, $0, nil) } + [change(72, 73, nil)])
    #expect(index["7"].isEmpty && index.count == 99)
  }

  @Test("A pod that stands in two slices, or with an address of each family, is one")
  func slices() throws {
    func slice(_ family: String, _ addresses: [String]) throws -> ReadyPods.Slice {
      let endpoints = addresses.map {
        #"{"addresses": ["\#($0)"], "conditions": {"ready": true}, "#
          + #""targetRef": {"kind": "Pod", "name": "p\#($0.suffix(1))"}}"#
      }
      let text =
        #"{"metadata": {"labels": {"kubernetes.io/service-name": "cart"}}, "addressType": "\#(family)", "endpoints": ["#
        + endpoints.joined(separator: ",") + "]}"
      return try JSONDecoder().decode(ReadyPods.Slice.self, from: Data(text.utf8))
    }
    let slices = try [
      slice("IPv4", ["10.0.0.1", "10.0.0.2"]), slice("IPv4", ["10.0.0.2", "10.0.0.3"]),
      slice("IPv6", ["fd00::1", "fd00::2", "fd00::3"]),
    ]
    let ready = ReadyPods.ready(slices)
    #expect(ready?.count == 3 && ready?.names == ["p1", "p2", "p3"])
    #expect(ReadyPods.ready([]) == nil)
  }
}
