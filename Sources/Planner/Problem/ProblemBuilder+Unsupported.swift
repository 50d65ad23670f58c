import Kubernetes
import Model
import Placement

/// Names what the plan does not take into account.
extension ProblemBuilder {
  mutating func noteUnsupported() {
    for workload in planned {
      note(workload.spec, "\(workload.specPath)", about: "\(workload.name)")
    }
    noteMissingResources()
    for pod in fixed {
      let terms = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
      for (i, term) in terms.enumerated() {
        note(term, "spec.affinity.podAntiAffinity.\(Self.required)[\(i)]", about: "\(pod.name)")
      }
    }
  }

  /// A resource that no node has may stand for devices that are handed out in another way.
  private mutating func noteMissingResources() {
    for (k, resource) in problem.resources.enumerated() where resource.contains("/") {
      guard !nodes.isEmpty, nodes.allSatisfy({ $0.allocatable[resource] == nil }) else { continue }
      for w in planned.indices where problem.requests[w * problem.resources.count + k] > 0 {
        warnings.add(
          "\(planned[w].specPath): no node has \(resource); that a DeviceClass stands for it (dynamic resource "
            + "allocation) is not supported",
          about: "\(planned[w].name)")
      }
    }
  }

  private static let required = "requiredDuringSchedulingIgnoredDuringExecution"
  private static let preferred = "preferredDuringSchedulingIgnoredDuringExecution"

  private mutating func note(_ spec: PodSpec, _ path: String, about name: String) {
    let affinity = spec.affinity
    let wishes = [
      ("nodeAffinity", affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
      ("podAffinity", affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
      ("podAntiAffinity", affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    ]
    for (field, wish) in wishes where !(wish ?? []).isEmpty {
      warnings.add("\(path).affinity.\(field).\(Self.preferred): a wish, which the plan does not weigh", about: name)
    }
    for (i, term) in (affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).enumerated() {
      note(term, "\(path).affinity.podAffinity.\(Self.required)[\(i)]", about: name)
    }
    for (i, term) in (affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).enumerated() {
      note(term, "\(path).affinity.podAntiAffinity.\(Self.required)[\(i)]", about: name)
    }
    for (i, constraint) in (spec.topologySpreadConstraints ?? []).enumerated() {
      let field = "\(path).topologySpreadConstraints[\(i)]"
      if constraint.whenUnsatisfiable != "DoNotSchedule" {
        warnings.add("\(field): \(constraint.whenUnsatisfiable), a wish, which the plan does not weigh", about: name)
      } else if !nodes.contains(where: { $0.labels[constraint.topologyKey] != nil }),
        constraint.topologyKey != Self.hostname
      {
        warnings.add("\(field).topologyKey: no node has the label \(constraint.topologyKey)", about: name)
      }
    }
    for (i, toleration) in (spec.tolerations ?? []).enumerated() {
      if let relation = toleration.operator, !["", "Equal", "Exists"].contains(relation) {
        warnings.add(
          "\(path).tolerations[\(i)].operator: \(relation) is not supported; it tolerates nothing", about: name)
      }
    }
    if let runtimeClass = spec.runtimeClassName, !runtimeClass.isEmpty {
      warnings.add("\(path).runtimeClassName: the overhead and nodes of \(runtimeClass) are not known", about: name)
    }
    if !(spec.resourceClaims ?? []).isEmpty {
      warnings.add(
        "\(path).resourceClaims: claims of devices (dynamic resource allocation) are not supported; a node without a free "
          + "device counts as one with",
        about: name)
    }
  }

  private mutating func note(_ term: PodAffinityTerm, _ path: String, about name: String) {
    let keys = term.namespaceSelector?.keys ?? []
    if snapshot.namespaces.isEmpty, !keys.isSubset(of: [Namespace.nameLabel]) {
      warnings.add(
        "\(path).namespaceSelector: of the labels of namespaces only their names are known; add what "
          + "'\(ClusterSnapshot.kubectlCommand(for: [Namespace.self]))' prints",
        about: name
      )
    }
    if !nodes.contains(where: { $0.labels[term.topologyKey] != nil }), term.topologyKey != Self.hostname {
      warnings.add("\(path).topologyKey: no node has the label \(term.topologyKey)", about: name)
    }
  }
}
