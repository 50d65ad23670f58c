import Testing

@testable import Traffic

@Suite("The cluster of an end")
struct ClusterTests {
  /// The edges of a dump with the clusters of their ends, such as `east/n/a → west/n/b`.
  private func edges(_ dump: String) throws -> [String] {
    let graph = try read(dump).graph
    func name(_ index: Int) -> String {
      let endpoint = graph.endpoints[index]
      return (endpoint.cluster.map { "\($0)/" } ?? "") + endpoint.description
    }
    return graph.edges.map { "\(name($0.source)) → \(name($0.destination))" }
  }

  @Test(
    "is what Istio's labels say, or where the series was scraped if Istio calls every cluster the same",
    arguments: [
      (#""source_cluster": "east", "destination_cluster": "west""#, "east/n/a → west/n/b"),
      (#""source_cluster": "east", "destination_cluster": "west", "cluster": "x""#, "east/n/a → west/n/b"),
      (
        #""source_cluster": "Kubernetes", "destination_cluster": "Kubernetes""#,
        "Kubernetes/n/a → Kubernetes/n/b"
      ),
      (
        #""source_cluster": "Kubernetes", "destination_cluster": "Kubernetes", "cluster": "x""#,
        "x/n/a → x/n/b"
      ),
      (#""source_cluster": "east", "destination_cluster": "unknown", "cluster": "x""#, "east/n/a → x/n/b"),
      (#""pod": "p""#, "n/a → n/b"),
    ]
  )
  func istio(_ labels: String, _ expected: String) throws {
    let series =
      #""source_workload": "a", "destination_workload": "b", "source_workload_namespace": "n", "#
      + #""destination_workload_namespace": "n", \#(labels)"#
    let answer = #"{"data": {"resultType": "vector", "result": [{"metric": {\#(series)}, "value": [0, "1"]}]}}"#
    #expect(try edges(answer) == [expected])
  }

  @Test(
    "is the scrape's for Linkerd's proxies, and the gateway's for what it mirrors",
    arguments: [
      // The labels of a proxy as linkerd-viz scrapes it; less those that do not matter here.
      (
        #""dst_deployment": "emoji", "dst_namespace": "n", "dst_pod": "emoji-1", "dst_service": "emoji-svc""#, "n/emoji"
      ),
      (#""dst_statefulset": "db", "dst_namespace": "m", "dst_pod": "db-0""#, "m/db"),
      (#""dst_service": "emoji-svc", "dst_namespace": "n""#, "n/emoji-svc"),
      (
        #""dst_deployment": "linkerd-gateway", "dst_namespace": "n", "dst_service": "emoji-svc-west", "#
          + #""dst_target_service": "emoji-svc", "dst_target_cluster": "west""#,
        "west/n/emoji-svc"
      ),
      (#""authority": "linkerd.io""#, "linkerd.io"),
    ]
  )
  func linkerd(_ labels: String, _ expected: String) throws {
    let own = #""__name__": "request_total", "namespace": "n", "deployment": "web", "pod": "web-1", "replicaset": "w""#
    func answer(_ labels: String) -> String {
      #"{"data": {"resultType": "vector", "result": [{"metric": {\#(own), \#(labels)}, "value": [0, "1"]}]}}"#
    }
    #expect(try edges(answer(#""direction": "outbound", \#(labels)"#)) == ["n/web → \(expected)"])
    let inEast = try edges(answer(#""cluster": "east", \#(labels)"#))
    let isElsewhere = expected.hasPrefix("west/") || expected == "linkerd.io"
    #expect(inEast == ["east/n/web → \(isElsewhere ? "" : "east/")\(expected)"])
    let inbound = try read(answer(#""direction": "inbound", "client_id": "a.n.serviceaccount.identity.linkerd.local""#))
    #expect(inbound.graph.edges.isEmpty && inbound.dropped.map(\.count) == [1])
  }

  @Test("is what a service graph, Kiali, Hubble and OpenTelemetry say; what is outside is in none")
  func others() throws {
    let serviceGraph =
      #"{"data": {"resultType": "vector", "result": [{"metric": {"client": "a", "server": "b", "#
      + #""client_k8s_cluster_name": "east", "server_k8s_cluster_name": "west"}, "value": [0, "1"]}]}}"#
    let kiali =
      #"{"elements": {"nodes": ["#
      + #"{"data": {"id": "1", "nodeType": "workload", "cluster": "east", "namespace": "n", "workload": "a"}}, "#
      + #"{"data": {"id": "2", "nodeType": "workload", "cluster": "west", "namespace": "n", "workload": "b"}}, "#
      + #"{"data": {"id": "3", "nodeType": "service", "cluster": "east", "service": "c", "isServiceEntry": true}}], "#
      + #""edges": [{"data": {"source": "1", "target": "2", "traffic": {"rates": {"http": "1"}}}}, "#
      + #"{"data": {"source": "1", "target": "3", "traffic": {"rates": {"http": "1"}}}}]}}"#
    let hubble =
      #"{"verdict": "FORWARDED", "is_reply": false, "source": {"cluster_name": "east", "pod_name": "a"}, "#
      + #""destination": {"labels": ["k8s:io.cilium.k8s.policy.cluster=west"], "pod_name": "b"}}"#
    let alone = hubble.replacing("east", with: "default").replacing("west", with: "default")
    let spans = [("a", "east", 3, "1", ""), ("b", "west", 2, "2", "1")].map { service, cluster, kind, id, parent in
      #"{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "\#(service)"}}, "#
        + #"{"key": "k8s.cluster.name", "value": {"stringValue": "\#(cluster)"}}]}, "scopeSpans": [{"spans": ["#
        + #"{"traceId": "1", "spanId": "\#(id)", "parentSpanId": "\#(parent)", "kind": \#(kind)}]}]}]}"#
    }
    for (dump, expected) in [
      (serviceGraph, ["east/a → west/b"]), (kiali, ["east/n/a → west/n/b", "east/n/a → c"]),
      (hubble, ["east/a → west/b"]), (alone, ["a → b"]), (spans.joined(), ["east/a → west/b"]),
    ] {
      #expect(try edges(dump) == expected)
    }
  }
}
