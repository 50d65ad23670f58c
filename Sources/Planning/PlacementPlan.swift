/// A placement as a document: the object `PlacementPlan` of `tonari.dev/v1alpha1`, the same as a file and as a custom
/// resource.
public struct PlacementPlan: Codable, Hashable, Sendable {
  /// The version of the format that this code reads and writes.
  public static let currentAPIVersion = "tonari.dev/v1alpha1"
  /// The kind of the object.
  public static let kind = "PlacementPlan"

  /// `tonari.dev/v1alpha1`.
  public var apiVersion: String
  /// `PlacementPlan`.
  public var kind: String
  /// The object's name.
  public var metadata: Metadata
  /// What runs where.
  public var spec: Spec
  /// How good the plan is; nil in a plan that was written by hand.
  public var status: Status?

  /// Makes a plan of the current version.
  public init(name: String, placements: [Placement], status: Status?) {
    self.apiVersion = Self.currentAPIVersion
    self.kind = Self.kind
    self.metadata = Metadata(name: name)
    self.spec = Spec(placements: placements)
    self.status = status
  }

  /// The object's metadata.
  public struct Metadata: Codable, Hashable, Sendable {
    /// The object's name.
    public var name: String
  }

  /// What runs where.
  public struct Spec: Codable, Hashable, Sendable {
    /// One entry for each workload.
    public var placements: [Placement]
  }

  /// Where the replicas of one workload run.
  public struct Placement: Codable, Hashable, Sendable {
    /// The workload.
    public var workload: WorkloadReference
    /// The nodes that hold some of its replicas.
    public var nodes: [NodeShare]

    /// Makes a placement.
    public init(workload: WorkloadReference, nodes: [NodeShare]) {
      self.workload = workload
      self.nodes = nodes
    }
  }

  /// A workload of the cluster.
  public struct WorkloadReference: Codable, Hashable, Sendable {
    /// The object's kind, such as `Deployment`.
    public var kind: String
    /// Its namespace.
    public var namespace: String
    /// Its name.
    public var name: String

    /// Makes a reference.
    public init(kind: String, namespace: String, name: String) {
      self.kind = kind
      self.namespace = namespace
      self.name = name
    }
  }

  /// How many replicas a node holds.
  public struct NodeShare: Codable, Hashable, Sendable {
    /// The node's name.
    public var name: String
    /// How many replicas of the workload it holds; at least 1.
    public var replicas: Int

    /// Makes a share.
    public init(name: String, replicas: Int) {
      self.name = name
      self.replicas = replicas
    }
  }

  /// How good a placement is.
  public struct Status: Codable, Hashable, Sendable {
    /// The value that is minimized.
    public var objective: Double
    /// No placement has an objective below this; nil where no bound was sought.
    public var lowerBound: Double?
    /// `(objective − lowerBound) / objective`; 0 when optimal; nil where no bound was sought.
    public var gap: Double?
    /// Whether the placement is proven to be the best there is.
    public var optimal: Bool
    /// What becomes of the traffic.
    public var traffic: Traffic
    /// How full the nodes are.
    public var utilization: Utilization
    /// How many replicas run elsewhere than now.
    public var moves: Int
    /// The way from what runs now to the placement, in an order in which no node is over capacity at any step; nil
    /// where nothing is to be done.
    public var moveOrder: [Move]?
    /// Moves that no order makes room for; nil where there are none.
    public var blockedMoves: [Move]?
    /// The constraints that the placement breaks, a sentence each; nil where it breaks none.
    public var violations: [String]?
    /// How the placement was found; nil where it was given.
    public var solver: Solver?
    /// When the placement was made, as RFC 3339 text; nil in a file, which is to depend on its inputs alone.
    public var planned: String?
    /// When it was last compared with the cluster and its traffic, of which the other figures speak; as RFC 3339 text.
    public var checked: String?
  }

  /// What becomes of the traffic between workloads under the plan.
  public struct Traffic: Codable, Hashable, Sendable {
    /// All traffic between the plan's workloads, in ``unit``.
    public var total: Double
    /// What leaves its node.
    public var crossNode: Double
    /// The part that stays, from 0 to 1.
    public var localizedShare: LocalizedShare
    /// `bytesPerSecond` or `requestsPerSecond`.
    public var unit: String
    /// What several traffic matrices count together: `mean` or `worst`; nil where there is one, without a name.
    public var combined: String?
    /// The figures of each; nil where there is one, without a name.
    public var matrices: [TrafficMatrix]?
  }

  /// What becomes of the traffic of one time among several, such as by day or at night.
  public struct TrafficMatrix: Codable, Hashable, Sendable {
    /// The name under which it was given.
    public var name: String
    /// What it counts in the mean, relative to the others; nil where the worst counts.
    public var weight: Double?
    /// All traffic between the plan's workloads, in the unit of all matrices.
    public var total: Double
    /// What leaves its node.
    public var crossNode: Double
    /// The part that stays, from 0 to 1.
    public var localizedShare: LocalizedShare
  }

  /// The traffic-weighted mean share of traffic that stays within a tier, from 0 to 1.
  public struct LocalizedShare: Codable, Hashable, Sendable {
    /// What stays on its node.
    public var node: Double
    /// What stays in its zone.
    public var zone: Double
  }

  /// How full the nodes are, each by its fullest resource, from 0 to 1.
  public struct Utilization: Codable, Hashable, Sendable {
    /// The fullest node.
    public var max: Double
    /// The mean over all nodes.
    public var mean: Double
  }

  /// Replicas that go from one node to another, appear or disappear.
  public struct Move: Codable, Hashable, Sendable {
    /// The workload.
    public var workload: WorkloadReference
    /// How many replicas.
    public var replicas: Int
    /// The node that they leave; nil for new replicas.
    public var from: String?
    /// The node where they go; nil for replicas that are no longer wanted.
    public var to: String?
    /// `stop` where they must stop first and start in a later step, `start` for that later step; nil for a whole move,
    /// which starts them where they go before it stops them where they were.
    public var part: String?
  }

  /// How the plan was found.
  public struct Solver: Codable, Hashable, Sendable {
    /// How long the search took.
    public var seconds: Double
    /// The seed of its random choices.
    public var seed: UInt64
  }
}
