/// Makes patterns better for given prices by adding, dropping and exchanging single replicas: a fast way to patterns
/// that are worth something, before an exact search.
struct PatternImprover {
  private let tier: PatternTier
  private let group: PatternTier.Group
  /// Neighbours of item `i` are `neighbours[first[i]..<first[i + 1]]`.
  private var first: [Int] = [0]
  private var neighbours: [(item: Int, gain: Double)] = []
  private let part: [Double]
  private let clashes: [[Int]]

  init(_ tier: PatternTier, group: PatternTier.Group) {
    self.tier = tier
    self.group = group
    part = tier.replicas.map { 1 / Double($0) }
    var lists: [[(item: Int, gain: Double)]] = Array(repeating: [], count: tier.itemCount)
    for edge in tier.edges {
      lists[edge.u].append((edge.v, edge.gain))
      lists[edge.v].append((edge.u, edge.gain))
    }
    for list in lists {
      neighbours += list
      first.append(neighbours.count)
    }
    var clashes: [[Int]] = Array(repeating: [], count: tier.itemCount)
    for (a, b) in tier.conflicts {
      clashes[a].append(b)
      clashes[b].append(a)
    }
    self.clashes = clashes
  }

  /// What an item's count adds to the worth of a pattern.
  private func worth(_ item: Int, _ count: Int32, _ counts: [Int32], _ price: Double) -> Double {
    var worth = -price * Double(count)
    let own = Double(count) * part[item]
    for n in first[item]..<first[item + 1] {
      let (other, gain) = neighbours[n]
      worth += gain * min(own, Double(counts[other]) * part[other])
    }
    return worth
  }

  /// Takes the best steps until none makes the pattern worth more.
  func improve(_ counts: inout [Int32], prices: [Double]) {
    let items = tier.itemCount
    let resourceCount = tier.resourceCount
    var load = Array(repeating: Int64(0), count: resourceCount)
    for item in 0..<items {
      for k in 0..<resourceCount { load[k] += Int64(counts[item]) * tier.requests[item * resourceCount + k] }
    }
    var more = Array(repeating: 0.0, count: items)
    var less = Array(repeating: 0.0, count: items)
    let least = 1e-9 * tier.totalGain
    for _ in 0..<100 {
      var held: [Int] = []
      for item in 0..<items {
        let now = worth(item, counts[item], counts, prices[item])
        let mayGrow = Int(counts[item]) < group.limits[item] && clashes[item].allSatisfy { counts[$0] == 0 }
        more[item] = mayGrow ? worth(item, counts[item] + 1, counts, prices[item]) - now : -.infinity
        guard counts[item] > 0 else { continue }
        held.append(item)
        less[item] = worth(item, counts[item] - 1, counts, prices[item]) - now
      }
      var best = (change: least, add: -1, drop: -1)
      for add in 0..<items where more[add] > best.change && fits(load, add, nil) { best = (more[add], add, -1) }
      for drop in held {
        if less[drop] > best.change { best = (less[drop], -1, drop) }
        for add in 0..<items where add != drop && less[drop] + more[add] > best.change && fits(load, add, drop) {
          counts[drop] -= 1
          let added = worth(add, counts[add] + 1, counts, prices[add]) - worth(add, counts[add], counts, prices[add])
          counts[drop] += 1
          if less[drop] + added > best.change { best = (less[drop] + added, add, drop) }
        }
      }
      if best.add < 0 && best.drop < 0 { return }
      for (item, change) in [(best.add, Int32(1)), (best.drop, -1)] where item >= 0 {
        counts[item] += change
        for k in 0..<resourceCount {
          load[k] += Int64(truncatingIfNeeded: change) * tier.requests[item * resourceCount + k]
        }
      }
    }
  }

  private func fits(_ load: [Int64], _ add: Int, _ drop: Int?) -> Bool {
    for k in load.indices {
      var sum = load[k] + tier.requests[add * tier.resourceCount + k]
      if let drop { sum -= tier.requests[drop * tier.resourceCount + k] }
      if sum > group.capacity[k] { return false }
    }
    return true
  }
}
