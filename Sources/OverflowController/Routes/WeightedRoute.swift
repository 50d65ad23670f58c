import Kubernetes
import OverflowPolicies

/// The rules of a route that a policy splits, as they were read, and the patch that gives them other weights.
///
/// Only the weights of the policy's own destinations change, that is of the service here and of its neighbours. Where a
/// rule has other destinations too, those of the policy together keep the weight that they have, so that the others keep
/// their share. Destinations of the service that have weights of their own, such as subsets, keep their proportion
/// exactly, however often they are rewritten: it is read off their weights, less what divides all of them.
struct WeightedRoute: Hashable, Sendable {
  /// The parts in which a share is written where nothing asks for others.
  static let parts = 1000
  /// The most that a weight may be (HTTPRoute's limit).
  private static let mostWeight: Int64 = 1_000_000

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
      let weights = rule.weights(split)
      guard !rule.isSplit(as: weights) else { continue }
      let fields = kind.fields
      let path = "/spec/\(fields.rules)/\(rule.index)/\(fields.destinations)"
      operations.append(.test(path, rule.destinations))
      for place in rule.places where weights[place] != rule.weights[place] || rule.lacksWeight(at: place) {
        operations.append(.add("\(path)/\(place)/weight", .integer(weights[place])))
      }
    }
    return operations
  }

  /// The share of the service itself and of each neighbour in the first rule, of what goes to them at all; nil where
  /// nothing does.
  var shares: (local: Double, remote: [Double])? {
    guard let rule = rules.first else { return nil }
    let total = rule.total(of: rule.places)
    guard total > 0 else { return nil }
    return (
      Double(rule.total(of: rule.local)) / Double(total),
      rule.remote.map { Double(rule.total(of: $0)) / Double(total) }
    )
  }
}

extension WeightedRoute.Rule {
  /// The places of all destinations of the policy.
  fileprivate var places: [Int] { local + remote.joined() }

  fileprivate func total(of places: [Int]) -> Int64 { places.reduce(0) { $0 + weights[$1] } }

  fileprivate func lacksWeight(at place: Int) -> Bool { destinations.array?[place]["weight"]?.integer == nil }

  /// The weights of all destinations for a split.
  fileprivate func weights(_ split: (Int) -> (local: Int, remote: [Int])) -> [Int64] {
    let foreign = weights.indices.filter { !places.contains($0) }
    guard total(of: foreign) > 0 else { return free(split) }
    let own = total(of: places)
    return own > 0 ? within(own, split) : weights
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
