/// Why traffic between two workloads leaves its node.
struct CrossingReason: Hashable, Sendable {
  /// The kind of reason.
  enum Kind: String, Hashable, Sendable {
    /// No node may run both.
    case disjointNodes
    /// Required anti-affinity keeps them apart.
    case antiAffinity
    /// One replica of each needs more than any node has.
    case tooLarge
    /// They cannot all run on one node, and their replica counts have no common divisor to split them by.
    case unevenReplicas
    /// Only some of their replicas fit together on nodes.
    case fewPairs
    /// Other workloads fill the nodes on which they would be together.
    case noRoom
    /// A limit or a rule such as a spread or an affinity to others stands against it.
    case rule
    /// Together, heavier traffic to others would leave its node or zone.
    case heavierTraffic
    /// Together they would raise the peak utilization by more than their traffic is worth.
    case utilization
    /// To bring them together takes moves that cost more than their traffic is worth, or more than are allowed.
    case moveCost
    /// Moving one to the other saves nothing.
    case noGain
    /// Moving one to the other would be better: the search ended before it tried.
    case missed
  }

  /// The kind of reason.
  var kind: Kind
  /// The reason in words, with the amounts that matter.
  var text: String
}
