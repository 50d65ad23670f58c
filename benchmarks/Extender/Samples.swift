import Extender
import Kubernetes
import Model
import NIOCore
import Planner

/// A large cluster, its plan, and what a scheduler would ask about it.
struct Samples {
  let nodes: [String]
  let workloads: [String]

  init(nodes: Int, workloads: Int) {
    self.nodes = (0..<nodes).map { "ip-10-\($0 / 65536)-\($0 / 256 % 256)-\($0 % 256).eu-central-1.compute.internal" }
    self.workloads = (0..<workloads).map { "service-\($0)" }
  }

  /// A state in which each workload has five planned replicas, two of which run, and talks to three others.
  func state(isEnforcing: Bool) -> ExtenderState {
    var generator = SeededGenerator(seed: 1)
    var state = ExtenderState(isEnforcing: isEnforcing)
    for (n, node) in nodes.enumerated() { state.set(node: node, zone: "zone-\(n % 3)") }
    let references = workloads.map {
      WorkloadReference(kind: "Deployment", name: WorkloadName(namespace: "shop", name: $0))
    }
    let homes = workloads.map { _ in (0..<5).map { _ in nodes[generator.below(nodes.count)] } }
    state.set(
      placements: zip(workloads, homes).map { workload, homes in
        PlacementPlan.Placement(
          workload: PlacementPlan.WorkloadReference(kind: "Deployment", namespace: "shop", name: workload),
          nodes: Set(homes).sorted().map { home in
            PlacementPlan.NodeShare(name: home, replicas: homes.count { $0 == home })
          })
      })
    var edges: [TrafficEdges.Edge] = []
    for w in references.indices {
      for _ in 0..<3 {
        let other = generator.below(references.count)
        guard other != w else { continue }
        edges.append(TrafficEdges.Edge(references[w], references[other], traffic: Double(1 + generator.below(1000))))
      }
    }
    state.set(traffic: TrafficEdges(edges))
    for (w, reference) in references.enumerated() {
      for (r, home) in homes[w].prefix(2).enumerated() {
        state.set(pod: "\(w)-\(r)", ReplicaIdentity(.reference(reference), revision: "abc12"), on: home)
      }
    }
    return state
  }

  /// A pod of about 4 KB, as an API server has it.
  func pod(_ number: Int) -> String {
    let workload = workloads[number % workloads.count]
    let variables = (0..<24).map { #"{"name":"SETTING_\#($0)","value":"a value of some length, number \#($0)"}"# }
    let managed = (0..<30).map { #""k:{\"name\":\"SETTING_\#($0)\"}":{".":{},"f:name":{},"f:value":{}}"# }
    return """
      {"metadata":{"name":"\(workload)-abc12-\(number)","generateName":"\(workload)-abc12-","namespace":"shop",\
      "uid":"6c1f0b0e-0000-4000-8000-\(100_000_000_000 + number)","resourceVersion":"\(number)",\
      "creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app":"\(workload)","pod-template-hash":"abc12"},\
      "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"\(workload)-abc12",\
      "uid":"1f","controller":true,"blockOwnerDeletion":true}],"managedFields":[{"manager":"kube-controller-manager",\
      "operation":"Update","fieldsV1":{"f:spec":{"f:containers":{"f:env":{\(managed.joined(separator: ","))}}}}}]},\
      "spec":{"containers":[{"name":"main","image":"registry.example.com/shop/\(workload):1.4",\
      "env":[\(variables.joined(separator: ","))],"resources":{"requests":{"cpu":"250m","memory":"128Mi"}}}],\
      "restartPolicy":"Always","schedulerName":"tonari-scheduler"},"status":{"phase":"Pending","qosClass":"Burstable"}}
      """
  }

  /// A request that names all nodes.
  func named(_ number: Int) -> ByteBuffer {
    let names = nodes.map { "\"\($0)\"" }.joined(separator: ",")
    return ByteBuffer(string: #"{"Pod":\#(pod(number)),"Nodes":null,"NodeNames":[\#(names)]}"#)
  }

  /// A request that holds all nodes, each of about 10 KB.
  func whole(_ number: Int) -> ByteBuffer {
    let images = (0..<50).map { i in
      #"{"names":["registry.example.com/team-\#(i)/service@sha256:\#(String(repeating: "0123456789abcdef", count: 4))","#
        + #""registry.example.com/team-\#(i)/service:1.\#(i).0"],"sizeBytes":\#(100_000_000 + i)}"#
    }
    let status =
      #"{"allocatable":{"cpu":"3920m","memory":"15Gi","pods":"110"},"images":[\#(images.joined(separator: ","))]}"#
    var body = ByteBuffer(string: #"{"Pod":\#(pod(number)),"Nodes":{"metadata":{},"items":["#)
    for (n, node) in nodes.enumerated() {
      body.writeString(
        (n == 0 ? "" : ",")
          + #"{"metadata":{"name":"\#(node)","labels":{"kubernetes.io/hostname":"\#(node)"}},"spec":{},"status":\#(status)}"#
      )
    }
    body.writeString("]},\"NodeNames\":null}")
    return body
  }
}
