import Model
import Overflow
import Selection

/// A cluster whose selector is asked in virtual time.
final class Edge {
  let dispatcher: Dispatcher
  private let answer = PickAnswer()
  private(set) var now = Moment.start
  private var nextExpiry = Moment.start
  /// What neighbours bear that say each second what is left of it; others say only what they are made to.
  var bearing: [String: Double] = [:]

  /// How a request went.
  struct Verdict: Hashable {
    var status: PickStatus
    var address = ""
    var id: UInt64 = 0
    var hops = 0
    var retryAfter: UInt32 = 0

    /// The cluster, which the addresses of these tests begin with.
    var cluster: String { String(address.prefix { $0 != "-" }) }
    var isLocal: Bool { status == .picked && hops == 0 }
  }

  /// Makes a cluster `here` with three replicas, beside the neighbours that are named with one each.
  init(
    _ overflow: ServiceOverflow?, clusters: [String] = ["here", "near", "far"], policy: PolicyName = .tonari,
    seed: UInt64 = 0
  ) {
    var options = DispatcherOptions(policy: policy, seed: seed)
    options.place = Place(node: "here-node-0", zone: "z", cluster: clusters[0])
    dispatcher = Dispatcher(options)
    let own = (0..<3).map {
      ServiceReplica(
        address: "\(clusters[0])-\($0):80", node: "\(clusters[0])-node-\($0)", zone: "z", cluster: clusters[0])
    }
    let others = clusters.dropFirst().map { ServiceReplica(address: "\($0)-0:80", cluster: $0) }
    dispatcher.set(own + others, of: "shop/cart", from: .file, at: now)
    if let overflow { dispatcher.set(["shop/cart": overflow], at: now) }
  }

  /// The policy of these tests: 600 requests per minute here, the rest to `near`, then to `far`.
  static func policy(
    perMinute: Double = 600, cluster: String = "here", neighbours: [ServiceOverflow.Neighbour]? = nil
  ) -> ServiceOverflow {
    ServiceOverflow(
      cluster: cluster, capacity: .perMinute(perMinute),
      neighbours: neighbours ?? [.init(name: "near", cost: 4), .init(name: "far", cost: 20)])
  }

  var service: DispatchedService? { dispatcher.service("shop/cart") }
  var status: OverflowStatus? { service?.status(at: now).overflow }

  /// Hears what room a neighbour has.
  func hear(_ perMinute: Double, of neighbour: String, lifetime: Duration = .seconds(3600)) {
    dispatcher.hear(
      Headroom(perMinute: perMinute, at: now, lifetime: lifetime), of: neighbour, service: "shop/cart", at: now)
  }

  /// Lets time pass.
  func advance(to time: Moment) {
    while nextExpiry <= time {
      dispatcher.expire(at: nextExpiry)
      if nextExpiry.nanoseconds % 1_000_000_000 == 0 {
        now = nextExpiry
        for neighbour in status?.neighbours ?? [] {
          guard let bears = bearing[neighbour.name] else { continue }
          hear(bears - neighbour.sentPerMinute, of: neighbour.name, lifetime: .seconds(10))
        }
      }
      nextExpiry = Moment(nanoseconds: nextExpiry.nanoseconds + 200_000_000)
    }
    now = time
  }

  /// Asks for a replica.
  func pick(_ query: PickQuery = PickQuery()) -> Verdict {
    var query = query
    query.from = dispatcher.options.place
    guard let status = service?.pick(query, owner: 0, at: now, into: answer) else { return Verdict(status: .noReplica) }
    guard status == .picked else { return Verdict(status: status, retryAfter: answer.retryAfter) }
    return Verdict(status: status, address: answer.addressString(0), id: answer.id, hops: answer.hops)
  }

  /// Asks at an even rate for a time; each request takes 20 ms and ends as `outcome` says.
  func load(
    perMinute: Double, for seconds: Double, query: PickQuery = PickQuery(),
    outcome: (Verdict) -> Outcome = { _ in .success }
  ) -> [Verdict] {
    let start = now
    return (0..<Int(perMinute / 60 * seconds)).map { number in
      advance(to: .seconds(start.seconds + Double(number) * 60 / perMinute))
      let verdict = pick(query)
      if verdict.status == .picked {
        service?.complete(verdict.id, outcome(verdict), latencySeconds: 0.02, at: now)
      }
      return verdict
    }
  }
}

extension [Edge.Verdict] {
  /// The share of the requests that went to a cluster.
  func share(of cluster: String) -> Double { Double(count { $0.cluster == cluster }) / Double(count) }

  /// The share of the requests that was turned away.
  var shed: Double { Double(count { $0.status == .full }) / Double(count) }
}
