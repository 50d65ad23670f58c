import Kubernetes
import Placement
import Topology

/// Volumes that can be reached from some nodes only.
extension ProblemBuilder {
  mutating func limitToVolumes() {
    let volumes = Dictionary(
      snapshot.persistentVolumes.map { ($0.metadata.name, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let claims = Dictionary(
      snapshot.persistentVolumeClaims.map { ($0.metadata.fullName, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    for w in planned.indices {
      let workload = planned[w]
      /// The volume of a claim, where it is bound and given.
      func volume(_ claim: String, _ path: String) -> PersistentVolume? {
        guard let object = claims[WorkloadName(namespace: workload.name.namespace, name: claim)] else {
          warnings.add(
            "\(path): a claim that is not in the input; from where its volume can be reached is not known",
            about: "\(workload.name)"
          )
          return nil
        }
        guard let name = object.spec?.volumeName, !name.isEmpty else { return nil }
        if volumes[name] == nil {
          warnings.add(
            "\(path): a volume that is not in the input; from where it can be reached is not known",
            about: "\(workload.name)"
          )
        }
        return volumes[name]
      }
      let shared = (workload.spec.volumes ?? []).enumerated().compactMap { i, source in
        source.persistentVolumeClaim.flatMap { volume($0.claimName, "\(workload.specPath).volumes[\(i)]") }
      }
      if !shared.isEmpty {
        exclude(w, "from which its volumes can be reached") { [nodes] n in
          shared.contains { !$0.isReachable(from: nodes[n]) }
        }
      }
      let path = workload.specPath == "spec" ? "spec.volumes" : "spec.volumeClaimTemplates"
      let own = workload.claimsOfReplica.map { $0.compactMap { volume($0, path) } }
      if own.contains(where: { !$0.isEmpty }) { limitReplicas(w, to: own) }
    }
  }

  /// Replicas whose volumes can be reached from different nodes.
  ///
  /// With the replicas grouped by their nodes, and no node in two groups, a placement is right if and only if each
  /// group's nodes hold as many replicas as the group has, and so: if the other nodes hold no more than the rest.
  private mutating func limitReplicas(_ w: Int, to volumes: [[PersistentVolume]]) {
    var groups: [[Bool]: Int] = [:]
    for own in volumes {
      groups[nodes.map { node in own.allSatisfy { $0.isReachable(from: node) } }, default: 0] += 1
    }
    let allowed = nodes.indices.map { n in groups.reduce(0) { $0 + ($1.key[n] ? $1.value : 0) } }
    exclude(w, "from which its volumes can be reached") { allowed[$0] == 0 }
    for n in nodes.indices { limit(w, to: allowed[n]) { $0 == n } }

    let bound = groups.filter { $0.key.contains(false) }.sorted { a, b in
      (a.key.firstIndex(of: true) ?? nodes.count) < (b.key.firstIndex(of: true) ?? nodes.count)
    }
    let areDisjoint = nodes.indices.allSatisfy { n in bound.count { $0.key[n] } <= 1 }
    guard areDisjoint else {
      warnings.add(
        "spec.volumeClaimTemplates: replicas with volumes in overlapping sets of nodes; only each node's own limit counts",
        about: "\(planned[w].name)"
      )
      return
    }
    for (reachable, count) in bound {
      let others = reachable.map { Int32(truncatingIfNeeded: $0 ? -1 : 0) }
      let rest = problem.workloads[w].replicas - count
      if rest > 0 {
        let index = partition("nodes without some of the volumes of \(planned[w].name)", others)
        problem.rules.append(.atMost(workload: w, partition: index, count: rest))
      }
    }
  }
}
