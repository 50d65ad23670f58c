import Model
import Testing

@testable import Formats
@testable import Kubernetes

@Suite("A snapshot is read")
struct SnapshotReadingTests {
  static let node = #"{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}"#
  static let pod = #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p1","namespace":"shop"},"spec":{}}"#

  @Test(
    "from every shape that kubectl prints and people write",
    arguments: [
      #"{"apiVersion": "v1", "items": [\#(node), \#(pod)], "kind": "List", "metadata": {"resourceVersion": ""}}"#,
      #"{"kind": "List", "items": [\#(pod), \#(node)], "apiVersion": "v1"}"#,
      "\(node)\n\(pod)\n",
      "[\(node), \(pod)]",
      "\u{FEFF}\(node) \(pod)",
      #"{"kind":"NodeList","apiVersion":"v1","items":[{"metadata":{"name":"n1"}}]}"#
        + #"{"items":[{"metadata":{"name":"p1","namespace":"shop"},"spec":{}}],"kind":"PodList","apiVersion":"v1"}"#,
      #"{"kind":"List","items":[{"kind":"List","items":[\#(node)]},\#(pod)]}"#,
      "kind: Node\nmetadata: {name: n1}\n---\nkind: Pod\nmetadata: {name: p1, namespace: shop}\nspec: {}\n",
      "# a comment\n---\n---\nkind: Node\nmetadata: {name: n1}\n---\n# nothing\n---\n\(pod)\n---\n",
      "kind: Node\r\nmetadata:\r\n  name: n1\r\n...\r\n---\r\nkind: Pod\r\nmetadata: {name: p1, namespace: shop}\r\nspec: {}",
      "apiVersion: v1\nkind: List\nitems:\n- \(node)\n- \(pod)\n",
      "\u{FEFF}---\n- \(node)\n- \(pod)\n",
    ]
  )
  func shapes(input: String) throws {
    let snapshot = try snapshot(input)
    #expect(snapshot.nodes.map(\.metadata.name) == ["n1"])
    #expect(snapshot.pods.map { "\($0.metadata.fullName)" } == ["shop/p1"])
    #expect(snapshot.skipped.isEmpty)
  }

  @Test("with all kinds that matter, and the others counted")
  func kinds() throws {
    let template = "template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c}]}}"
    let snapshot = try snapshot(
      """
      {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {\(template)}}
      ---
      {apiVersion: extensions/v1beta1, kind: Deployment, metadata: {name: old}, spec: {\(template)}}
      ---
      {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {\(template)}}
      ---
      {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a}, spec: {\(template)}}
      ---
      {apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: a}, spec: {\(template)}}
      ---
      {apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {\(template)}}
      ---
      {apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {}}
      ---
      {apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: a}}}
      ---
      {apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: b}, spec: 7}
      ---
      {apiVersion: v1, kind: PersistentVolume, metadata: {name: a}, spec: {}}
      ---
      {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {volumeName: a}}
      ---
      {apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {team: x}}, spec: {finalizers: [kubernetes]}}
      ---
      {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: a}, provisioner: p, volumeBindingMode: WaitForFirstConsumer}
      ---
      {apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: {name: n}, spec: {drivers: [{name: d, nodeID: i, topologyKeys: null, allocatable: {count: 25}}, {name: e, nodeID: i, topologyKeys: []}]}}
      ---
      {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: y}}
      ---
      {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
      """
    )
    #expect(snapshot.deployments.map(\.metadata.name) == ["a", "old"])
    #expect(snapshot.statefulSets.count == 1)
    #expect(snapshot.daemonSets.count == 1)
    #expect(snapshot.replicaSets.count == 1)
    #expect(snapshot.jobs.count == 1)
    #expect(snapshot.services.map(\.metadata.name) == ["a"])
    #expect(snapshot.persistentVolumes.count == 1)
    #expect(snapshot.persistentVolumeClaims.first?.spec?.volumeName == "a")
    #expect(snapshot.namespaces.first?.metadata.labels == ["team": "x"])
    #expect(snapshot.storageClasses.first?.waitsForPods == true)
    #expect(snapshot.csiNodes.first?.attachLimits == ["d": 25])
    #expect(snapshot.skipped == ["CronJob": 1, "Service.serving.knative.dev": 1, "ConfigMap": 2])
  }

  @Test("with nulls, numbers for quantities, and fields that are not known")
  func lenient() throws {
    let snapshot = try snapshot(
      """
      {"kind": "Pod", "metadata": {"name": "p", "labels": {"a": null}, "annotations": null, "managedFields": [{}]},
       "spec": {"containers": [{"name": "c", "image": "x",
         "resources": {"requests": {"cpu": 0.1, "memory": 1e3, "x/y": null}, "limits": null}}],
         "initContainers": null, "affinity": null, "nodeName": null, "tolerations": null, "volumes": null},
       "status": null}
      {"kind": "List", "items": null}
      """
    )
    let pod = try #require(snapshot.pods.first)
    #expect(pod.metadata.labels == ["a": ""])
    #expect(pod.metadata.fullName.namespace == "default")
    let requests = pod.spec.effectiveRequests
    #expect(requests["cpu"]?.milliValue == 100)
    #expect(requests["memory"]?.value == 1000)
    #expect(requests["x/y"] == .zero)
  }

  @Test("with an object that comes again counted once, as it came last")
  func repeats() throws {
    let again = Self.pod.replacingFirst("\"spec\":{}", with: "\"spec\":{\"nodeName\":\"n2\"}")
    let snapshot = try snapshot(Self.pod, Self.node, again)
    #expect(snapshot.pods.map(\.spec.nodeName) == ["n2"])
    #expect(snapshot.repeated == ["Pod": 1])
  }

  @Test("and what is wrong is named by file, line, path, found and expected", arguments: errors)
  func errorsAreNamed(input: String, expected: String) {
    #expect(error(input) == expected)
  }

  static let errors: [(String, String)] = [
    ("", "input1: found an empty input, expected Kubernetes objects"),
    (" \n ", "input1: found an empty input, expected Kubernetes objects"),
    ("{", "input1:1: found the end of the input, expected a field name in quotation marks"),
    ("{\n\"kind\": \"Node\",\n}", "input1:3: found '}', expected a field name in quotation marks"),
    ("{\"kind\" \"Node\"}", "input1:1: found '\"', expected ':'"),
    ("{\"kind\": \"Node}", "input1:1: found the end of the input, expected the end of a string"),
    ("{\"kind\": \"No\nde\"}", "input1:1: found byte 10, expected the rest of a string"),
    ("{\"a\": 01}", "input1:1: found '1', expected ',' or '}'"),
    ("{\"a\": tru}", "input1:1: found '}', expected true"),
    ("{\"a\": -}", "input1:1: found '}', expected a digit"),
    ("[\(node),\n\n x]", "input1:3: found 'x', expected a value"),
    ("\(node)\n}", "input1:2: found '}', expected a value"),
    ("[1]", "input1:1: [0]: found 1, expected a Kubernetes object"),
    ("{}", "input1:1: kind: found nothing, expected a kind such as Node, Pod or List"),
    (
      #"{"status":"success","data":{}}"#,
      "input1:1: kind: found nothing, expected a kind such as Node, Pod or List"
    ),
    (
      "{\"kind\": \"List\", \"items\": [\n\(node),\n{\"kind\": \"Pod\",\n \"metadata\": {\"name\": \"p\"},\n \"spec\": "
        + "{\"containers\": [{\"resources\": {\"requests\":\n {\"cpu\": \"1 core\"}}}]}}]}",
      "input1:6: items[1].spec.containers[0].resources.requests.cpu: "
        + "found \"1 core\", expected a quantity such as 250m, 2 or 1.5Gi"
    ),
    (
      #"{"kind":"Node","metadata":{"name":"n"},"status":{"allocatable":{"example.com/gpu":true}}}"#,
      "input1:1: status.allocatable[\"example.com/gpu\"]: found true, expected a quantity such as 250m, 2 or 1.5Gi"
    ),
    (
      #"{"kind":"Node","metadata":{"name":7}}"#,
      "input1:1: metadata.name: found 7, expected a string"
    ),
    (#"{"kind":"Node","metadata":{}}"#, "input1:1: metadata.name: found nothing, expected a value"),
    (#"{"kind":"Node"}"#, "input1:1: metadata: found nothing, expected a value"),
    (#"{"kind":"Node","metadata":[]}"#, "input1:1: metadata: found a list, expected an object"),
    (
      #"{"kind":"Node","metadata":{"name":"n"},"spec":{"taints":{}}}"#,
      "input1:1: spec.taints: found an object, expected a list"
    ),
    (
      #"{"kind":"Node","metadata":{"name":"n"},"spec":{"unschedulable":"yes"}}"#,
      "input1:1: spec.unschedulable: found \"yes\", expected true or false"
    ),
    (
      #"{"kind":"PodList","items":[{"metadata":{"name":"p"}}]}"#,
      "input1:1: items[0].spec: found nothing, expected a value"
    ),
    (
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: three, template: {spec: {}}}",
      "input1:1: spec.replicas: found \"three\", expected an integer"
    ),
    (
      "kind: Node\nmetadata: {name: n}\n---\nkind: Pod\nmetadata: {name: p}\nspec:\n  affinity:\n    nodeAffinity:\n"
        + "      requiredDuringSchedulingIgnoredDuringExecution:\n        nodeSelectorTerms:\n"
        + "        - matchExpressions:\n          - {key: disk, operator: Is, values: [ssd]}\n",
      "input1:3: spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
        + ".matchExpressions[0].operator: found \"Is\", expected one of In, NotIn, Exists, DoesNotExist, Gt, Lt"
    ),
    (
      "kind: Node\nmetadata:\n  name: n\n labels: {}\n",
      "input1:4: found no YAML: did not find expected key"
    ),
    ("kind: Node\nmetadata: *where\n", "input1:2: found the alias *where, expected an anchor of that name before"),
    ("hello world\n", "input1:1: found \"hello world\", expected a Kubernetes object"),
    (
      "source,destination,bytes\na,b,3\n",
      "input1:1: found \"source,destination,bytes a,b,3\", expected a Kubernetes object"
    ),
    (
      "a: &x [1]\nc:\n  <<: *x\n",
      "input1:3: found a merge key (<<), expected a mapping or a list of mappings with it"
    ),
    (
      #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"nodes is forbidden: User \"a\" "#
        + #"cannot list resource \"nodes\"","reason":"Forbidden","details":{"kind":"nodes"},"code":403}"#,
      "input1:1: found the answer to a request that failed (Forbidden: nodes is forbidden: User \"a\" cannot list "
        + "resource \"nodes\"), expected the objects that it asked for"
    ),
    (
      "kind: List\nitems:\n- {kind: Status, status: Failure, reason: Timeout}\n",
      "input1:1: items[0]: found the answer to a request that failed (Timeout), expected the objects that it asked for"
    ),
    ("? [a]\n: b\n", "input1:1: found a collection as field name, expected text"),
    ("kind: \u{7}\n", "input1:1: found no YAML: control characters are not allowed"),
  ]

  @Test("and a node that comes twice is an error that names both inputs")
  func nodeTwice() {
    #expect(
      error(Self.node, Self.node)
        == "input2: found the node n1 again (first in input1), expected each node once"
    )
    let elsewhere = #"{"kind":"Node","metadata":{"name":"n1","namespace":"shop"}}"#
    #expect(error(Self.node, elsewhere)?.hasPrefix("input2: found the node n1 again") == true)
  }

  @Test("and what is in no namespace counts once, whatever namespace an input gives it")
  func clusterScoped() throws {
    let snapshot = try snapshot(
      """
      {"kind": "PersistentVolume", "apiVersion": "v1", "metadata": {"name": "v"}, "spec": {}}
      {"kind": "PersistentVolume", "apiVersion": "v1", "metadata": {"name": "v", "namespace": "shop"}, "spec": {}}
      {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "v"}}
      {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "v", "namespace": "shop"}}
      {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "v"}}
      {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "v", "namespace": "shop"}}
      """)
    #expect(snapshot.repeated == ["PersistentVolume": 1, "Namespace": 1])
    #expect(snapshot.services.count == 2)
  }

  @Test(
    "and of a field that is there twice the last one counts, as for kubectl",
    arguments: [
      "kind: Node\nmetadata: {name: n, labels: {a: b}}\nmetadata:\n  name: m\n  labels: {x: y, z: w, x: v}\n",
      #"{"kind":"Node","metadata":{"name":"n"},"metadata":{"name":"m","labels":{"x":"y","z":"w","x":"v"}}}"#,
      #"{"kind":"List","items":[{"kind":"Node","metadata":{"name":"m","labels":{"x":"y","x":"v","z":"w"}}}]}"#,
    ])
  func fieldTwice(_ input: String) throws {
    let node = try #require(try snapshot(input).nodes.first)
    #expect(node.metadata.name == "m")
    #expect(node.metadata.labels == ["x": "v", "z": "w"])
  }

  @Test("without overflowing the stack on deep nesting", arguments: [199, 200, 201, 1000, 1_000_000])
  func deepNesting(depth: Int) {
    let array = "{\"kind\":\"ConfigMap\",\"x\":" + String(repeating: "[", count: depth - 1)
    #expect(error(array)?.contains(depth > 200 ? "nesting deeper than 200" : "found the end of the input") == true)
    let flow = "kind: ConfigMap\nx: " + String(repeating: "[", count: depth - 1)
    let closed = flow + String(repeating: "]", count: depth - 1)
    #expect(error(closed)?.lowercased().contains("nesting") == (depth > 200 ? true : nil))
    #expect(error(flow) != nil)
    let objects = String(repeating: "{\"items\":[", count: depth)
    #expect(error(objects) != nil)
    let block = (0..<min(depth, 3000)).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
    #expect(error(block) != nil)
  }

  @Test("without following aliases into exponential size", .timeLimit(.minutes(1)))
  func aliasBomb() {
    var bomb = "a0: &a0 [\(Array(repeating: "lol", count: 10).joined(separator: ", "))]\n"
    for i in 1..<12 {
      bomb += "a\(i): &a\(i) [\(Array(repeating: "*a\(i - 1)", count: 10).joined(separator: ", "))]\n"
    }
    #expect(error(bomb)?.contains("aliases that blow the input up") == true)
    let bombAsKey = bomb.split(separator: "\n").prefix(8).joined(separator: "\n") + "\n? *a7\n: 1\n"
    #expect(error(bombAsKey) != nil)
    let itself = "kind: Node\nmetadata: &m {name: n, labels: {x: *m}}\n"
    #expect(error(itself)?.contains("found the alias *m") == true)
  }

  @Test("from the manifests of a published shop: 12 workloads", .realData("online-boutique/kubernetes-manifests.yaml"))
  func onlineBoutique() throws {
    var snapshot = ClusterSnapshot()
    try snapshot.read(RealData.bytes("online-boutique/kubernetes-manifests.yaml"), source: "kubernetes-manifests.yaml")
    #expect(snapshot.deployments.count + snapshot.statefulSets.count == 12)
    #expect(snapshot.services.count == 12)
    let cart = try #require(snapshot.deployments.first { $0.metadata.name == "cartservice" })
    #expect(cart.spec.template.spec.effectiveRequests["cpu"]?.milliValue == 200)
    #expect(cart.spec.template.spec.effectiveRequests["memory"]?.value == 64 << 20)
    #expect(cart.spec.template.labels["app"] == "cartservice")
  }
}

extension String {
  func replacingFirst(_ part: String, with other: String) -> String {
    guard let range = firstRange(of: part) else { return self }
    return replacingCharacters(in: range, with: other)
  }

  private func replacingCharacters(in range: Range<String.Index>, with other: String) -> String {
    String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
  }
}
