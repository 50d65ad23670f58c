package import Model

/// A pod of this node, as the socket proves that it alone was given, with what is known of it by others than itself.
package struct NodePod: Sendable {
  /// What is known.
  package struct Facts: Hashable, Sendable {
    /// Its own addresses, as the API server has them; nil where they are not known.
    package var addresses: Set<IPAddress>?
    /// The node; nil where that is not known, and with it neither zone nor cluster.
    package var node: String?
    /// The node's zone; nil where that is not known.
    package var zone: String?
    /// The node's cluster; nil where it has no name.
    package var cluster: String?

    /// Nothing is known, or what is said.
    package init(
      addresses: Set<IPAddress>? = nil, node: String? = nil, zone: String? = nil, cluster: String? = nil
    ) {
      self.addresses = addresses
      self.node = node
      self.zone = zone
      self.cluster = cluster
    }

    /// Where something of it is: what is known counts, and what is claimed for the rest.
    package func located(
      node claimedNode: String?, zone claimedZone: String?, cluster claimedCluster: String?
    ) -> (node: String?, zone: String?, cluster: String?) {
      guard let node else { return (claimedNode, claimedZone, claimedCluster) }
      return (node, zone ?? claimedZone, cluster)
    }

    /// The same as a place.
    package func place(node: String?, zone: String?, cluster: String?) -> Place {
      let known = located(node: node, zone: zone, cluster: cluster)
      return Place(node: known.node, zone: known.zone, cluster: known.cluster)
    }
  }

  /// Which pod it is.
  package let identity: Identity.Pod
  /// Says what is known of it at present.
  package let facts: @Sendable () -> Facts

  /// Makes a pod of which nothing is known but who it is, or what somebody says.
  package init(_ identity: Identity.Pod, facts: @escaping @Sendable () -> Facts = { Facts() }) {
    self.identity = identity
    self.facts = facts
  }

  /// Its name among those that have budgets, whatever user it calls as and whatever it speaks.
  package var budgetName: String { "pod \(identity) \(identity.uid)" }
}
