/// How to get from the current placement to another, step by step.
public struct MoveOrder: Hashable, Sendable {
  /// Which half of a move a step does.
  public enum Part: Hashable, Sendable {
    /// Both: the replica starts where it goes, then it stops where it was, so that it serves all the while.
    case whole
    /// The stop alone. The start follows as a later step, once there is room, and until then the replica is missing.
    case stop
    /// The start of a replica that an earlier step stopped.
    case start
  }

  /// Replicas of one workload that go from one node to another, appear, or disappear.
  public struct Step: Hashable, Sendable {
    /// Index of the workload.
    public var workload: Int
    /// How many replicas.
    public var replicas: Int
    /// The node where they ran; nil for new replicas.
    public var from: Int?
    /// The node where they will run; nil for replicas that are no longer wanted.
    public var to: Int?
    /// Which half of the move this step does.
    public var part: Part

    /// Makes a step.
    public init(workload: Int, replicas: Int, from: Int?, to: Int?, part: Part = .whole) {
      self.workload = workload
      self.replicas = replicas
      self.from = from
      self.to = to
      self.part = part
    }

    /// Whether replicas change their node by this step: neither new nor removed, and not the first half of a move.
    public var isMove: Bool { from != nil && to != nil && part != .stop }
  }

  /// The steps in an order in which no node that has room for what runs on it gets too full, not even while a replica
  /// runs both where it was and where it goes.
  public var steps: [Step]
  /// What cannot be ordered so, because the placement asked for is itself over capacity on the node it goes to.
  public var blocked: [Step]

  /// The moves that wait for each other in a circle: each stops its replica first and starts it in a later step.
  public var interruptions: [Step] { steps.filter { $0.part == .stop } }
  /// How many replicas change their node, as ``Problem/moves(_:)`` counts them.
  public var moveCount: Int { (steps + blocked).reduce(0) { $0 + ($1.isMove ? $1.replicas : 0) } }
}

extension Problem {
  /// Orders the moves from ``Problem/current`` to a placement.
  ///
  /// A node is called *wanted* where what still has to start there is more than what is free now. A step into a node
  /// that is not wanted harms nobody and is taken at once. Into a wanted node only those replicas go that leave another
  /// wanted node, for the room that they make there. Where that comes to a halt, moves wait for each other in a circle;
  /// then one of them stops its replica first, of a workload with other replicas running if there is one.
  /// The general problem is NP-hard; this takes about linear time, and may interrupt a replica where a cleverer order
  /// would not.
  public func moveOrder(to target: Assignment) -> MoveOrder {
    var planner = MovePlanner(self, target)
    return planner.plan()
  }
}
