import Foundation
import Overflow
import Testing

@testable import OverflowController

@Suite("Autoscalers as the API server has them")
struct WatchedAutoscalerTests {
  private func read(_ spec: String, _ status: String = "{}") throws -> WatchedAutoscaler {
    let text = #"{"metadata": {"name": "cart"}, "spec": \#(spec), "status": \#(status)}"#
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
      ("Deployment", "basket-1-x2x4z", false),
    ])
  func pods(kind: String, pod: String, isOne: Bool) throws {
    let autoscaler = try read(#"{"scaleTargetRef": {"kind": "\#(kind)", "name": "cart"}, "maxReplicas": 1}"#)
    #expect(autoscaler.scales(pod: pod) == isOne)
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
    let ready = ReadyPods.byService(slices.map { ("shop", $0) })["shop/cart"]
    #expect(ready?.count == 3 && ready?.names == ["p1", "p2", "p3"])
  }
}
