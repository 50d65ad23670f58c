import Formats
import Kubernetes
import Model
import Placement

/// How many volumes the driver of a kind attaches to a node at most, as CSINode objects say: a resource like others, one
/// for each driver whose limits can be reached.
extension ProblemBuilder {
  private static let prefix = "attachable-volumes-csi-"

  /// A driver's limits, and what counts against them.
  struct Attachments {
    /// How many volumes each node takes; as good as any number where it does not say.
    var limits: [Int]
    /// How many volumes pods have there that are no replicas of the plan.
    var taken: [Int]
  }

  /// Gives replicas requests for the volumes that they bring along.
  mutating func countAttachments() {
    let limitsOfNode = Dictionary(
      snapshot.csiNodes.map { ($0.metadata.name, $0.attachLimits) }, uniquingKeysWith: { first, _ in first })
    let limited = Set(limitsOfNode.values.flatMap(\.keys))
    guard !limited.isEmpty else { return }
    let taken = volumesOfFixedPods()
    for driver in limited.sorted() {
      let needs = planned.indices.map { attached(by: $0, driver) }
      let total = zip(planned, needs).reduce(0) { sum, each in
        sum + min(each.1 * min(each.0.replicas ?? 0, 1_000_000), 1_000_000_000)
      }
      guard total > 0 else { continue }
      let used = nodes.indices.map { taken[$0]?[driver]?.count ?? 0 }
      let limits = nodes.map { limitsOfNode[$0.metadata.name]?[driver] }
      let isReachable = zip(limits, used).contains { limit, used in limit.map { used + total > $0 } ?? false }
      guard isReachable else { continue }
      attachments[Self.prefix + driver] = Attachments(
        limits: zip(limits, used).map { $0 ?? 1000 * (total + $1) }, taken: used)
      for (w, need) in needs.enumerated() where need > 0 {
        planned[w].requests[Self.prefix + driver] = Quantity(Int64(need))
      }
    }
  }

  /// How many volumes of a driver a replica brings along that no other pod has.
  private func attached(by w: Int, _ driver: String) -> Int {
    let claims = claims[w]
    func count(_ claims: [VolumeCatalog.Claim]) -> Int {
      Set(claims.filter { $0.driver == driver }.map(\.volume)).count
    }
    let own = claims.own.map { count($0.map(\.claim)) }.max() ?? 0
    let shared = planned[w].replicas == 1 ? count(claims.shared.map(\.claim)) : 0
    return own + shared + claims.ephemeral.count { $0.driver == driver }
  }

  /// The volumes of pods that are no replicas, by node and driver.
  private func volumesOfFixedPods() -> [Int: [String: Set<String>]] {
    var attached: [Int: [String: Set<String>]] = [:]
    for pod in fixed {
      for volume in pod.spec.volumes ?? [] {
        let name =
          volume.persistentVolumeClaim?.claimName
          ?? volume.ephemeral.map { _ in
            "\(pod.name.name)-\(volume.name ?? "")"
          }
        guard let name else { continue }
        let claim = volumes.claim(WorkloadName(namespace: pod.name.namespace, name: name))
        if let driver = claim.driver { attached[pod.node, default: [:]][driver, default: []].insert(claim.volume) }
      }
    }
    return attached
  }

  /// A volume that several replicas share is attached once on each node where they run. Which these are is not known
  /// before, so that one place is kept on each node where they may.
  mutating func reserveSharedAttachments() {
    guard !attachments.isEmpty else { return }
    let taken = volumesOfFixedPods()
    var counted: Set<String> = []
    for w in planned.indices where (planned[w].replicas ?? 0) > 1 {
      for (name, claim) in claims[w].shared {
        guard let driver = claim.driver, let k = problem.resources.firstIndex(of: Self.prefix + driver) else {
          continue
        }
        for n in nodes.indices where limits[w][n] > 0 && taken[n]?[driver]?.contains(claim.volume) != true {
          if counted.insert("\(n) \(name)").inserted { problem.reserved[n * problem.resources.count + k] += 1 }
        }
      }
    }
  }
}
