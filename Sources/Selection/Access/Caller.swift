package import Model

/// Somebody who asks, on a connection or by a single request.
package struct Caller: Sendable {
  /// Who it is.
  package let identity: Identity
  /// Its number in the dispatcher, by which all that is open of it is given up when it has gone; 0 for a single request.
  package let owner: UInt32
  /// What it completes its picks with.
  package let key: PickKey
  /// What it may do.
  package let rights: Rights
  /// Where it is seen to call from.
  private let seenAddress: IPAddress?
  /// Whose own socket it calls on; nil where several can.
  package let pod: NodePod?

  /// Makes a caller.
  ///
  /// - Parameters:
  ///   - address: from where it calls; nil on a Unix socket. Loopback says nothing about who it is to others.
  ///   - owner: as `Dispatcher.newOwner()` numbers them; 0 for a single request.
  ///   - pod: the pod whose own socket it calls on; nil where several can.
  package init(
    _ identity: Identity, address: IPAddress? = nil, owner: UInt32, policy: AccessPolicy, pod: NodePod? = nil
  ) {
    self.identity = identity
    self.owner = owner
    key = PickKey.of(identity) ?? .random()
    rights = policy.rights(of: identity)
    seenAddress = address.flatMap { $0.isLoopback ? nil : $0 }
    self.pod = pod
  }

  /// Makes a caller of the pod whose own socket it calls on.
  package init(_ pod: NodePod, owner: UInt32, policy: AccessPolicy) {
    self.init(.pod(pod.identity), owner: owner, policy: policy, pod: pod)
  }

  /// The same caller under a number of its own.
  package func numbered(_ owner: UInt32) -> Caller { Caller(self, owner: owner) }

  private init(_ other: Caller, owner: UInt32) {
    (identity, key, rights) = (other.identity, other.key, other.rights)
    (seenAddress, pod) = (other.seenAddress, other.pod)
    self.owner = owner
  }

  /// Who it is when it registers replicas.
  package var registrant: Registrant {
    if let pod { return Registrant(identity: .pod(pod.identity), address: nil) }
    return Registrant(identity: identity, address: identity.isProven ? nil : seenAddress)
  }

  /// Whether its answers tell the key, since it has none of its own.
  package var isToldItsKey: Bool { !identity.isProven }

  /// Whether a replica's address, `host:port`, is its own. Who is not proven and calls from this machine may mean any;
  /// whose addresses are not known has none.
  package func owns(_ address: String) -> Bool {
    let known = pod?.facts().addresses
    guard seenAddress != nil || known != nil else { return !identity.isProven }
    guard let address = IPAddress(ofReplica: address) else { return false }
    return address == seenAddress || known?.contains(address) == true
  }

  /// Where it asks from, or is: what is known of its node counts, and what it claims for the rest.
  package func place(node: String?, zone: String?, cluster: String?) -> Place {
    guard let pod else { return Place(node: node, zone: zone, cluster: cluster) }
    return pod.facts().place(node: node, zone: zone, cluster: cluster)
  }

  /// A replica that it registers at its own address, where it is known to be.
  package func located(_ replica: ServiceReplica) -> ServiceReplica {
    guard let facts = pod?.facts(), owns(replica.address) else { return replica }
    func name(_ text: String) -> String? { text.isEmpty ? nil : text }
    let known = facts.located(
      node: name(replica.node), zone: name(replica.zone), cluster: name(replica.cluster))
    var replica = replica
    (replica.node, replica.zone, replica.cluster) = (known.node ?? "", known.zone ?? "", known.cluster ?? "")
    return replica
  }
}
