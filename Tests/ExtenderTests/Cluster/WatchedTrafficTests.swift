import Connections
import ControlPlaneTestSupport
import Daemon
import Foundation
import Kubernetes
import Model
import Planner
import Testing

@testable import Extender

@Suite struct WatchedTrafficTests {
  /// A list as an API server gives it, and then a watch on which nothing happens.
  private static func answer(
    _ items: [String: String], _ request: ScriptedServer.Request, _ reply: ScriptedServer.Answer
  )
    -> ScriptedServer.Then
  {
    if request.target.contains("watch=") {
      reply.startStream()
      reply.waitForClose()
      return .close
    }
    let item = items[String(request.path.split(separator: "/").last ?? "")] ?? ""
    reply.respond(#"{"metadata": {"resourceVersion": "1"}, "items": [\#(item)]}"#)
    return .keep
  }

  private static func deployment(_ name: String) -> String {
    """
    {"metadata": {"name": "\(name)", "namespace": "shop", "resourceVersion": "1"}, "spec": {"replicas": 2,
     "template": {"metadata": {"labels": {"app": "\(name)"}}, "spec": {"containers": []}}}}
    """
  }

  private func workload(_ name: String) -> WorkloadReference {
    WorkloadReference(kind: "Deployment", name: WorkloadName(namespace: "shop", name: name))
  }

  private static let service = """
    {"metadata": {"name": "cart-svc", "namespace": "shop", "resourceVersion": "1"}, "spec": {"selector": {"app": "cart"}}}
    """

  @Test("The traffic that Prometheus tells is that between the workloads of the API server")
  func traffic() async throws {
    let items = [
      "deployments": Self.deployment("cart") + "," + Self.deployment("db"), "services": Self.service,
    ]
    let api = try ScriptedServer { Self.answer(items, $0, $1) }
    let prometheus = try ScriptedServer { _, reply in
      reply.respond(
        """
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"reporter": "source",
         "source_workload": "cart-svc", "source_workload_namespace": "shop", "destination_workload": "db",
         "destination_workload_namespace": "shop"}, "value": [1714564800.781, "40"]}]}}
        """)
      return .keep
    }
    var source = try PrometheusSource(prometheus.url)
    source.metrics = .queries([PrometheusQuery("istio_request_bytes_sum")])
    let webhook = SchedulerWebhook(ExtenderState(), logger: .silent)
    let feed = TrafficFeed(
      prometheus: source, files: nil, isOptional: true, registry: MetricsRegistry(), logger: .silent)
    #expect(feed.report().isReady)
    let watched = WatchedTraffic(ClusterAPI(api.client(), logger: .silent), feed, webhook)
    let running = Task { try await watched.run() }
    defer { running.cancel() }
    try await eventually("the webhook is told") { !webhook.update { $0.traffic.edges.isEmpty } }
    let edge = TrafficEdges.Edge(workload("cart"), workload("db"), traffic: 40)
    #expect(webhook.update { $0.traffic.edges } == [edge])
  }
}
