import Kubernetes

extension Fuzzer {
  /// Cluster files, JSON and YAML. Errors name the input.
  static let clusterFile = Fuzzer(
    "cluster-file",
    words: kubernetesWords + [
      "---\n", "- ", ": ", "&a ", "*a", "<<: *a", "!!binary", "|\n  ", "{", "[", "\"\\ud800\"", "\t",
      "kind: Pod", "kind: List", "apiVersion: v1", "allocatable: {cpu: 1e400}", "requests: {memory: 9E}",
    ],
    longest: 40_000,
    seeds: files("manifests/examples/cluster.yaml", "manifests/base", "manifests/selector")
      + texts(#"{"apiVersion":"v1","kind":"List","items":[{"kind":"Node","metadata":{"name":"n"}}]}"#)
  ) { bytes in
    var snapshot = ClusterSnapshot()
    do throws(ManifestError) {
      try snapshot.read(Array(bytes), source: "input")
    } catch {
      try expect(error.description.hasPrefix("input:"), error.description)
    }
    for pod in snapshot.pods {
      try expect(pod.spec.effectiveRequests["pods"] != nil, "a pod takes no place of a pod")
      _ = pod.spec.hostPorts
    }
    for node in snapshot.nodes.prefix(8) {
      for deployment in snapshot.deployments.prefix(8) { _ = deployment.spec.template.spec.selects(node) }
    }
  }

  /// Words of Kubernetes' objects as JSON.
  static let kubernetesWords = [
    #""apiVersion":"#, #""kind":"#, #""metadata":{"#, #""name":"#, #""namespace":"#, #""labels":{"#,
    #""annotations":{"#,
    #""spec":{"#, #""status":{"#, #""items":["#, #""uid":"#, #""resourceVersion":"#, "null", "true", "[]", "{}", "-1",
    "1e308", "5e-324", "9223372036854775807", "1e400", #"\ud800"#, #"\u0000"#,
  ]
}
