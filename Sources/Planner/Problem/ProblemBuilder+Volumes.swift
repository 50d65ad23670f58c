import Formats
import Kubernetes
import Model
import Placement

/// The claims of a workload's pods, as far as they are known.
struct WorkloadClaims {
  /// Claims that each of its pods uses, by name.
  var shared: [(name: WorkloadName, claim: VolumeCatalog.Claim)] = []
  /// Claims that each pod gets anew: all alike.
  var ephemeral: [VolumeCatalog.Claim] = []
  /// Claims that replicas have for themselves, by replica; empty where they have none.
  var own: [[(name: WorkloadName, claim: VolumeCatalog.Claim)]] = []
}

/// Volumes that can be reached from some nodes only, or used by one pod only.
extension ProblemBuilder {
  /// Looks up what is known of all claims.
  mutating func takeClaims() {
    let pods = Set(snapshot.pods.map(\.metadata.fullName))
    for workload in planned {
      let namespace = workload.name.namespace
      var claims = WorkloadClaims()
      /// Notes what is not known of a claim.
      func noted(_ claim: VolumeCatalog.Claim, _ path: String) -> VolumeCatalog.Claim {
        if let remark = claim.remark { warnings.add("\(path): \(remark)", about: "\(workload.name)") }
        return claim
      }
      for (i, volume) in (workload.spec.volumes ?? []).enumerated() {
        let path = "\(workload.specPath).volumes[\(i)]"
        if let name = volume.persistentVolumeClaim.map({ WorkloadName(namespace: namespace, name: $0.claimName) }) {
          claims.shared.append((name, noted(volumes.claim(name), path)))
        } else if let template = volume.ephemeral?.volumeClaimTemplate {
          let name = WorkloadName(namespace: namespace, name: "\(workload.name.name)-\(volume.name ?? "")")
          let spec = template.spec ?? PersistentVolumeClaimSpec()
          claims.ephemeral.append(noted(volumes.newClaim(spec, named: name), path))
        }
      }
      let path = workload.specPath == "spec" ? "spec.volumes" : "spec.volumeClaimTemplates"
      claims.own = workload.claimsOfReplica.map { own in
        own.map { claim in
          let name = WorkloadName(namespace: namespace, name: claim.name)
          let pod = WorkloadName(namespace: namespace, name: claim.pod)
          // What a pod uses has been made: it must be somewhere.
          let isMissing = volumes.isEmpty || pods.contains(pod)
          return (name, noted(volumes.claim(name, madeFrom: isMissing ? nil : claim.template), path))
        }
      }
      self.claims.append(claims)
    }
    leaveOutReplicasWithoutClaim()
    countAttachments()
  }

  mutating func limitToVolumes() {
    for w in planned.indices {
      let reachable = (claims[w].shared.map(\.claim) + claims[w].ephemeral).compactMap(\.reachable)
      if !reachable.isEmpty {
        exclude(w, "from which its volumes can be reached") { n in reachable.contains { !$0[n] } }
      }
      if claims[w].own.contains(where: { $0.contains { $0.claim.reachable != nil } }) { limitReplicas(w) }
    }
    limitToOnePod()
    reserveSharedAttachments()
  }

  /// Replicas whose volumes can be reached from different nodes.
  ///
  /// With the replicas grouped by their nodes, and no node in two groups, a placement is right if and only if each
  /// group's nodes hold as many replicas as the group has, and so: if the other nodes hold no more than the rest.
  private mutating func limitReplicas(_ w: Int) {
    var groups: [[Bool]: Int] = [:]
    // How many replicas wait for one of the same volumes, such as disks of nodes, and how many of these there are.
    var waiting = nodes.map { _ in 0 }
    var free = waiting
    // Replicas one after the other that are alike, which most are: what is known of their claims are the same arrays.
    var alike: (reachable: [[Bool]], free: [Int]?, count: Int) = ([], nil, 0)
    func close() {
      guard alike.count > 0 else { return }
      let all = nodes.indices.map { n in alike.reachable.allSatisfy { $0[n] } }
      groups[all, default: 0] += alike.count
      guard let counts = alike.free else { return }
      for n in nodes.indices where all[n] {
        waiting[n] += alike.count
        free[n] = max(free[n], counts[n])
      }
    }
    for own in claims[w].own {
      let (reachable, counts) = (own.compactMap(\.claim.reachable), own.compactMap(\.claim.free).first)
      if reachable != alike.reachable || counts != alike.free {
        close()
        alike = (reachable, counts, 0)
      }
      alike.count += 1
    }
    close()
    let allowed = nodes.indices.map { n in
      groups.reduce(0) { $0 + ($1.key[n] ? $1.value : 0) } - max(0, waiting[n] - free[n])
    }
    exclude(w, "from which its volumes can be reached") { allowed[$0] <= 0 }
    for n in nodes.indices { limits[w][n] = min(limits[w][n], Int32(clamping: max(0, allowed[n]))) }

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

  /// `ReadWriteOncePod`: one pod of the cluster may use the volume.
  private mutating func limitToOnePod() {
    var users: [WorkloadName: [Int]] = [:]
    for w in planned.indices {
      for (name, claim) in claims[w].shared where claim.isForOnePod { users[name, default: []].append(w) }
      for (name, claim) in claims[w].own.joined() where claim.isForOnePod { users[name, default: []].append(w) }
    }
    guard !users.isEmpty else { return }
    var holders: [WorkloadName: WorkloadName] = [:]
    for pod in fixed {
      for claim in (pod.spec.volumes ?? []).compactMap(\.persistentVolumeClaim) {
        holders[WorkloadName(namespace: pod.name.namespace, name: claim.claimName)] = pod.name
      }
    }
    for (name, workloads) in users.sorted(by: { "\($0.key)" < "\($1.key)" }) {
      let everywhere = Array(repeating: Int32(0), count: nodes.count)
      for (i, w) in workloads.enumerated() {
        let isShared = claims[w].shared.contains { $0.name == name }
        let rest = isShared ? 0 : problem.workloads[w].replicas - 1
        let most = holders[name] == nil ? rest + 1 : rest
        if most == 0 {
          let holder = holders[name].map { "\($0)" } ?? ""
          exclude(w, "where its claim \(name) (ReadWriteOncePod) is not in use by the pod \(holder)") { _ in true }
        } else if most < problem.workloads[w].replicas {
          let index = partition("cluster, for its claim \(name) (ReadWriteOncePod)", everywhere)
          problem.rules.append(.atMost(workload: w, partition: index, count: most))
        }
        for v in workloads[(i + 1)...] where v != w {
          let index = partition("cluster, for their claim \(name) (ReadWriteOncePod)", everywhere)
          problem.rules.append(.apart(workload: w, other: v, partition: index))
        }
      }
    }
  }
}
