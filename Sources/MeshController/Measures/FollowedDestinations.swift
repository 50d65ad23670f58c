import Fleet
import Model

/// The services and neighbours of all policies that are followed, as an ingress may call them: whose a cluster is whose name
/// says too little shows beside them alone.
struct FollowedDestinations: Hashable, Sendable {
  private var names: Set<EnvoyClusterName> = []
  /// By their names without a namespace.
  private var bare: [EnvoyClusterName: Set<DestinationName>] = [:]

  /// - Parameter policies: those that are followed.
  init(_ policies: some Sequence<OverflowPolicy>) {
    for policy in policies {
      for host in [policy.spec.service] + policy.spec.neighbours.map(\.host) {
        let name = DestinationName(host, in: policy.key.namespace)
        names.insert(EnvoyClusterName(name))
        bare[EnvoyClusterName(DestinationName(host, in: "")), default: []].insert(name)
      }
    }
  }

  /// Whether a policy has a destination of a name.
  func has(_ name: EnvoyClusterName) -> Bool { names.contains(name) }

  /// The destinations that a name without a namespace may stand for, in their order.
  func all(called name: EnvoyClusterName) -> [String] { (bare[name] ?? []).map(\.description).sorted() }
}
