import Kubernetes
import Model

/// Volumes that no claim has. Replicas ask for the same: what was found for one claim holds for all that ask alike.
final class FreeVolumes {
  /// Where a claim can be satisfied.
  struct Places {
    /// How many volumes are free for it on each node.
    var counts: [Int]
    /// The nodes from which one of them is reached, or where one can be made.
    var reachable: [Bool]
  }

  private struct Question: Hashable {
    var spec: PersistentVolumeClaimSpec
    var className: String
  }

  /// Volumes that any claim may have, by StorageClass.
  private var open: [String: [PersistentVolume]] = [:]
  /// Volumes that are kept for one claim.
  private var kept: [WorkloadName: [PersistentVolume]] = [:]
  private let places: NodePlaces
  private var known: [Question: Places] = [:]

  init(_ volumes: [PersistentVolume], _ places: NodePlaces) {
    self.places = places
    for volume in volumes {
      if let owner = volume.spec?.claimRef {
        guard let namespace = owner.namespace, let name = owner.name else { continue }
        kept[WorkloadName(namespace: namespace, name: name), default: []].append(volume)
      } else {
        open[volume.spec?.storageClassName ?? "", default: []].append(volume)
      }
    }
  }

  /// Where a claim that waits for its first pod can be satisfied.
  func places(
    for spec: PersistentVolumeClaimSpec, named name: WorkloadName, of storageClass: StorageClass
  ) -> Places {
    let className = storageClass.metadata.name
    func found(_ volumes: [PersistentVolume], on counts: [Int]? = nil) -> Places {
      var counts = counts ?? Array(repeating: 0, count: places.nodes.count)
      for volume in volumes where volume.isFree(for: spec, named: name, className: className) {
        for n in places.nodesReaching(volume) { counts[n] += 1 }
      }
      let reachable = zip(places.nodes, counts).map { storageClass.canMakeVolume(for: $0) || $1 > 0 }
      return Places(counts: counts, reachable: reachable)
    }
    let question = Question(spec: spec, className: className)
    let all = known[question] ?? found(open[className] ?? [])
    known[question] = all
    guard let own = kept[name] else { return all }
    return found(own, on: all.counts)
  }
}

/// From which nodes volumes are reached.
final class NodePlaces {
  let nodes: [Node]
  /// Nodes by the values of a label, for labels that were asked for.
  private var known: [String: [String: [Int]]] = [:]

  init(_ nodes: [Node]) {
    self.nodes = nodes
  }

  /// Whether a volume is reached from each node.
  func reaching(_ volume: PersistentVolume) -> [Bool] {
    var reaching = Array(repeating: false, count: nodes.count)
    for n in nodesReaching(volume) { reaching[n] = true }
    return reaching
  }

  /// The nodes from which a volume is reached, in order. Of a disk of a node only that node is looked at.
  func nodesReaching(_ volume: PersistentVolume) -> [Int] {
    candidates(volume.spec?.nodeAffinity?.required).filter { volume.isReachable(from: nodes[$0]) }
  }

  /// All nodes that a selector selects, and maybe more: where each of its terms asks for values of a label, those that have
  /// one of them.
  private func candidates(_ selector: NodeSelector?) -> [Int] {
    guard let selector else { return Array(nodes.indices) }
    var found: Set<Int> = []
    for term in selector.nodeSelectorTerms ?? [] {
      guard let asked = (term.matchExpressions ?? []).first(where: { $0.operator == .in }) else {
        return Array(nodes.indices)
      }
      let byValue = nodes(by: asked.key)
      for value in asked.values ?? [] { found.formUnion(byValue[value] ?? []) }
    }
    return found.sorted()
  }

  private func nodes(by key: String) -> [String: [Int]] {
    if let known = known[key] { return known }
    var byValue: [String: [Int]] = [:]
    for (n, node) in nodes.enumerated() { if let value = node.labels[key] { byValue[value, default: []].append(n) } }
    known[key] = byValue
    return byValue
  }
}
