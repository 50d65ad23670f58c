/// A problem laid out for local search: only the workloads that matter to the objective or to rules (*members*), in
/// compressed adjacency form. The others, *fillers*, have no traffic and no rules; any node with room will do for them,
/// so they are packed into what the members leave.
struct SearchProblem: Sendable {
  /// One direction of an edge as seen from one of its ends.
  struct Neighbour {
    /// Compact index of the other end.
    var member: Int32
    /// What this edge's traffic costs when it leaves its node.
    var nodeCost: Double
    /// What it costs on top when it leaves its zone.
    var zoneCost: Double
  }

  let problem: Problem
  /// Workload of each member.
  let members: [Int]
  /// Workloads that are packed last.
  let fillers: [Int]
  /// `neighbours[firstNeighbour[m] ..< firstNeighbour[m + 1]]` are those of member `m`.
  let neighbours: [Neighbour]
  let firstNeighbour: [Int]
  /// Whether traffic that leaves its zone costs anything.
  let hasZones: Bool
  /// What all traffic would cost if none of it were local.
  let remoteCost: Double
  /// A floor of the peak utilization, because all replicas have to run somewhere.
  let utilizationFloor: Double
  /// Rules by member: indices into `problem.rules` that a move of the member can break.
  let rulesOf: [[Int]]
  /// Compact index of each workload; −1 for fillers.
  let memberOf: [Int]
  /// What runs now and may stay.
  let staying: Staying
  /// Members that have to share a domain with each other, of which a single one cannot leave it.
  let companies: [Company]
  /// The company of each member; −1 for none.
  let companyOf: [Int]

  /// Members that rules keep in one domain.
  struct Company: Sendable {
    var members: [Int]
    var partition: Int
    /// The nodes of each domain.
    var nodes: [[Int32]]
  }

  /// Lays out a problem.
  ///
  /// - Parameter packsFillers: whether workloads without traffic may be left out of the search; if not, all are members.
  init(_ problem: Problem, packsFillers: Bool) {
    self.problem = problem
    var rulesOfWorkload = [[Int]](repeating: [], count: problem.workloads.count)
    for (index, rule) in problem.rules.enumerated() {
      for w in rule.workloads { rulesOfWorkload[w].append(index) }
    }
    var degree = [Int](repeating: 0, count: problem.workloads.count)
    for edge in problem.edges {
      degree[edge.u] += 1
      degree[edge.v] += 1
    }
    let movesMatter = problem.movesMatter
    staying = Staying(problem)
    var members: [Int] = []
    var fillers: [Int] = []
    var memberOf = [Int](repeating: -1, count: problem.workloads.count)
    for w in problem.workloads.indices where problem.workloads[w].replicas > 0 {
      let isFiller =
        packsFillers && degree[w] == 0 && rulesOfWorkload[w].isEmpty && !(movesMatter && problem.current[w] != nil)
        && !staying.overfills(w, problem)
      if isFiller {
        fillers.append(w)
      } else {
        memberOf[w] = members.count
        members.append(w)
      }
    }
    hasZones = problem.zones.count > 1 && problem.weights.leavingZone > 0
    var lists = [[Neighbour]](repeating: [], count: members.count)
    for edge in problem.edges {
      let (u, v) = (memberOf[edge.u], memberOf[edge.v])
      guard u >= 0, v >= 0 else { continue }
      let nodeCost = edge.traffic * problem.weights.leavingNode
      let zoneCost = hasZones ? edge.traffic * problem.weights.leavingZone : 0
      lists[u].append(Neighbour(member: Int32(truncatingIfNeeded: v), nodeCost: nodeCost, zoneCost: zoneCost))
      lists[v].append(Neighbour(member: Int32(truncatingIfNeeded: u), nodeCost: nodeCost, zoneCost: zoneCost))
    }
    // Heavy edges first: a random neighbour is drawn by weight with a walk from the front.
    for m in lists.indices { lists[m].sort { $0.nodeCost > $1.nodeCost } }
    var first = [0]
    for list in lists { first.append(first[first.count - 1] + list.count) }
    neighbours = lists.flatMap(\.self)
    firstNeighbour = first
    let zoned = hasZones
    remoteCost = problem.edges.reduce(0) {
      $0 + $1.traffic * (problem.weights.leavingNode + (zoned ? problem.weights.leavingZone : 0))
    }
    utilizationFloor = problem.utilizationFloor
    self.members = members
    rulesOf = members.map { rulesOfWorkload[$0] }
    self.fillers = fillers
    self.memberOf = memberOf
    companies = Self.companies(problem, memberOf)
    var companyOf = [Int](repeating: -1, count: members.count)
    for (index, company) in companies.enumerated() {
      for m in company.members { companyOf[m] = index }
    }
    self.companyOf = companyOf
  }

  /// The workloads that are together with themselves, and those that are together with them.
  private static func companies(_ problem: Problem, _ memberOf: [Int]) -> [Company] {
    var companies: [Company] = []
    var known = Set<Int>()
    for case .together(let leader, _, _, let p, _, true) in problem.rules where known.insert(leader).inserted {
      var workloads = [leader]
      var next = 0
      while next < workloads.count {
        for case .together(let w, let others, let staying, _, _, let first) in problem.rules
        where !first && !known.contains(w) && (others + staying).contains(workloads[next]) {
          known.insert(w)
          workloads.append(w)
        }
        next += 1
      }
      var nodes = Array(repeating: [Int32](), count: problem.partitions[p].count)
      for (n, d) in problem.partitions[p].domain.enumerated() where d >= 0 { nodes[Int(d)].append(Int32(n)) }
      let members = workloads.map { memberOf[$0] }.filter { $0 >= 0 }
      companies.append(Company(members: members, partition: p, nodes: nodes))
    }
    return companies
  }
}

extension Staying {
  /// Whether a workload runs on a node that is too full of what it requests.
  func overfills(_ w: Int, _ problem: Problem) -> Bool {
    guard !overfull.isEmpty else { return false }
    let count = problem.resources.count
    return placed[w].contains { place in
      (0..<count).contains { overfull[place.node * count + $0] && problem.requests[w * count + $0] > 0 }
    }
  }
}

extension Problem.Rule {
  /// The workloads whose moves can break the rule.
  var workloads: [Int] {
    switch self {
    case .atMost(let workload, _, _): [workload]
    case .apart(let workload, let other, _): [workload, other]
    case .together(let workload, let others, let staying, _, _, _):
      [workload] + others.filter { $0 != workload } + staying.filter { $0 != workload && !others.contains($0) }
    case .spread(let workload, let members, _, _, _, _, _): [workload] + members.filter { $0 != workload }
    }
  }
}

extension Problem {
  /// Whether it matters where replicas run now.
  var movesMatter: Bool {
    (weights.move > 0 || weights.maxMoves != nil) && current.contains { $0 != nil }
  }

  /// A lower bound on the peak utilization: all load over all that is allocatable, resource by resource, and every
  /// node's reserved share. What may stay on nodes that offer none of a resource counts for no utilization.
  var utilizationFloor: Double {
    var floor = 0.0
    for k in resources.indices {
      var load = 0.0
      var supply = 0.0
      for (w, workload) in workloads.enumerated() {
        let request = requests[w * resources.count + k]
        guard request > 0 else { continue }
        let evicted = evictedFrom[w] ?? []
        let stranded = (current[w] ?? []).reduce(0) { sum, place in
          let isOffered = allocatable[place.node * resources.count + k] > 0
          return isOffered || evicted.contains(place.node) ? sum : sum + place.replicas
        }
        load += Double(request) * Double(max(0, workload.replicas - stranded))
      }
      for n in nodes.indices {
        let i = n * resources.count + k
        guard allocatable[i] > 0 else { continue }
        load += Double(reserved[i])
        supply += Double(allocatable[i])
        floor = max(floor, Double(reserved[i]) / Double(allocatable[i]))
      }
      if supply > 0 { floor = max(floor, load / supply) }
    }
    return floor
  }
  /// The utilization of each node's resources with nothing of them left: 1, more where what others use exceeds what is
  /// allocatable, and 0 where the node offers none of the resource, which counts for no utilization.
  var fullUtilizations: [Double] {
    zip(allocatable, reserved).map { offered, reserved in
      offered > 0 ? max(1, Double(reserved) / Double(offered)) : 0
    }
  }
}
