internal import Model

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Simulated annealing over shifts, swaps and bundles of replicas.
///
/// A proposal starts from a random replica and pulls it (or several of its kind) towards a random node of one of its
/// traffic partners. Where the target is full, something there changes places with it. A *bundle* takes along, in
/// proportion, the partners that share the node, because moving one end alone never pays.
struct Annealing {
  var random: SeededGenerator
  /// Falls while the search goes on: a worsening of this size is accepted with probability 1/e.
  var temperature: Double = 0
  /// Proposals so far.
  private(set) var proposals = 0
  private(set) var accepted = 0

  private var isMeasuring = false
  private var measured = (sum: 0.0, count: 0)

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
  }

  /// Makes `count` proposals.
  mutating func run(_ state: inout SearchState, proposals count: Int) {
    guard state.replicaCount > 0, state.nodeCount > 1 else { return }
    for _ in 0..<count {
      propose(&state)
    }
    proposals += count
  }

  /// The mean size of the changes that random proposals would make, for setting temperatures; 0 where none would.
  mutating func typicalChange(_ state: inout SearchState, samples: Int) -> Double {
    measured = (0, 0)
    isMeasuring = true
    for _ in 0..<samples where state.replicaCount > 0 && state.nodeCount > 1 { propose(&state) }
    isMeasuring = false
    return measured.count > 0 ? measured.sum / Double(measured.count) : 0
  }

  /// Proposes shifts and swaps that look for room instead of traffic, until no capacity and no rule is broken.
  ///
  /// Starts from replicas on nodes that hold too much or, as rules can be broken anywhere, from any.
  mutating func repair(_ state: inout SearchState, proposals count: Int) {
    guard state.replicaCount > 0, state.nodeCount > 1 else { return }
    for _ in 0..<count where state.brokenCount > 0 {
      let r = random.below(state.replicaCount)
      let m = Int(state.memberOfReplica[r])
      let from = Int(state.nodeOfReplica[r])
      let to = random.below(state.nodeCount)
      if state.search.companyOf[m] >= 0, random.next() & 3 == 0 {
        attemptRelocation(m, to, &state)
        decide(&state)
        continue
      }
      if to == from || (state.isWithinCapacity(from) && random.next() & 3 != 0) { continue }
      guard state.allowed(m, to, 1) else { continue }
      state.attempt(m, from, to, 1)
      if !state.isWithinCapacity(to), random.next() & 1 == 0, state.replicasOn(to) > 0 {
        let victim = Int(state.memberOfReplica[state.replica(random.below(state.replicasOn(to)), on: to)])
        if victim != m, state.allowed(victim, from, 1) { state.attempt(victim, to, from, 1) }
      }
      decide(&state)
    }
    proposals += count
  }

  private mutating func propose(_ state: inout SearchState) {
    guard let r = state.draw(&random) else { return }
    let m = Int(state.memberOfReplica[r])
    let from = Int(state.nodeOfReplica[r])
    let dice = random.next()
    guard let to = target(for: m, from: from, dice, state) else { return }
    if state.search.companyOf[m] >= 0, dice & 0xC000 == 0 {
      proposeRelocation(m, to, &state)
      return
    }
    let here = state.counts(of: m, on: from)
    let k = here > 1 && dice & 0x300 == 0 ? 1 + random.below(here) : 1
    guard state.allowed(m, to, k) else { return }
    if dice & 0x1C00 == 0 {
      proposeBundle(m, from, to, k, &state)
    } else if state.mayBreak && dice & 0x2000 == 0 || state.fits(m, to, k) {
      state.attempt(m, from, to, k)
      decide(&state)
    } else {
      proposeSwap(m, from, to, k, &state)
    }
  }

  /// A node to pull towards: that of a partner's random replica, or now and then any node.
  private mutating func target(for m: Int, from: Int, _ dice: UInt64, _ state: borrowing SearchState) -> Int? {
    let partners = state.neighbours(of: m)
    let to: Int
    if partners.isEmpty || dice & 7 == 0 {
      to = random.below(state.nodeCount)
    } else {
      // Partners are sorted by weight; the smaller of two draws prefers the heavy ones.
      let pick = min(random.below(partners.count), random.below(partners.count))
      let partner = Int(partners[pick].member)
      let first = state.firstReplica[partner]
      to = Int(state.nodeOfReplica[first + random.below(state.firstReplica[partner + 1] - first)])
    }
    return to == from ? nil : to
  }

  private mutating func proposeSwap(_ m: Int, _ from: Int, _ to: Int, _ k: Int, _ state: inout SearchState) {
    let there = state.replicasOn(to)
    guard there > 0 else { return }
    state.attempt(m, from, to, k)
    // One victim often is not enough for a large newcomer; a few make room or the proposal is off.
    for _ in 0..<3 {
      if state.isWithinCapacity(to) { break }
      let victim = Int(state.memberOfReplica[state.replica(random.below(there), on: to)])
      let held = state.counts(of: victim, on: to)
      guard victim != m, held > 0 else { continue }
      let back = held > 1 && k > 1 ? 1 + random.below(held) : 1
      guard state.allowed(victim, from, back) else { continue }
      state.attempt(victim, to, from, back)
    }
    if state.mayBreak || state.isWithinCapacity(to) && state.isWithinCapacity(from) {
      decide(&state)
    } else {
      state.rollback()
    }
  }

  private mutating func proposeBundle(_ m: Int, _ from: Int, _ to: Int, _ k: Int, _ state: inout SearchState) {
    state.attempt(m, from, to, k)
    let replicas = state.firstReplica[m + 1] - state.firstReplica[m]
    for partner in state.neighbours(of: m) {
      let v = Int(partner.member)
      let held = state.counts(of: v, on: from)
      guard held > 0, random.next() & 3 != 0 else { continue }
      let replicasOfPartner = state.firstReplica[v + 1] - state.firstReplica[v]
      let proportional = (k * replicasOfPartner + replicas / 2) / replicas
      let take = min(held, max(1, proportional))
      guard state.allowed(v, to, take) else { continue }
      state.attempt(v, from, to, take)
    }
    var tries = 0
    while !state.isWithinCapacity(to) && tries < 6 {
      tries += 1
      let there = state.replicasOn(to)
      guard there > 0 else { break }
      let victim = Int(state.memberOfReplica[state.replica(random.below(there), on: to)])
      let held = state.counts(of: victim, on: to)
      guard held > 0 else { continue }
      let back = 1 + random.below(held)
      guard state.allowed(victim, from, back) else { continue }
      state.attempt(victim, to, from, back)
    }
    if state.mayBreak || state.isWithinCapacity(to) && state.isWithinCapacity(from) {
      decide(&state)
    } else {
      state.rollback()
    }
  }

  /// Takes a whole company to the domain of a node, as none of its members may leave the others.
  private mutating func proposeRelocation(_ m: Int, _ to: Int, _ state: inout SearchState) {
    let touched = attemptRelocation(m, to, &state)
    if let touched, state.mayBreak || touched.allSatisfy({ state.isWithinCapacity($0) }) {
      decide(&state)
    } else {
      state.rollback()
    }
  }

  /// Answers the nodes that take replicas; nil where not all may move.
  @discardableResult
  private mutating func attemptRelocation(_ m: Int, _ to: Int, _ state: inout SearchState) -> Set<Int>? {
    let company = state.search.companies[state.search.companyOf[m]]
    let domain = state.search.problem.partitions[company.partition].domain
    guard domain[to] >= 0 else { return nil }
    let nodes = company.nodes[Int(domain[to])]
    var touched = Set<Int>()
    for v in company.members {
      for r in state.firstReplica[v]..<state.firstReplica[v + 1] {
        let from = Int(state.nodeOfReplica[r])
        if domain[from] == domain[to] { continue }
        guard state.isOwn(from), let target = room(for: v, in: nodes, of: domain, state) else { return nil }
        state.attempt(v, from, target, 1)
        touched.insert(target)
      }
    }
    return touched
  }

  /// A node of a domain for one more replica of a member: of a partner, or any; with room, if a few looks find some.
  private mutating func room(
    for v: Int, in nodes: [Int32], of domain: [Int32], _ state: borrowing SearchState
  ) -> Int? {
    let partners = state.neighbours(of: v)
    var last: Int?
    for look in 0..<8 {
      var target = Int(nodes[random.below(nodes.count)])
      if look & 1 == 0, !partners.isEmpty {
        let partner = Int(partners[random.below(partners.count)].member)
        let first = state.firstReplica[partner]
        let near = Int(state.nodeOfReplica[first + random.below(state.firstReplica[partner + 1] - first)])
        if domain[near] == domain[target] { target = near }
      }
      guard state.allowed(v, target, 1) else { continue }
      last = target
      if state.fits(v, target, 1) { return target }
    }
    return last
  }

  private mutating func decide(_ state: inout SearchState) {
    guard let change = state.attemptedChange() else {
      state.rollback()
      return
    }
    if isMeasuring {
      if abs(change) > 0 { measured = (measured.sum + abs(change), measured.count + 1) }
      state.rollback()
      return
    }
    if change <= 0 || change < -temperature * log(random.unit()) {
      state.commit(change)
      accepted += 1
    } else {
      state.rollback()
    }
  }
}
