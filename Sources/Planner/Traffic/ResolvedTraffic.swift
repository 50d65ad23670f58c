import Model
package import Placement
package import Traffic

/// Traffic between the workloads of a cluster, in one unit, and what became of the rest of a dump.
///
/// Both directions of a conversation are one edge. The unit is bytes per second where all edges between workloads have
/// bytes; otherwise requests per second where all have requests; otherwise bytes. What is in the other unit is
/// converted, at the mean size of a request over the edges that have both, or else at ``bytesPerRequest``.
/// ``warnings`` says where that was done, and at which size.
package struct ResolvedTraffic: Sendable {
  /// What a request and its answer count where no edge has both bytes and requests: the medians of 1,530 and 315 bytes
  /// over the remote procedure calls of a large fleet (Seemakhupt et al., SOSP 2023), rounded.
  package static let bytesPerRequest = 2000.0

  /// An end of an edge.
  package enum End: Hashable, Sendable {
    /// A workload, by index in the array that the resolver was made with.
    case workload(Int)
    /// An end that the map pins to a node.
    case pinned(name: String, node: String)
  }

  /// Traffic between two different ends.
  package struct Edge: Hashable, Sendable {
    /// The end that appeared first in the dump.
    package var u: End
    /// The other end.
    package var v: End
    /// Traffic per second in both directions, in ``ResolvedTraffic/unit``. Positive.
    package var traffic: Double
    /// The same in each of the matrices that were put together; empty for a dump alone.
    package var trafficByMatrix: [Double] = []
  }

  /// A name of the dump that is no workload of the plan.
  package struct OutsideEnd: Hashable, Sendable {
    /// The name in the dump.
    package var name: String
    /// Why it is outside.
    package var reason: String
    /// All traffic to and from it per second, in ``ResolvedTraffic/unit``.
    package var traffic: Double
  }

  /// A name of the dump, and what it was taken for.
  package struct NamedEnd: Hashable, Sendable {
    /// The name in the dump, with the host where it says one beside the name.
    package var name: String
    /// What it was taken for, such as `shop/redis`.
    package var meaning: String
    /// By what it was found, such as `Service shop/redis`.
    package var evidence: String
    /// All traffic to and from it per second, in ``ResolvedTraffic/unit``.
    package var traffic: Double
  }

  /// The unit of all traffic here.
  package internal(set) var unit: Problem.TrafficUnit
  /// The edges, in order of first appearance.
  package internal(set) var edges: [Edge] = []
  /// Names without a workload, the one with the most traffic first.
  package internal(set) var outside: [OutsideEnd] = []
  /// Names with a workload or a place of their own, the one with the most traffic first.
  package internal(set) var named: [NamedEnd] = []
  /// All traffic of the dump, whatever its ends.
  package internal(set) var total = 0.0
  /// Traffic that has an end outside.
  package internal(set) var outsideTraffic = 0.0
  /// Traffic of workloads with themselves. It is no edge: where replicas of one workload run apart, they must.
  package internal(set) var selfTraffic = 0.0
  /// How names that mean several workloads were split.
  package internal(set) var notes: [String] = []
  /// What a user should know before trusting the plan.
  package internal(set) var warnings: [String] = []

  /// Resolves the ends of the edges that one tool measured and brings their traffic to one unit.
  package init(_ graph: TrafficGraph, _ resolver: EndpointResolver, workloadName: (Int) -> String) {
    self.init(ObservedTraffic(graph), resolver, workloadName: workloadName)
  }

  /// Resolves the ends of all edges, puts together what several origins tell of the same ends, and brings the traffic to
  /// one unit.
  package init(_ traffic: ObservedTraffic, _ resolver: EndpointResolver, workloadName: (Int) -> String) {
    let calls = UnitedCalls(traffic, resolver)
    let measure = TrafficMeasure([calls.calls])
    self.init(calls, measure, workloadName: workloadName)
    warnings = measure.warnings + calls.warnings
  }

  /// Brings the traffic of calls whose ends are resolved to one unit.
  init(_ united: UnitedCalls, _ measure: TrafficMeasure, workloadName: (Int) -> String) {
    self.init(unit: measure.unit)
    var index: [Pair: Int] = [:]
    let calls = united.calls
    for call in calls.calls {
      let traffic = measure.traffic(of: call.edge)
      total += traffic
      guard calls.isInside(call) else {
        outsideTraffic += traffic
        continue
      }
      guard traffic > 0 else { continue }
      for (u, shareOfU) in calls.ends[call.source].parts {
        for (v, shareOfV) in calls.ends[call.destination].parts {
          add(traffic * shareOfU * shareOfV, between: u, and: v, &index)
        }
      }
    }

    tell(of: united, measure, workloadName: workloadName)
  }

  /// Traffic of a unit, none yet.
  init(unit: Problem.TrafficUnit) { self.unit = unit }

  private struct Pair: Hashable {
    var a: End
    var b: End
  }

  private mutating func add(_ traffic: Double, between u: End, and v: End, _ index: inout [Pair: Int]) {
    guard u != v else {
      selfTraffic += traffic
      return
    }
    if let e = index[Pair(a: u, b: v)] ?? index[Pair(a: v, b: u)] {
      edges[e].traffic += traffic
    } else {
      index[Pair(a: u, b: v)] = edges.count
      edges.append(Edge(u: u, v: v, traffic: traffic))
    }
  }

  /// Adds up the traffic of names that mean the same for the same reason, and puts the ones with the most first.
  mutating func mergeNames() {
    var traffic: [NamedEnd: Double] = [:]
    for end in named {
      var key = end
      key.traffic = 0
      traffic[key, default: 0] += end.traffic
    }
    named = traffic.map { end, traffic in
      var end = end
      end.traffic = traffic
      return end
    }
    named.sort { ($1.traffic, $0.name, $0.evidence) < ($0.traffic, $1.name, $1.evidence) }
    var outsideTraffic: [OutsideEnd: Double] = [:]
    for end in outside {
      outsideTraffic[OutsideEnd(name: end.name, reason: end.reason, traffic: 0), default: 0] += end.traffic
    }
    outside = outsideTraffic.map { OutsideEnd(name: $0.name, reason: $0.reason, traffic: $1) }
    outside.sort { ($1.traffic, $0.name, $0.reason) < ($0.traffic, $1.name, $1.reason) }
  }
}
