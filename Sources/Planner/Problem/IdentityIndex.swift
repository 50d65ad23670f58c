import Kubernetes

/// Finds the workloads that a selector may select, without asking each.
struct IdentityIndex {
  private struct Label: Hashable {
    var key: String
    var value: String
  }

  private let identities: [PodIdentity]
  private var withLabel: [Label: [Int]] = [:]

  init(_ identities: [PodIdentity]) {
    self.identities = identities
    for (w, identity) in identities.enumerated() {
      for (key, value) in identity.labels { withLabel[Label(key: key, value: value), default: []].append(w) }
    }
  }

  /// Workloads that have all of some labels as far as the rarest of them tells, in order: all that a selector with these
  /// labels selects, and maybe more.
  func candidates(_ labels: [String: String]?) -> [Int] {
    let lists = (labels ?? [:]).map { withLabel[Label(key: $0.key, value: $0.value)] ?? [] }
    return lists.min { $0.count < $1.count } ?? Array(identities.indices)
  }
}
