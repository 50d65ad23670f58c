import Daemon
import Foundation
import Model
import Overflow
import Selection

/// Picks of services that are alike, one with a policy of overflow and under its capacity, one without, in turns.
enum OverflowRounds {
  private static let picks = 200_000
  private static let rounds = 31

  /// Answers by how many nanoseconds a pick and its completion take longer with a policy: the median of the rounds.
  static func run() -> Double {
    let dispatcher = Dispatcher(DispatcherOptions(place: Place(node: "node-1", zone: "zone-1", cluster: "a")))
    for name in ["shop/with", "shop/without"] {
      let replicas = (0..<20).map {
        ServiceReplica(
          address: "10.0.0.\($0):80", node: "node-\($0 % 4)", zone: "zone-\($0 % 2)", cluster: "a", concurrency: 64)
      }
      dispatcher.set(replicas, of: name, from: .file, at: .now)
    }
    let neighbours = [
      ServiceOverflow.Neighbour(name: "b", cost: 4, capacity: .perMinute(1e6), gateway: "10.9.9.1:443"),
      ServiceOverflow.Neighbour(name: "c", capacity: .perMinute(1e6), gateway: "10.9.9.2:443"),
    ]
    let policy = ServiceOverflow(cluster: "a", capacity: .perMinute(1e12), neighbours: neighbours)
    dispatcher.set(["shop/with": policy], at: .now)
    guard let with = dispatcher.service("shop/with"), let without = dispatcher.service("shop/without") else { return 0 }
    let from = dispatcher.options.place
    _ = (nanoseconds(with, from), nanoseconds(without, from))
    var pairs: [(with: Double, without: Double)] = []
    for round in 0..<rounds {
      // Whoever comes first has the colder caches.
      if round.isMultiple(of: 2) {
        let one = nanoseconds(with, from)
        pairs.append((one, nanoseconds(without, from)))
      } else {
        let one = nanoseconds(without, from)
        pairs.append((nanoseconds(with, from), one))
      }
    }
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    let difference = median(pairs.map { $0.with - $0.without })
    print(
      String(
        format:
          "a pick and its completion with a policy of overflow: %.1f ns, without %.1f ns, %.1f ns more (at most 10 ns)",
        median(pairs.map(\.with)), median(pairs.map(\.without)), difference))
    return difference
  }

  /// What a pick and its completion take, in nanoseconds.
  private static func nanoseconds(_ service: DispatchedService, _ from: Place) -> Double {
    let answer = PickAnswer()
    let query = PickQuery(from: from)
    let start = Moment.now
    for _ in 0..<picks where service.pick(query, owner: 0, at: start, into: answer) == .picked {
      service.complete(answer.id, .success, latencySeconds: 0.001, at: start)
    }
    return Moment.now.seconds(since: start) * 1e9 / Double(picks)
  }
}
