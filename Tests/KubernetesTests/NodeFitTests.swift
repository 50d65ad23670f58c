import Testing

@testable import Kubernetes

@Suite("A node fits a pod")
struct NodeFitTests {
  @Test(
    "by its taints, if the pod tolerates them",
    arguments: [
      ("[]", "[]", true),
      ("[{key: key1, value: value1, effect: NoSchedule}]", "[]", false),
      ("[{key: key1, value: value1, effect: NoExecute}]", "[]", false),
      ("[{key: key1, value: value1, effect: PreferNoSchedule}]", "[]", true),
      (
        "[{key: key1, value: value1, effect: NoSchedule}]",
        "[{key: key1, operator: Equal, value: value1, effect: NoSchedule}]", true
      ),
      ("[{key: key1, value: value1, effect: NoSchedule}]", "[{key: key1, operator: Exists, effect: NoSchedule}]", true),
      ("[{key: key1, value: value1, effect: NoSchedule}]", "[{key: key1, value: value1}]", true),
      ("[{key: key1, value: value1, effect: NoSchedule}]", "[{key: key1, value: value2}]", false),
      ("[{key: key1, value: value1, effect: NoSchedule}]", "[{key: key1, effect: NoSchedule}]", false),
      ("[{key: key1, effect: NoSchedule}]", "[{key: key1, effect: NoSchedule}]", true),
      ("[{key: key1, value: value1, effect: NoSchedule}]", "[{key: key1, operator: Exists, effect: NoExecute}]", false),
      ("[{key: key1, value: value1, effect: NoSchedule}]", "[{operator: Exists}]", true),
      ("[{key: key1, value: value1, effect: NoSchedule}]", "[{key: '', operator: Exists, effect: ''}]", true),
      ("[{key: key1, value: '5', effect: NoSchedule}]", "[{key: key1, operator: Gt, value: '3'}]", false),
      // The example of the Kubernetes documentation: three taints, of which the last is not tolerated.
      (
        """
        [{key: key1, value: value1, effect: NoSchedule}, {key: key1, value: value1, effect: NoExecute},
         {key: key2, value: value2, effect: NoSchedule}]
        """,
        """
        [{key: key1, operator: Equal, value: value1, effect: NoSchedule},
         {key: key1, operator: Equal, value: value1, effect: NoExecute}]
        """, false
      ),
    ] as [(String, String, Bool)]
  )
  func taints(taints: String, tolerations: String, fits: Bool) throws {
    let node: Node = try decode("{metadata: {name: n}, spec: {taints: \(taints)}}")
    let spec: PodSpec = try decode("{tolerations: \(tolerations)}")
    #expect(spec.toleratesTaints(of: node) == fits)
  }

  @Test(
    "while it is cordoned, if the pod tolerates that",
    arguments: [
      ("[]", false), ("[{operator: Exists}]", true),
      ("[{key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoSchedule}]", true),
      ("[{key: node.kubernetes.io/unschedulable, effect: NoSchedule}]", true),
      ("[{key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoExecute}]", false),
    ]
  )
  func cordoned(tolerations: String, fits: Bool) throws {
    let node: Node = try decode("{metadata: {name: n}, spec: {unschedulable: true}}")
    let spec: PodSpec = try decode("{tolerations: \(tolerations)}")
    #expect(spec.toleratesTaints(of: node) == fits)
    #expect(node.untoleratedTaint(spec.tolerations ?? []) == (fits ? nil : .unschedulable))
  }

  @Test(
    "by nodeSelector and required node affinity",
    arguments: [
      ("{}", true),
      ("nodeSelector: {disk: ssd}", true),
      ("nodeSelector: {disk: hdd}", false),
      ("nodeSelector: {disk: ssd, zone: east}", false),
      ("nodeSelector: {empty: ''}", true),
      (terms("matchExpressions: [{key: disk, operator: In, values: [hdd, ssd]}]"), true),
      (terms("matchExpressions: [{key: disk, operator: In, values: [hdd]}]"), false),
      (terms("matchExpressions: [{key: zone, operator: In, values: [east]}]"), false),
      (terms("matchExpressions: [{key: disk, operator: In}]"), false),
      (terms("matchExpressions: [{key: disk, operator: NotIn, values: [ssd]}]"), false),
      (terms("matchExpressions: [{key: disk, operator: NotIn, values: [hdd]}]"), true),
      (terms("matchExpressions: [{key: zone, operator: NotIn, values: [east]}]"), true),
      (terms("matchExpressions: [{key: disk, operator: Exists}]"), true),
      (terms("matchExpressions: [{key: zone, operator: Exists}]"), false),
      (terms("matchExpressions: [{key: disk, operator: DoesNotExist}]"), false),
      (terms("matchExpressions: [{key: zone, operator: DoesNotExist}]"), true),
      (terms("matchExpressions: [{key: cores, operator: Gt, values: ['15']}]"), true),
      (terms("matchExpressions: [{key: cores, operator: Gt, values: ['16']}]"), false),
      (terms("matchExpressions: [{key: cores, operator: Lt, values: ['17']}]"), true),
      (terms("matchExpressions: [{key: cores, operator: Lt, values: ['16']}]"), false),
      (terms("matchExpressions: [{key: disk, operator: Gt, values: ['1']}]"), false),
      (terms("matchExpressions: [{key: cores, operator: Gt, values: ['1', '2']}]"), false),
      (terms("matchExpressions: [{key: zone, operator: Lt, values: ['9']}]"), false),
      (terms("matchFields: [{key: metadata.name, operator: In, values: [n1]}]"), true),
      (terms("matchFields: [{key: metadata.name, operator: NotIn, values: [n1]}]"), false),
      // Expressions are ANDed, terms ORed.
      (terms("matchExpressions: [{key: disk, operator: Exists}, {key: zone, operator: Exists}]"), false),
      (
        terms(
          "matchExpressions: [{key: disk, operator: Exists}]\n          matchFields: [{key: metadata.name, operator: In, values: [n2]}]"
        ),
        false
      ),
      (
        terms("matchExpressions: [{key: zone, operator: Exists}]", "matchExpressions: [{key: disk, operator: Exists}]"),
        true
      ),
      // An empty term matches nothing, and so does a selector without terms.
      (terms("matchExpressions: []"), false),
      (terms("matchExpressions: []", "matchExpressions: [{key: disk, operator: Exists}]"), true),
      ("affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}", false),
      ("affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}}", false),
      (
        "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {}}]}}",
        true
      ),
      ("nodeSelector: {disk: hdd}\n" + terms("matchExpressions: [{key: disk, operator: Exists}]"), false),
    ] as [(String, Bool)]
  )
  func selection(spec: String, fits: Bool) throws {
    let node: Node = try decode("{metadata: {name: n1, labels: {disk: ssd, cores: '16', empty: ''}}}")
    let spec: PodSpec = try decode(spec)
    #expect(spec.selects(node) == fits)
  }

  static func terms(_ terms: String...) -> String {
    """
    affinity:
      nodeAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms:

    """ + terms.map { "        - \($0)\n" }.joined()
  }

  @Test(
    "if its condition says that it is ready, or nothing",
    arguments: [("True", false), ("False", true), ("Unknown", true)])
  func readiness(status: String, isKnownNotReady: Bool) throws {
    let node: Node = try decode("{metadata: {name: n}, status: {conditions: [{type: Ready, status: '\(status)'}]}}")
    #expect(node.isKnownNotReady == isKnownNotReady)
    let silent: Node = try decode("{metadata: {name: n}}")
    #expect(!silent.isKnownNotReady)
  }

  @Test(
    "if their host ports do not conflict",
    arguments: [
      ("hostPort: 80", "hostPort: 80", true),
      ("hostPort: 80", "hostPort: 81", false),
      ("hostPort: 80", "hostPort: 80, protocol: UDP", false),
      ("hostPort: 80, hostIP: 10.0.0.1", "hostPort: 80, hostIP: 10.0.0.2", false),
      ("hostPort: 80, hostIP: 10.0.0.1", "hostPort: 80", true),
      ("hostPort: 80, hostIP: 10.0.0.1", "hostPort: 80, hostIP: 10.0.0.1, protocol: TCP", true),
      ("containerPort: 80", "containerPort: 80", false),
    ]
  )
  func hostPorts(a: String, b: String, conflict: Bool) throws {
    func ports(_ port: String) throws -> [HostPort] {
      let spec: PodSpec = try decode("containers: [{ports: [{\(port)}]}]")
      return spec.hostPorts
    }
    let (first, second) = (try ports(a), try ports(b))
    #expect(first.contains { port in second.contains { $0.conflicts(with: port) } } == conflict)
  }

  @Test("counting the ports of sidecars and of the host's network")
  func moreHostPorts() throws {
    let spec: PodSpec = try decode(
      """
      hostNetwork: true
      containers: [{ports: [{containerPort: 9100}]}]
      initContainers:
      - {restartPolicy: Always, ports: [{containerPort: 1, hostPort: 9200}]}
      - {ports: [{containerPort: 9300}]}
      """
    )
    #expect(spec.hostPorts.map(\.port) == [9100, 9200])
  }

  @Test("for a DaemonSet with what its controller lets it tolerate")
  func daemonSets() throws {
    let daemonSet: DaemonSet = try decode("{metadata: {name: d}, spec: {template: {spec: {containers: []}}}}")
    let cordoned: Node = try decode(
      "{metadata: {name: n}, spec: {unschedulable: true, taints: [{key: node.kubernetes.io/not-ready, effect: NoExecute}]}}"
    )
    let dedicated: Node = try decode("{metadata: {name: n}, spec: {taints: [{key: dedicated, effect: NoSchedule}]}}")
    #expect(daemonSet.podSpec.toleratesTaints(of: cordoned))
    #expect(!daemonSet.podSpec.toleratesTaints(of: dedicated))
  }

  @Test("if a volume can be reached from it")
  func volumes() throws {
    let node: Node = try decode("{metadata: {name: n, labels: {zone: east}}}")
    let here: PersistentVolume = try decode(
      """
      {metadata: {name: v}, spec: {nodeAffinity: {required: {nodeSelectorTerms:
        [{matchExpressions: [{key: zone, operator: In, values: [east]}]}]}}}}
      """
    )
    let there: PersistentVolume = try decode(
      """
      {metadata: {name: v}, spec: {nodeAffinity: {required: {nodeSelectorTerms:
        [{matchExpressions: [{key: zone, operator: In, values: [west]}]}]}}}}
      """
    )
    #expect(here.isReachable(from: node))
    #expect(!there.isReachable(from: node))
    let anywhere: PersistentVolume = try decode("{metadata: {name: v}}")
    #expect(anywhere.isReachable(from: node))
  }
}
