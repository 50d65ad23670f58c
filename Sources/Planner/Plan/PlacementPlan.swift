/// A placement as a document: the object `PlacementPlan` of `tonari.dev/v1alpha1`, the same as a file and as a custom
/// resource.
package struct PlacementPlan: Codable, Hashable, Sendable {
  /// The version of the format that this code reads and writes.
  package static let currentAPIVersion = "tonari.dev/v1alpha1"
  /// The kind of the object.
  package static let kind = "PlacementPlan"

  /// `tonari.dev/v1alpha1`.
  package var apiVersion: String
  /// `PlacementPlan`.
  package var kind: String
  /// The object's name.
  package var metadata: Metadata
  /// What runs where.
  package var spec: Spec
  /// How good the plan is; nil in a plan that was written by hand.
  package var status: Status?

  /// Makes a plan of the current version.
  package init(name: String, placements: [Placement], status: Status?) {
    self.apiVersion = Self.currentAPIVersion
    self.kind = Self.kind
    self.metadata = Metadata(name: name)
    self.spec = Spec(placements: placements)
    self.status = status
  }

  /// The object's metadata.
  package struct Metadata: Codable, Hashable, Sendable {
    /// The object's name.
    package var name: String
  }

  /// What runs where.
  package struct Spec: Codable, Hashable, Sendable {
    /// One entry for each workload.
    package var placements: [Placement]
  }

  /// Where the replicas of one workload run.
  package struct Placement: Codable, Hashable, Sendable {
    /// The workload.
    package var workload: WorkloadReference
    /// The nodes that hold some of its replicas.
    package var nodes: [NodeShare]

    /// Makes a placement.
    package init(workload: WorkloadReference, nodes: [NodeShare]) {
      self.workload = workload
      self.nodes = nodes
    }
  }

  /// A workload of the cluster.
  package struct WorkloadReference: Codable, Hashable, Sendable {
    /// The object's kind, such as `Deployment`.
    package var kind: String
    /// Its namespace.
    package var namespace: String
    /// Its name.
    package var name: String

    /// Makes a reference.
    package init(kind: String, namespace: String, name: String) {
      self.kind = kind
      self.namespace = namespace
      self.name = name
    }
  }

  /// How many replicas a node holds.
  package struct NodeShare: Codable, Hashable, Sendable {
    /// The node's name.
    package var name: String
    /// How many replicas of the workload it holds; at least 1.
    package var replicas: Int

    /// Makes a share.
    package init(name: String, replicas: Int) {
      self.name = name
      self.replicas = replicas
    }
  }

  /// How good a placement is.
  package struct Status: Codable, Hashable, Sendable {
    /// The value that is minimized.
    package var objective: Double
    /// No placement has an objective below this; nil where no bound was sought.
    package var lowerBound: Double?
    /// `(objective − lowerBound) / objective`; 0 when optimal; nil where no bound was sought.
    package var gap: Double?
    /// Whether the placement is proven to be the best there is.
    package var optimal: Bool
    /// What becomes of the traffic.
    package var traffic: Traffic
    /// How full the nodes are.
    package var utilization: Utilization
    /// How many replicas run elsewhere than now.
    package var moves: Int
    /// The way from what runs now to the placement, in an order in which no node is over capacity at any step; nil
    /// where nothing is to be done.
    package var moveOrder: [Move]?
    /// Moves that no order makes room for; nil where there are none.
    package var blockedMoves: [Move]?
    /// The constraints that the placement breaks, a sentence each; nil where it breaks none.
    package var violations: [String]?
    /// How the placement was found; nil where it was given.
    package var solver: Solver?
    /// When the placement was made, as RFC 3339 text; nil in a file, which is to depend on its inputs alone.
    package var planned: String?
    /// When it was last compared with the cluster and its traffic, of which the other figures speak; as RFC 3339 text.
    package var checked: String?
  }

  /// What becomes of the traffic between workloads under the plan.
  package struct Traffic: Codable, Hashable, Sendable {
    /// All traffic between the plan's workloads, in ``unit``.
    package var total: Double
    /// What leaves its node.
    package var crossNode: Double
    /// The part that stays, from 0 to 1.
    package var localizedShare: LocalizedShare
    /// `bytesPerSecond` or `requestsPerSecond`.
    package var unit: String
    /// What several traffic matrices count together: `mean` or `worst`; nil where there is one, without a name.
    package var combined: String?
    /// The figures of each; nil where there is one, without a name.
    package var matrices: [TrafficMatrix]?
  }

  /// What becomes of the traffic of one time among several, such as by day or at night.
  package struct TrafficMatrix: Codable, Hashable, Sendable {
    /// The name under which it was given.
    package var name: String
    /// What it counts in the mean, relative to the others; nil where the worst counts.
    package var weight: Double?
    /// All traffic between the plan's workloads, in the unit of all matrices.
    package var total: Double
    /// What leaves its node.
    package var crossNode: Double
    /// The part that stays, from 0 to 1.
    package var localizedShare: LocalizedShare
  }

  /// The traffic-weighted mean share of traffic that stays within a tier, from 0 to 1.
  package struct LocalizedShare: Codable, Hashable, Sendable {
    /// What stays on its node.
    package var node: Double
    /// What stays in its zone.
    package var zone: Double
  }

  /// How full the nodes are, each by its fullest resource, from 0 to 1.
  package struct Utilization: Codable, Hashable, Sendable {
    /// The fullest node.
    package var max: Double
    /// The mean over all nodes.
    package var mean: Double
  }

  /// Replicas that go from one node to another, appear or disappear.
  package struct Move: Codable, Hashable, Sendable {
    /// The workload.
    package var workload: WorkloadReference
    /// How many replicas.
    package var replicas: Int
    /// The node that they leave; nil for new replicas.
    package var from: String?
    /// The node where they go; nil for replicas that are no longer wanted.
    package var to: String?
    /// `stop` where they must stop first and start in a later step, `start` for that later step; nil for a whole move,
    /// which starts them where they go before it stops them where they were.
    package var part: String?
  }

  /// How the plan was found.
  package struct Solver: Codable, Hashable, Sendable {
    /// How long the search took.
    package var seconds: Double
    /// The seed of its random choices.
    package var seed: UInt64
  }
}
