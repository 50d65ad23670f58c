import Fleet
import Formats
import Kubernetes
import Model

/// The rules of a route that a policy splits, as they were read, and the patch that gives them other weights.
///
/// Only the shares of the policy's own destinations change, that is of the service here and of its neighbours. Where a
/// rule has other destinations too, those of the policy together keep the share that they have, and so do the others: all
/// weights grow in proportion where they are too small to tell the split by. Destinations of the service that have weights of
/// their own, such as subsets, keep their proportion exactly, however often they are rewritten: it is read off their
/// weights, less what divides all of them.
struct WeightedRoute: Hashable, Sendable {
  /// The parts in which a share is written where nothing asks for others.
  static let parts = 1000
  /// The most that a weight grows to, which is what every kind of route bears.
  fileprivate static let mostWeight: Int64 = 1_000_000

  /// A rule that has the service and a neighbour among its destinations.
  fileprivate struct Rule: Hashable, Sendable {
    /// Its place among the rules.
    var index: Int
    /// All of its destinations, as they were read.
    var destinations: JSONValue
    /// The weights of all of them.
    var weights: [Int64]
    /// The places of the service's destinations.
    var local: [Int]
    /// The places of each neighbour's destinations.
    var remote: [[Int]]
  }

  private let kind: OverflowPolicy.Route.Kind
  private let rules: [Rule]

  /// Whether nothing in the route is split: none of its rules has both the service and a neighbour.
  var isEmpty: Bool { rules.isEmpty }

  /// Reads the rules of a route.
  ///
  /// - Parameters:
  ///   - object: the route, whatever is in it.
  ///   - route: what the policy says of it.
  ///   - policy: whose destinations count.
  init(_ object: JSONValue, _ route: OverflowPolicy.Route, of policy: OverflowPolicy) {
    kind = route.kind
    let namespace = policy.key.namespace
    let local = DestinationName(policy.spec.service, in: namespace)
    let neighbours = policy.spec.neighbours.map { DestinationName($0.host, in: namespace) }
    let fields = route.kind.fields
    rules = (object["spec"]?[fields.rules]?.array ?? []).enumerated().compactMap { index, rule in
      guard route.rules.isEmpty || rule["name"]?.string.map(route.rules.contains) == true,
        let destinations = rule[fields.destinations], let list = destinations.array
      else { return nil }
      let hosts = list.map { route.kind.host(of: $0, in: namespace) }
      let own = hosts.indices.filter { hosts[$0] == local }
      let remote = neighbours.map { name in hosts.indices.filter { hosts[$0] == name } }
      guard !own.isEmpty, remote.contains(where: { !$0.isEmpty }) else { return nil }
      let weights = list.map { max(0, $0["weight"]?.integer ?? route.kind.defaultWeight(among: list.count)) }
      guard weights.allSatisfy({ $0 <= Int64(clamping: Int32.max) }) else { return nil }
      return Rule(index: index, destinations: destinations, weights: weights, local: own, remote: remote)
    }
  }

  /// The patch that splits the rules, on the condition that their destinations are as they were read; empty where there
  /// is nothing to change.
  ///
  /// - Parameter split: what the service and each neighbour get of so many parts, whole numbers of that sum, of which one
  ///   at least is not zero.
  func patch(_ split: (_ parts: Int) -> (local: Int, remote: [Int])) -> [Patch.Operation] {
    var operations: [Patch.Operation] = []
    for rule in rules {
      let weights = rule.weights(split, upTo: kind.mostWeight)
      guard !rule.isSplit(as: weights) else { continue }
      let fields = kind.fields
      let path = "/spec/\(fields.rules)/\(rule.index)/\(fields.destinations)"
      operations.append(.test(path, rule.destinations))
      for place in weights.indices
      where weights[place] != rule.weights[place] || (rule.places.contains(place) && rule.lacksWeight(at: place)) {
        operations.append(.add("\(path)/\(place)/weight", .integer(weights[place])))
      }
    }
    return operations
  }

  /// The shares that the first rule has after the patch for a split, as ``shares`` has them.
  func shares(after split: (_ parts: Int) -> (local: Int, remote: [Int])) -> (local: Double, remote: [Double])? {
    guard var rule = rules.first else { return nil }
    let weights = rule.weights(split, upTo: kind.mostWeight)
    if !rule.isSplit(as: weights) { rule.weights = weights }
    return rule.shares
  }

  /// The share of the service itself and of each neighbour in the first rule, of what goes to them at all; nil where
  /// nothing does.
  var shares: (local: Double, remote: [Double])? {
    rules.first?.shares
  }

  /// The hosts of the destinations of each rule of a route, in the order in which they stand there; nil for a destination
  /// that has none.
  static func hosts(
    of object: JSONValue, _ kind: OverflowPolicy.Route.Kind, in namespace: String
  ) -> [[DestinationName?]] {
    (object["spec"]?[kind.fields.rules]?.array ?? []).map { rule in
      (rule[kind.fields.destinations]?.array ?? []).map { kind.host(of: $0, in: namespace) }
    }
  }
}

extension WeightedRoute.Rule {
  /// The places of all destinations of the policy.
  fileprivate var places: [Int] { local + remote.joined() }

  fileprivate var shares: (local: Double, remote: [Double])? {
    let total = total(of: places)
    guard total > 0 else { return nil }
    return (
      Double(self.total(of: local)) / Double(total), remote.map { Double(self.total(of: $0)) / Double(total) }
    )
  }

  fileprivate func total(of places: [Int]) -> Int64 { places.reduce(0) { $0 + weights[$1] } }

  fileprivate func lacksWeight(at place: Int) -> Bool { destinations.array?[place]["weight"]?.integer == nil }

  /// The weights of all destinations for a split, none above a limit; those that there are where these cannot be had.
  fileprivate func weights(_ split: (Int) -> (local: Int, remote: [Int]), upTo limit: Int64) -> [Int64] {
    let found = weights(split)
    if found.allSatisfy({ $0 <= limit }) { return found }
    let divisor = weights.reduce(0, greatestCommonDivisor)
    guard divisor > 1 else { return weights }
    var smaller = self
    smaller.weights = weights.map { $0 / divisor }
    let again = smaller.weights(split)
    return again.allSatisfy { $0 <= limit } ? again : weights
  }

  /// The weights of all destinations for a split, whatever their size.
  private func weights(_ split: (Int) -> (local: Int, remote: [Int])) -> [Int64] {
    let foreign = weights.indices.filter { !places.contains($0) }
    guard total(of: foreign) > 0 else { return free(split) }
    let own = total(of: places)
    guard own > 0 else { return weights }
    let asTheyAre = within(own, split)
    guard !tells(split, asTheyAre) else { return asTheyAre }
    // So many times as much that a part in a thousand can be told, and the service's destinations divide it as they are to.
    let step = pattern.sum / greatestCommonDivisor(pattern.sum, own)
    let most = WeightedRoute.mostWeight / max(own, weights.max() ?? 1) / step
    guard most > 0 else { return asTheyAre }
    // Neither is above the most that a weight may be, and neither is their product.
    let steps = (Int64(WeightedRoute.parts) * pattern.sum + own * step - 1) / (own * step)
    let factor = max(1, min(steps, most) * step)
    var grown = self
    grown.weights = weights.map { $0 * factor }
    return grown.within(own * factor, split)
  }

  /// Whether weights have the shares of a split to a part, and the service's destinations their proportion.
  private func tells(_ split: (Int) -> (local: Int, remote: [Int]), _ weights: [Int64]) -> Bool {
    let parts = WeightedRoute.parts
    let (here, there) = reachable(split(parts), sum: parts)
    func sum(_ places: [Int]) -> Int64 { places.reduce(0) { $0 + weights[$1] } }
    let (units, all) = pattern
    return zip(local, units).allSatisfy {
      weights[$0].multipliedFullWidth(by: all) == sum(local).multipliedFullWidth(by: $1)
    }
      && zip([local] + remote, [here] + there).allSatisfy { places, part in
        abs(Double(sum(places)) / Double(sum(self.places)) * Double(parts) - Double(part)) <= 1
      }
  }

  /// What the service's destinations are to each other, in the smallest whole numbers.
  private var pattern: (units: [Int64], sum: Int64) {
    let divisor = local.reduce(0) { greatestCommonDivisor($0, weights[$1]) }
    let units = divisor > 0 ? local.map { weights[$0] / divisor } : local.map { _ in 1 }
    return (units, units.reduce(0, +))
  }

  /// Splits where the policy has all destinations, and so may choose their sum.
  private func free(_ split: (Int) -> (local: Int, remote: [Int])) -> [Int64] {
    let (units, sum) = pattern
    let parts = max(1, min(Int64(WeightedRoute.parts), WeightedRoute.mostWeight / sum))
    var (here, there) = reachable(split(Int(parts)), sum: Int(parts))
    // All zero, they would forget what they are to each other.
    if here == 0, units.count > 1, let most = there.indices.max(by: { there[$0] < there[$1] }) {
      here = 1
      there[most] -= 1
    }
    var weights = weights
    for (place, unit) in zip(local, units) { weights[place] = unit * Int64(here) }
    for (places, part) in zip(remote, there) { spread(Int64(clamping: part) * sum, over: places, in: &weights) }
    return weights
  }

  /// Splits the weight that the policy's destinations have together, beside others.
  private func within(_ own: Int64, _ split: (Int) -> (local: Int, remote: [Int])) -> [Int64] {
    let (units, sum) = pattern
    let (here, there) = reachable(split(Int(own)), sum: Int(own))
    var weights = weights
    // As near as the pattern comes, from below where it is between.
    let isAllHere = there.allSatisfy { $0 == 0 }
    let times = isAllHere ? own / sum : min(own / sum, (Int64(here) + sum / 2) / sum)
    for (place, unit) in zip(local, units) { weights[place] = unit * times }
    var rest = own - sum * times
    if isAllHere {
      for place in remote.joined() { weights[place] = 0 }
      weights[local[0]] += rest
      return weights
    }
    let away = Int64(clamping: there.reduce(0, +))
    for (places, part) in zip(remote, there).reversed() {
      // Neither is above `own`, but their product may be more than 64 bits hold.
      let piece = Int64(clamping: Int128(truncatingIfNeeded: part) * Int128(own - sum * times) / Int128(away))
      spread(piece, over: places, in: &weights)
      rest -= piece
    }
    if rest > 0, let most = there.indices.max(by: { there[$0] < there[$1] }) { weights[remote[most][0]] += rest }
    return weights
  }

  /// A split less what is for neighbours that the rule does not have: that is the service's again.
  private func reachable(_ split: (local: Int, remote: [Int]), sum: Int) -> (local: Int, remote: [Int]) {
    let there = zip(remote, split.remote).map { places, part in places.isEmpty ? 0 : max(0, part) }
    return (max(0, sum - there.reduce(0, +)), there)
  }

  private func spread(_ weight: Int64, over places: [Int], in weights: inout [Int64]) {
    for (n, place) in places.enumerated() {
      let count = Int64(places.count)
      weights[place] = weight / count + (Int64(n) < weight % count ? 1 : 0)
    }
  }

  /// Whether the destinations have these shares already, whatever the numbers.
  fileprivate func isSplit(as other: [Int64]) -> Bool {
    let (total, wanted) = (total(of: places), places.reduce(0) { $0 + other[$1] })
    guard total > 0, wanted > 0 else { return weights == other }
    return places.allSatisfy {
      weights[$0].multipliedFullWidth(by: wanted) == other[$0].multipliedFullWidth(by: total)
    }
  }
}

private func greatestCommonDivisor(_ a: Int64, _ b: Int64) -> Int64 {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}
