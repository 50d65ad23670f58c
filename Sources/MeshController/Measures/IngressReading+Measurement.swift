import Fleet
import Model

extension IngressReading: CounterReading {
  /// Demand is what goes to any destination of the policy, times and errors are of those here.
  static func finding(_ measured: MeasuredPolicy, _ pairs: [LookPair<IngressReading>]) -> Finding {
    let seconds = pairs.reduce(0) { $0 + $1.seconds } / Double(pairs.count)
    var flows: Flows
    switch Self.flows(measured, pairs) {
    case .success(let found): flows = found
    case .failure(let reason): return .missing(reason.description)
    case nil:
      let service = measured.policy.spec.service
      return .missing(
        "found no cluster of service \(service) (\(measured.service)) in the ingress's statistics, expected one")
    }
    let shared = flows.shared?.arrived ?? 0
    var measurement = DemandMeasurement(
      demandPerMinute: 60 * flows.remote.reduce(flows.local.arrived + shared) { $0 + ($1?.arrived ?? 0) },
      seconds: seconds,
      responseSeconds: flows.local.timed > 0 ? flows.local.seconds / flows.local.timed : nil,
      errorShare: flows.local.ended > 0 ? min(1, flows.local.failed / flows.local.ended) : nil)
    for ((neighbour, host), rates) in zip(zip(measured.policy.spec.neighbours, measured.neighbours), flows.remote) {
      if let rates {
        measurement.outcomes[neighbour.name] = .init(requests: rates.ended * seconds, failures: rates.failed * seconds)
      } else if flows.shared == nil, measured.mayReach(host) {
        measurement.unseen.insert(neighbour.name)
      }
    }
    return .counted(measurement)
  }

  /// What happens to requests for a policy's destinations.
  private struct Flows {
    var local = Rates()
    /// Nil for a neighbour that has not been seen.
    var remote: [Rates?]
    /// What goes to clusters that stand for several destinations at once; nil where there are none.
    var shared: Rates?
  }

  private struct Absence: Error, CustomStringConvertible {
    var description: String
  }

  /// By clusters that are named for hosts, or else for the rules of the route; nil where there is none of the service.
  private static func flows(
    _ measured: MeasuredPolicy, _ pairs: [LookPair<IngressReading>]
  ) -> Result<Flows, Absence>? {
    let byHost = flowsByHost(measured, pairs)
    if case .success? = byHost { return byHost }
    return flowsByRule(measured, pairs) ?? byHost
  }

  /// Clusters that are named for the hosts that they stand for; nil where there is none of the service.
  private static func flowsByHost(
    _ measured: MeasuredPolicy, _ pairs: [LookPair<IngressReading>]
  ) -> Result<Flows, Absence>? {
    do throws(Absence) {
      guard let local = try rates(measured.policy.spec.service, measured, pairs) else { return nil }
      var flows = Flows(local: local, remote: [])
      for (neighbour, host) in zip(measured.policy.spec.neighbours, measured.neighbours) {
        let rates = try rates(neighbour.host, measured, pairs)
        // Where Envoy counts for its clusters itself, those that got no request yet have a count, too.
        if rates == nil, measured.mayReach(host), !pairs.contains(where: { $0.now.hasIstio }) {
          throw Absence(
            description: "found no cluster of neighbour \(neighbour.name) (\(neighbour.host)) in the ingress's "
              + "statistics, expected one: without it demand is not known")
        }
        flows.remote.append(rates)
      }
      return .success(flows)
    } catch {
      return .failure(error)
    }
  }

  /// Envoy Gateway's clusters, which are named for the rules of routes; nil where there are none.
  private static func flowsByRule(
    _ measured: MeasuredPolicy, _ pairs: [LookPair<IngressReading>]
  ) -> Result<Flows, Absence>? {
    guard let route = measured.policy.spec.route, route.kind == .httpRoute, let rules = measured.rules else {
      return nil
    }
    let namespace = measured.policy.key.namespace
    let neighbours = measured.neighbours
    var flows = Flows(remote: neighbours.map { _ in nil })
    var isFound = false
    for (rule, hosts) in rules.enumerated() {
      let ours = hosts.map { $0.map { $0 == measured.service || neighbours.contains($0) } ?? false }
      guard ours.contains(true) else { continue }
      let whole = EnvoyClusterName(ofRule: rule, inHTTPRoute: route.name, of: namespace)
      if let rates = rates(whole, pairs, beside: measured.followed) {
        guard !ours.contains(false) else {
          return .failure(
            Absence(
              description: "the ingress counts all destinations of rule \(rule) of HTTPRoute \(route.name) together, "
                + "expected them one by one, or the service and its neighbours alone"))
        }
        isFound = true
        if hosts.allSatisfy({ $0 == measured.service }) { flows.local.add(rates) } else { flows.shared.add(rates) }
      }
      for (place, host) in hosts.enumerated() where ours[place] {
        let name = EnvoyClusterName(ofRule: rule, destination: place, inHTTPRoute: route.name, of: namespace)
        guard let rates = rates(name, pairs, beside: measured.followed) else { continue }
        isFound = true
        if host == measured.service { flows.local.add(rates) }
        for k in neighbours.indices where neighbours[k] == host { flows.remote[k].add(rates) }
      }
    }
    return isFound ? .success(flows) : nil
  }

  /// What happens at the clusters of a host; nil where none of the Envoys has one.
  ///
  /// A cluster without a namespace is that of the only policy that has such a destination. Throws where there are several.
  private static func rates(
    _ host: String, _ measured: MeasuredPolicy, _ pairs: [LookPair<IngressReading>]
  ) throws(Absence) -> Rates? {
    let name = EnvoyClusterName(DestinationName(host, in: measured.policy.key.namespace))
    if let found = rates(name, pairs, beside: measured.followed) { return found }
    let bare = EnvoyClusterName(DestinationName(host, in: ""))
    guard let found = rates(bare, pairs, beside: measured.followed) else { return nil }
    let all = measured.followed.all(called: bare)
    guard all.count <= 1 else {
      throw Absence(
        description: "found a cluster \(host) without a namespace in the ingress's statistics, expected one of a "
          + "namespace: policies are for \(all.prefix(3).joined(separator: ", "))")
    }
    return found
  }

  /// What happens at the clusters of a name; nil where none of the Envoys has one.
  private static func rates(
    _ name: EnvoyClusterName, _ pairs: [LookPair<IngressReading>], beside followed: FollowedDestinations
  ) -> Rates? {
    var rates: Rates?
    for pair in pairs {
      for cluster in pair.now.names(of: name, beside: followed) {
        guard let now = pair.now.clusters[cluster] else { continue }
        rates = rates ?? Rates()
        rates?.add(now, since: pair.before.clusters[cluster], pair.seconds)
      }
    }
    return rates
  }

  /// What happens each second.
  fileprivate struct Rates {
    var arrived = 0.0
    var ended = 0.0
    var failed = 0.0
    var seconds = 0.0
    var timed = 0.0

    mutating func add(_ now: Counts, since before: Counts?, _ time: Double) {
      // Where one of these fell, the Envoy, or what it knows of the host, began anew.
      let isAnew = before.map { now.sent < $0.sent || now.ended < $0.ended } ?? true
      let then = isAnew ? Counts() : before ?? Counts()
      func growth(_ count: KeyPath<Counts, Double>) -> Double { now[keyPath: count] - then[keyPath: count] }
      arrived += max(0, growth(\.sent) + growth(\.refused) + growth(\.waiting) - growth(\.retried)) / time
      ended += max(0, growth(\.ended)) / time
      failed += max(0, growth(\.failed)) / time
      seconds += max(0, growth(\.seconds)) / time
      timed += max(0, growth(\.timed)) / time
    }

    mutating func add(_ other: Rates) {
      arrived += other.arrived
      ended += other.ended
      failed += other.failed
      seconds += other.seconds
      timed += other.timed
    }
  }
}

extension IngressReading.Rates? {
  fileprivate mutating func add(_ other: IngressReading.Rates) {
    var sum = self ?? IngressReading.Rates()
    sum.add(other)
    self = sum
  }
}
