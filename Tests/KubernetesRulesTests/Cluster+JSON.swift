/// The cluster's objects as `kubectl get … -o json` prints them, as far as scheduling looks at them.
extension Cluster {
  var json: String {
    let items =
      nodes.map(\.json) + workloads.map(\.json) + workloads.flatMap(\.podObjects) + others.map(\.json)
      + daemonSets.flatMap(\.objects)
      + volumes.indices.flatMap { volumes[$0].objects(number: $0) }
    // An object a line: so a person can read it too.
    return #"{"apiVersion":"v1","kind":"List","items":["# + "\n" + items.map(\.text).joined(separator: ",\n") + "\n]}\n"
  }

  /// The traffic as Tonari's own CSV.
  var csv: String {
    "source,destination,bytes_per_second,requests_per_second\n"
      + conversations.map { edge in
        let (u, v) = (workloads[edge.source], workloads[edge.destination])
        return "\(u.namespace)/\(u.name),\(v.namespace)/\(v.name),\(edge.bytesPerSecond),\n"
      }.joined()
  }

  /// The options of `tonari plan` that go with it.
  var options: String {
    "--lambda \(lambda) --move-cost \(moveCost)" + (maxMoves.map { " --max-moves \($0)" } ?? "")
  }

  fileprivate static func quantities(_ amounts: [String: Int]) -> JSON {
    JSON(
      Dictionary(
        uniqueKeysWithValues: amounts.map { resource, amount in
          switch resource {
          case "cpu": (resource, amount % 1000 == 0 ? "\(amount / 1000)" : "\(amount)m")
          case "memory": (resource, "\(amount)Mi")
          default: (resource, "\(amount)")
          }
        }))
  }
}

extension Cluster.Taint {
  static let cordon = Self(key: "node.kubernetes.io/unschedulable", effect: "NoSchedule")
}

extension Cluster.Node {
  /// The taints that the control plane adds by itself are among them.
  var allTaints: [Cluster.Taint] {
    var taints = taints
    if isCordoned { taints.append(.cordon) }
    if !isReady {
      for effect in ["NoSchedule", "NoExecute"] {
        taints.append(Cluster.Taint(key: "node.kubernetes.io/unreachable", effect: effect))
      }
    }
    return taints
  }

  fileprivate var json: JSON {
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .text(name), "labels": JSON(labels)],
      "spec": [
        "unschedulable": isCordoned ? true : .nothing,
        "taints": JSON(allTaints) {
          ["key": .text($0.key), "value": JSON($0.value), "effect": .text($0.effect)]
        },
      ],
      "status": [
        "allocatable": Cluster.quantities(room),
        "conditions": [["type": "Ready", "status": isReady ? "True" : "Unknown"]],
      ],
    ]
  }
}

extension Cluster.Workload {
  fileprivate var json: JSON {
    let template: JSON = ["metadata": ["labels": JSON(labels)], "spec": spec.json(node: nil, claims: spec.claims)]
    let selector: JSON = ["matchLabels": ["app": JSON(labels["app"])]]
    let content: JSON =
      kind == "Job"
      ? ["parallelism": .number(replicas), "completions": .number(replicas + 1), "template": template]
      : [
        "replicas": .number(replicas), "selector": selector, "template": template,
        "volumeClaimTemplates": JSON(claimTemplates) { ["metadata": ["name": .text($0)]] },
      ]
    return [
      "apiVersion": kind == "Job" ? "batch/v1" : "apps/v1", "kind": .text(kind),
      "metadata": ["name": .text(name), "namespace": .text(namespace)], "spec": content,
    ]
  }

  fileprivate var podObjects: [JSON] {
    pods.enumerated().map { pod(ordinal: $0, on: $1) }
      + leaving.enumerated().map { pod(ordinal: pods.count + $0, on: $1, isTerminating: true) }
  }

  /// The name of one of its pods.
  private func name(ofPod ordinal: Int) -> String {
    switch kind {
    case "StatefulSet": "\(name)-\(ordinal)"
    case "Deployment": "\(name)-\(revision)-p\(ordinal)"
    default: "\(name)-p\(ordinal)"
    }
  }

  func uid(ofPod ordinal: Int) -> String { "\(namespace)-\(name(ofPod: ordinal))" }

  /// A pod of the workload, as its controller makes it.
  func pod(ordinal: Int, on node: String?, isTerminating: Bool = false) -> JSON {
    let isReplicaSets = kind == "Deployment"
    var podLabels = podLabels
    if kind == "StatefulSet" { podLabels["statefulset.kubernetes.io/pod-name"] = "\(name)-\(ordinal)" }
    let owner = isReplicaSets ? "\(name)-\(revision)" : name
    return [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "name": .text(name(ofPod: ordinal)), "namespace": .text(namespace), "uid": .text(uid(ofPod: ordinal)),
        "labels": JSON(podLabels), "deletionTimestamp": isTerminating ? "2026-01-01T00:00:00Z" : .nothing,
        "ownerReferences": [
          ["kind": .text(isReplicaSets ? "ReplicaSet" : kind), "name": .text(owner), "controller": true]
        ],
      ],
      "spec": spec.json(node: node, claims: spec.claims + ownClaims(ofReplica: ordinal)),
      "status": ["phase": node == nil ? "Pending" : "Running"],
    ]
  }
}

extension Cluster.DaemonSet {
  /// The set, and the pods that it has.
  fileprivate var objects: [JSON] {
    let template: JSON = ["metadata": ["labels": JSON(labels)], "spec": spec.json(node: nil, claims: [])]
    let set: JSON = [
      "apiVersion": "apps/v1", "kind": "DaemonSet",
      "metadata": ["name": .text(name), "namespace": .text(namespace)], "spec": ["template": template],
    ]
    let pods = nodes.map { node in
      Cluster.OtherPod(
        namespace: namespace, name: "\(name)-\(node)", labels: labels, spec: spec, node: node,
        owner: Cluster.OtherPod.Owner(kind: "DaemonSet", name: name)
      ).json
    }
    return [set] + pods
  }
}

extension Cluster.OtherPod {
  fileprivate var json: JSON {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "name": .text(name), "namespace": .text(namespace), "uid": .text("\(namespace)-\(name)"),
        "labels": JSON(labels),
        "deletionTimestamp": isTerminating ? "2026-01-01T00:00:00Z" : .nothing,
        "ownerReferences": JSON([owner].compactMap { $0 }) {
          ["kind": .text($0.kind), "name": .text($0.name), "controller": true]
        },
      ],
      "spec": spec.json(node: node, claims: spec.claims), "status": ["phase": .text(phase)],
    ]
  }
}

extension Cluster.Volume {
  fileprivate func objects(number: Int) -> [JSON] {
    let mode: JSON = isForOnePod ? ["ReadWriteOncePod"] : ["ReadWriteMany"]
    func object(_ spec: JSON, phase: JSON) -> JSON {
      [
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": ["name": .text(claim), "namespace": .text(namespace)], "spec": spec, "status": ["phase": phase],
      ]
    }
    if let zonesOfClass {
      let terms = zonesOfClass.isEmpty ? [] : [zonesOfClass]
      return [
        object(["storageClassName": .text("class-\(number)"), "accessModes": mode], phase: "Pending"),
        [
          "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": ["name": .text("class-\(number)")],
          "provisioner": "csi.example.com", "volumeBindingMode": "WaitForFirstConsumer",
          "allowedTopologies": JSON(terms) {
            ["matchLabelExpressions": [["key": .text(ClusterGenerator.zone), "values": JSON($0)]]]
          },
        ],
      ]
    }
    var affinity = JSON.nothing
    if let nodeTerms { affinity = ["required": ["nodeSelectorTerms": JSON(nodeTerms, \.json)]] }
    return [
      object(["volumeName": .text("pv-\(number)"), "accessModes": mode], phase: "Bound"),
      [
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": [
          "name": .text("pv-\(number)"), "labels": JSON(zone.map { [ClusterGenerator.zone: $0] } ?? [:]),
        ],
        "spec": [
          "nodeAffinity": affinity, "claimRef": ["name": .text(claim), "namespace": .text(namespace)],
          "accessModes": mode,
        ],
      ],
    ]
  }
}

extension Cluster.PodSpec {
  fileprivate func json(node: String?, claims: [String]) -> JSON {
    let required = "requiredDuringSchedulingIgnoredDuringExecution"
    func terms(_ terms: [Cluster.Term]) -> JSON {
      terms.isEmpty ? .nothing : .object([(key: required, value: JSON(terms, \.json))])
    }
    var nodeAffinity = JSON.nothing
    if let nodeTerms {
      let selector: JSON = ["nodeSelectorTerms": .list(nodeTerms.map(\.json))]
      nodeAffinity = .object([(key: required, value: selector)])
    }
    let hasAffinity = nodeTerms != nil || !affinity.isEmpty || !antiAffinity.isEmpty
    return [
      "nodeName": JSON(node), "nodeSelector": JSON(nodeSelector),
      "affinity": hasAffinity
        ? ["nodeAffinity": nodeAffinity, "podAffinity": terms(affinity), "podAntiAffinity": terms(antiAffinity)]
        : .nothing,
      "tolerations": JSON(tolerations) {
        [
          "key": JSON($0.key), "operator": $0.isForAnyValue ? "Exists" : "Equal", "value": JSON($0.value),
          "effect": JSON($0.effect),
        ]
      },
      "topologySpreadConstraints": JSON(spreads, \.json),
      "hostNetwork": usesHostNetwork ? true : .nothing,
      "containers": .list(containers.enumerated().map { $1.json(name: "c\($0)") }),
      "initContainers": initContainers.isEmpty
        ? .nothing : .list(initContainers.enumerated().map { $1.json(name: "i\($0)") }),
      "overhead": Cluster.quantities(overhead),
      "volumes": JSON(Array(claims.enumerated())) {
        ["name": .text("v\($0.offset)"), "persistentVolumeClaim": ["claimName": .text($0.element)]]
      },
    ]
  }
}

extension Cluster.Container {
  fileprivate func json(name: String) -> JSON {
    [
      "name": .text(name), "restartPolicy": isSidecar ? "Always" : .nothing,
      "resources": ["requests": Cluster.quantities(requests), "limits": Cluster.quantities(limits)],
      "ports": JSON(ports) {
        [
          "containerPort": .number($0.container), "hostPort": $0.host.map(JSON.number) ?? .nothing,
          "protocol": JSON($0.name), "hostIP": JSON($0.address),
        ]
      },
    ]
  }
}

extension Cluster.Term {
  fileprivate var json: JSON {
    [
      "topologyKey": .text(key), "labelSelector": selector?.json ?? .nothing, "namespaces": JSON(namespaces),
      "namespaceSelector": namespaceSelector?.json ?? .nothing, "matchLabelKeys": JSON(matchKeys),
      "mismatchLabelKeys": JSON(mismatchKeys),
    ]
  }
}

extension Cluster.Spread {
  fileprivate var json: JSON {
    [
      "maxSkew": .number(maxSkew), "topologyKey": .text(key),
      "whenUnsatisfiable": isRequired ? "DoNotSchedule" : "ScheduleAnyway",
      "labelSelector": selector?.json ?? .nothing, "minDomains": minDomains.map(JSON.number) ?? .nothing,
      "nodeAffinityPolicy": JSON(nodeAffinityPolicy), "nodeTaintsPolicy": JSON(nodeTaintsPolicy),
      "matchLabelKeys": JSON(matchKeys),
    ]
  }
}

extension Cluster.Selector {
  fileprivate var json: JSON { ["matchLabels": JSON(labels), "matchExpressions": JSON(expressions, \.json)] }
}

extension Cluster.NodeTerm {
  fileprivate var json: JSON {
    ["matchExpressions": JSON(expressions, \.json), "matchFields": JSON(fields, \.json)]
  }
}

extension Cluster.Requirement {
  fileprivate var json: JSON {
    ["key": .text(key), "operator": .text(self.operator.rawValue), "values": JSON(values)]
  }
}
