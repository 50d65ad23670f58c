import Fleet
import Foundation
import Model
import Overflow

/// Where the requests of services went over the last minutes.
package struct FlowHistory: Codable, Hashable, Sendable {
  /// A moment. Rates are in requests per minute.
  package struct Point: Codable, Hashable, Sendable {
    /// Seconds since 1970.
    package var time: Double
    /// What arrived.
    package var demand: Double
    /// What stayed.
    package var local: Double
    /// What each neighbour got, in the order of ``Flow/neighbours``.
    package var remote: [Double]
    /// What nobody had room for.
    package var shed: Double
    /// The mean response time here in seconds; nil where that is not known.
    package var responseTime: Double?
  }

  /// What became of one service's requests.
  package struct Flow: Codable, Hashable, Sendable {
    /// The policy as `namespace/name`.
    package var policy: String
    /// The service as `namespace/name`.
    package var service: String
    /// The neighbours' names.
    package var neighbours: [String]
    /// What the service bears here, in requests per minute.
    package var capacity: Double?
    /// The points, the oldest first.
    package var points: [Point]
  }

  /// This cluster's name; empty where it has none.
  package var cluster: String
  /// The services' flows, by their policies' names.
  package var flows: [Flow]
  /// How many points of a flow are kept.
  private var length = 900

  private enum CodingKeys: CodingKey { case cluster, flows }

  /// Makes a history without flows.
  ///
  /// - Parameters:
  ///   - cluster: this cluster's name.
  ///   - length: how many points of a flow are kept.
  package init(cluster: String, length: Int = 900) {
    self.cluster = cluster
    flows = []
    self.length = length
  }

  /// Adds what was decided for a policy. A decision without a demand leaves a gap.
  mutating func add(
    _ decision: PolicyCourse.Decision, _ policy: OverflowPolicy, _ measurement: DemandMeasurement?, time: Double
  ) {
    let name = policy.key.description
    let neighbours = policy.spec.neighbours.map(\.name)
    var index = flows.firstIndex { $0.policy == name } ?? flows.endIndex
    if index < flows.endIndex, flows[index].neighbours != neighbours {
      flows.remove(at: index)
      index = flows.endIndex
    }
    if index == flows.endIndex {
      index = flows.firstIndex { $0.policy > name } ?? flows.endIndex
      flows.insert(Flow(policy: name, service: policy.service, neighbours: neighbours, points: []), at: index)
    }
    flows[index].capacity = decision.capacityPerMinute
    guard let demand = decision.demandPerMinute else { return }
    let split = decision.split
    flows[index].points.append(
      Point(
        time: time, demand: demand, local: demand * split.local, remote: split.remote.map { demand * $0 },
        shed: demand * split.shed, responseTime: measurement?.responseSeconds))
    if flows[index].points.count > length { flows[index].points.removeFirst(flows[index].points.count - length) }
  }

  /// Forgets the flows of policies that are no more.
  mutating func keep(only policies: Set<String>) {
    flows.removeAll { !policies.contains($0.policy) }
  }

  /// The history as JSON.
  package var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Numbers and texts that can all be written.
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) + "\n" } ?? "{}\n"
  }
}
