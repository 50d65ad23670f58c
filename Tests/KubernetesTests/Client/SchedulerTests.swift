import ControlPlaneTestSupport
import Formats
import Foundation
import Model
import Testing

@testable import Kubernetes

extension ControlPlaneTests {
  @Test("A real kube-scheduler puts a pod on a node that has no kubelet")
  func scheduling() async throws {
    let plane = try await ControlPlane.shared
    let client = Self.client(plane)
    let namespace = try await Self.namespace(client)
    let node = "node-\(UUID().uuidString.lowercased())"
    try await ControlPlane.addNode(node, labels: ["only": .init(node)], with: client)
    let scheduler = try await plane.startScheduler("profiles: [{schedulerName: \(node)}]")
    var pod = Self.pod("web")
    pod["spec"]?["schedulerName"] = .string(node)
    pod["spec"]?["nodeSelector"] = ["only": .string(node)]
    let key = try await client.create(.pods, pod, in: namespace).key
    try await eventually("the pod is scheduled", within: .seconds(60)) {
      guard scheduler.isRunning else { throw TestFailure(scheduler.lastWords) }
      return try await client.get(.pods, key.name, in: key.namespace).decode(Pod.self).spec.nodeName == node
    }
    await scheduler.kill()
  }
}
