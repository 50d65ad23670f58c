import Model
import Placement

extension ClusterProblem {
  /// Why there can be no placement, as far as quick counting shows: each sentence names a small set of demands that
  /// cannot hold together. Empty where counting finds nothing, which does not mean that there is a placement.
  ///
  /// It is checked, from the smallest cause to the largest: that some node may run each workload, that one has room
  /// for a replica, that the nodes together have room for all of its replicas; its anti-affinity and spread; groups of
  /// workloads that must share few nodes (Hall's condition); and the cluster as a whole. What an earlier check
  /// found is not repeated by later ones.
  package func conflicts() -> [String] {
    ProblemConflicts(self).find()
  }
}

/// Counts what each workload needs against what its nodes have.
struct ProblemConflicts {
  let cluster: ClusterProblem
  let problem: Problem
  /// Nodes that are alike, in capacity and limits, share a class.
  private let classOfNode: [Int]
  /// A node of each class.
  private let nodeOfClass: [Int]
  private let sizeOfClass: [Int]
  /// The rules of each workload that have it in the first place.
  private let rulesOf: [Int: [Problem.Rule]]

  init(_ cluster: ClusterProblem) {
    self.cluster = cluster
    let problem = cluster.problem
    self.problem = problem
    classOfNode = problem.nodeClasses
    var nodeOfClass: [Int] = []
    var sizeOfClass: [Int] = []
    for (n, c) in classOfNode.enumerated() {
      if c == nodeOfClass.count {
        nodeOfClass.append(n)
        sizeOfClass.append(0)
      }
      sizeOfClass[c] += 1
    }
    self.nodeOfClass = nodeOfClass
    self.sizeOfClass = sizeOfClass
    var rulesOf: [Int: [Problem.Rule]] = [:]
    for rule in problem.rules {
      switch rule {
      case .atMost(let w, _, _), .spread(let w, _, _, _, _, _, _), .together(let w, _, _, _, _, _):
        rulesOf[w, default: []].append(rule)
      case .apart: break
      }
    }
    self.rulesOf = rulesOf
  }

  func find() -> [String] {
    guard !problem.workloads.isEmpty else { return [] }
    guard !problem.nodes.isEmpty else { return ["no node takes replicas"] }
    var conflicts: [String] = []
    var hopeless: Set<Int> = []
    for w in problem.workloads.indices {
      if let conflict = tooLittleRoom(w) ?? tooFewDomains(w) ?? noneFirst(w) {
        conflicts.append(conflict)
        hopeless.insert(w)
      }
    }
    conflicts += crowds(except: hopeless)
    return conflicts
  }

  /// How many replicas of a workload a node of each class has room for, were it alone.
  private func room(_ w: Int) -> [Int] {
    let limits = problem.limitRows[problem.workloads[w].limitRow]
    return nodeOfClass.map { n in
      max(problem.room(workload: w, node: n, limit: limits[n]), problem.staying(workload: w, node: n))
    }
  }

  /// How many replicas of a workload all nodes have room for, were it alone.
  private func roomInAll(_ w: Int) -> Int {
    zip(room(w), sizeOfClass).reduce(0) { $0 + $1.0 * $1.1 }
  }

  // MARK: - One workload

  /// The nodes that one workload needs, and has not.
  private func tooLittleRoom(_ w: Int) -> String? {
    let workload = problem.workloads[w]
    guard roomInAll(w) < workload.replicas else { return nil }
    let limits = problem.limitRows[workload.limitRow]
    let allowed = problem.nodes.indices.filter { problem.limit(workload: w, node: $0) > 0 }
    guard !allowed.isEmpty else {
      let total = problem.nodes.count
      let causes = restrictions(w).map { "\($0.phrase): \(total - $0.excluded) of \(total)" }
      return "\(workload.name) needs nodes \(phrase(w)): no node matches"
        + (causes.count > 1 ? " (\(causes.joined(separator: "; ")))" : "")
    }
    if room(w).allSatisfy({ $0 == 0 }) { return noRoomForOne(w, allowed) }
    if allowed.allSatisfy({ limits[$0] == 1 }), allowed.count < workload.replicas {
      return "\(workload.name) has \(workload.replicas) replicas of which a node may hold one: "
        + "\(nodes(allowed.count)) \(allowed.count == 1 ? "matches" : "match")"
    }
    return "\(workload.name) needs room for \(workload.replicas) × \(needs(w))\(onNodes(w)): "
      + "\(nodes(allowed.count)) \(allowed.count == 1 ? "matches" : "match"), with room for \(roomInAll(w))"
  }

  /// No node has room for a single replica: names the resource that the fewest nodes have enough of.
  private func noRoomForOne(_ w: Int, _ allowed: [Int]) -> String {
    let scarce = requested(w).map { k in
      (k, fitting: allowed.count { problem.capacity(node: $0, resource: k) >= request(w, k) })
    }.min { $0.fitting < $1.fitting }
    let matching = "\(nodes(allowed.count)) \(allowed.count == 1 ? "matches" : "match")"
    guard let (k, fitting) = scarce, fitting == 0 else {
      return "\(problem.workloads[w].name) needs \(needs(w))\(onNodes(w)): \(matching), none has all of it left"
    }
    let largest = allowed.map { problem.capacity(node: $0, resource: k) }.max() ?? 0
    let name = problem.workloads[w].name
    let need = ProblemAmount(request(w, k), of: problem.resources[k])
    if allowed.allSatisfy({ problem.allocatable[$0 * problem.resources.count + k] == 0 }) {
      return "\(name) needs \(need)\(onNodes(w)): \(matching), none has \(problem.resources[k])"
    }
    let left = ProblemAmount(largest, of: problem.resources[k]).text(roundedDown: true)
    return "\(name) needs \(need)\(onNodes(w)): \(matching), the largest has \(left) left"
  }

  /// Rules of one workload with itself that leave too few places.
  private func tooFewDomains(_ w: Int) -> String? {
    let workload = problem.workloads[w]
    for rule in rulesOf[w] ?? [] {
      switch rule {
      case .atMost(w, let p, let count):
        let partition = problem.partitions[p]
        let stays = staysByDomain(w, partition)
        let places = zip(roomByDomain(w, partition), stays).reduce(roomOutside(w, partition)) {
          $0 + max($1.1, min(count, $1.0))
        }
        if places < workload.replicas {
          return "\(workload.name) has \(workload.replicas) replicas, at most \(count) in each \(partition.name): "
            + "there is room for \(places)"
        }
      case .spread(w, let members, let p, let maxSkew, let minDomains, let base, let eligible):
        guard members == [w], base.allSatisfy({ $0 == 0 }) else { continue }
        let partition = problem.partitions[p]
        let rooms = zip(roomByDomain(w, partition), eligible).filter(\.1).map(\.0)
        let lowest = rooms.count < minDomains ? 0 : rooms.min() ?? 0
        let stays = zip(staysByDomain(w, partition), eligible).filter(\.1).map(\.0)
        let places = zip(rooms, stays).reduce(roomOutside(w, partition)) {
          $0 + max($1.1, min($1.0, lowest + maxSkew))
        }
        if places < workload.replicas {
          return "\(workload.name) has \(workload.replicas) replicas to spread over \(rooms.count) × \(partition.name)"
            + (rooms.count < minDomains ? " (at least \(minDomains) are asked for)" : "")
            + " with a skew of at most \(maxSkew): the emptiest has room for \(rooms.min() ?? 0), so that "
            + "\(places) can be placed"
        }
      default: continue
      }
    }
    return nil
  }

  /// An affinity that nobody can be the first to satisfy.
  private func noneFirst(_ w: Int) -> String? {
    let name = problem.workloads[w].name
    for case .together(w, let others, let staying, let p, let present, false) in rulesOf[w] ?? [] {
      let runs = (staying + [w]).contains { v in
        (problem.current[v] ?? []).contains { problem.staying(workload: v, node: $0.node) > 0 }
      }
      guard others.isEmpty, !present.contains(true), !runs else { continue }
      let names = ProblemWarnings.list(staying.map { problem.workloads[$0].name })
      return "\(name) must share a \(problem.partitions[p].name) with \(names), whose affinity waits for \(name): "
        + "kube-scheduler starts neither, as only a pod that its own affinity selects may be the first"
    }
    return nil
  }

  private func roomByDomain(_ w: Int, _ partition: Problem.Partition) -> [Int] {
    var rooms = Array(repeating: 0, count: partition.count)
    let room = room(w)
    for n in problem.nodes.indices where partition.domain[n] >= 0 {
      rooms[Int(partition.domain[n])] += room[classOfNode[n]]
    }
    return rooms
  }

  /// What runs in each domain and may stay there, whatever a rule says.
  private func staysByDomain(_ w: Int, _ partition: Problem.Partition) -> [Int] {
    var stays = Array(repeating: 0, count: partition.count)
    for place in problem.current[w] ?? [] where partition.domain[place.node] >= 0 {
      stays[Int(partition.domain[place.node])] += problem.staying(workload: w, node: place.node)
    }
    return stays
  }

  private func roomOutside(_ w: Int, _ partition: Problem.Partition) -> Int {
    let room = room(w)
    return problem.nodes.indices.reduce(0) { $0 + (partition.domain[$1] < 0 ? room[classOfNode[$1]] : 0) }
  }

  // MARK: - Many workloads

  /// Sets of nodes that some workloads cannot leave, and that are too small for them: Hall's condition for each
  /// resource, on the sets of nodes where a replica of some workload fits, and on all nodes.
  private func crowds(except hopeless: Set<Int>) -> [String] {
    var members: [NodeSet: [Int]] = [NodeSet(problem.nodes.map { _ in true }): []]
    let byClasses = Dictionary(grouping: problem.workloads.indices.filter { !hopeless.contains($0) }) { w in
      room(w).map { $0 > 0 }
    }
    for (hasRoom, workloads) in byClasses { members[NodeSet(classOfNode.map { hasRoom[$0] })] = workloads }
    // What runs on a node that is too full may stay there.
    let stays = problem.resources.indices.map { k in
      problem.nodes.indices.map { n in
        problem.current.indices.reduce(Int64(0)) { $0 + request($1, k) * Int64(problem.staying(workload: $1, node: n)) }
      }
    }
    var conflicts: [String] = []
    var named: [NodeSet] = []
    for set in members.keys.sorted() {
      // What holds for few nodes explains what holds for more.
      if named.contains(where: { $0.isSubset(of: set) }) { continue }
      let inside = members.filter { $0.key.isSubset(of: set) }.flatMap(\.value).sorted()
      if let conflict = crowd(inside, on: set.nodes, stays) {
        conflicts.append(conflict)
        named.append(set)
      }
    }
    return conflicts
  }

  private func crowd(_ workloads: [Int], on set: [Int], _ stays: [[Int64]]) -> String? {
    for (k, resource) in problem.resources.enumerated() {
      let capacity = set.reduce(0.0) { $0 + Double(max(problem.capacity(node: $1, resource: k), stays[k][$1])) }
      func demand(_ w: Int) -> Double { Double(request(w, k)) * Double(problem.workloads[w].replicas) }
      let total = workloads.reduce(0) { $0 + demand($1) }
      guard total > capacity else { continue }
      let has = ProblemAmount(Int64(saturating: capacity), of: resource).text(roundedDown: true)
      let needs = ProblemAmount(Int64(saturating: total), of: resource)
      // The largest first, as many as it takes.
      var few: [Int] = []
      var sum = 0.0
      for w in workloads.sorted(by: { (demand($1), $0) < (demand($0), $1) }) where sum <= capacity {
        few.append(w)
        sum += demand(w)
      }
      let subset = few.count <= 5 && few.count < workloads.count
      let names = (subset ? few : workloads).map { problem.workloads[$0].name }
      let need = subset ? ProblemAmount(Int64(saturating: sum), of: resource) : needs
      if set.count == problem.nodes.count {
        return "the workloads need \(needs) in all: \(nodes(set.count)) \(set.count == 1 ? "has" : "have") \(has) left"
      }
      let places = set.map { problem.nodes[$0].name }
      return "\(ProblemWarnings.list(names)) \(names.count == 1 ? "needs" : "need together") \(need), and can run on "
        + "\(ProblemWarnings.list(places)) only: \(set.count == 1 ? "it has" : "these have") \(has) left"
    }
    return nil
  }

  // MARK: - Words

  private func request(_ w: Int, _ k: Int) -> Int64 { problem.requests[w * problem.resources.count + k] }

  private func requested(_ w: Int) -> [Int] { problem.resources.indices.filter { request(w, $0) > 0 } }

  /// What one replica needs, the pod itself left out.
  private func needs(_ w: Int) -> String {
    let parts = requested(w).filter { problem.resources[$0] != "pods" }.map {
      "\(ProblemAmount(request(w, $0), of: problem.resources[$0]))"
    }
    return parts.isEmpty ? "1 pod" : parts.joined(separator: " and ")
  }

  private func restrictions(_ w: Int) -> [ClusterProblem.Restriction] {
    w < cluster.restrictions.count ? cluster.restrictions[w] : []
  }

  private func phrase(_ w: Int) -> String { restrictions(w).map(\.phrase).joined(separator: " and ") }

  private func onNodes(_ w: Int) -> String { restrictions(w).isEmpty ? "" : " on nodes \(phrase(w))" }

  private func nodes(_ count: Int) -> String { count == 1 ? "1 node" : "\(count) nodes" }
}

/// A set of nodes, as bits.
private struct NodeSet: Hashable, Comparable {
  private var words: [UInt64]
  private let count: Int

  init(_ isIn: [Bool]) {
    words = Array(repeating: 0, count: (isIn.count + 63) / 64)
    for (n, isIn) in isIn.enumerated() where isIn { words[n / 64] |= 1 << UInt64(truncatingIfNeeded: n % 64) }
    count = isIn.count(where: \.self)
  }

  func isSubset(of other: NodeSet) -> Bool {
    zip(words, other.words).allSatisfy { $0 & ~$1 == 0 }
  }

  var nodes: [Int] {
    (0..<words.count * 64).filter { words[$0 / 64] >> UInt64(truncatingIfNeeded: $0 % 64) & 1 == 1 }
  }

  /// Fewer nodes first, then those that come earlier.
  static func < (a: NodeSet, b: NodeSet) -> Bool {
    a.count == b.count ? a.nodes.lexicographicallyPrecedes(b.nodes) : a.count < b.count
  }
}

extension Problem {
  /// The class of each node, numbered in order of appearance: nodes of the same capacity and limits are alike.
  fileprivate var nodeClasses: [Int] {
    var classes = nodes.map { _ in 0 }
    /// Splits the classes by a value of each node.
    func split(by value: (Int) -> Int64) {
      var number: [SIMD2<Int64>: Int] = [:]
      for n in classes.indices {
        let key = SIMD2(Int64(classes[n]), value(n))
        classes[n] = number[key] ?? number.count
        number[key] = classes[n]
      }
    }
    for k in resources.indices { split { capacity(node: $0, resource: k) } }
    for row in limitRows { split { Int64(row[$0]) } }
    for w in current.indices where current[w] != nil {
      split { Int64(staying(workload: w, node: $0)) }
    }
    return classes
  }
}
