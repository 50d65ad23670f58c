import Daemon
package import Fleet
import Foundation
import Kubernetes
import Model
import Overflow
package import Selection
import ServiceLifecycle
import Synchronization

/// Tells other clusters what room the services with a policy of overflow have in this one, and a dispatcher what room they
/// have there.
///
/// Of several selectors that hear each other the one with the least name speaks: each knows what comes to all of them.
package final class HeadroomSharing: ServiceLifecycle.Service {
  /// The time between two messages about a service.
  static let interval = Duration.seconds(1)
  /// How long a message holds.
  private static let lifetime = Duration.seconds(10)

  private let exchange: any HeadroomExchange
  private let dispatcher: Dispatcher
  private let name: String
  /// What was heard last, by neighbour and service.
  private let heard = Mutex<[HeadroomTopic: Headroom]>([:])

  /// Makes it.
  ///
  /// - Parameter name: this selector's name among its peers.
  package init(_ exchange: any HeadroomExchange, _ dispatcher: Dispatcher, name: String) {
    self.exchange = exchange
    self.dispatcher = dispatcher
    self.name = name
  }

  /// Tells and hears until the service is to end.
  package func run() async throws {
    await repeating(every: Self.interval) { self.share(at: .now) }
  }

  /// Tells and hears once.
  func share(at now: Moment) {
    let statuses = dispatcher.overflows(at: now)
    var own: [String: OverflowStatus] = [:]
    for (name, status) in statuses {
      let service = String(name.prefix { $0 != ":" })
      // Of a service with several ports the one with the least room speaks for all.
      if own[service].map({ status.headroomPerMinute < $0.headroomPerMinute }) ?? true { own[service] = status }
    }
    let speaks = dispatcher.speaks(as: name)
    for (name, status) in own {
      guard let service = Self.key(name) else { continue }
      if speaks { exchange.publish(Self.message(status), of: service) }
      for neighbour in status.neighbours { hear(neighbour.name, service, at: now) }
    }
  }

  private func hear(_ neighbour: String, _ service: ObjectKey, at now: Moment) {
    let said = exchange.headroom(of: service, in: neighbour)
    let topic = HeadroomTopic(cluster: neighbour, service: service)
    let isNew = heard.withLock { heard in
      defer { heard[topic] = said }
      return heard[topic] != said
    }
    guard isNew else { return }
    dispatcher.hear(said, of: neighbour, service: "\(service.namespace)/\(service.name)", at: now)
  }

  private static func message(_ status: OverflowStatus) -> HeadroomMessage {
    HeadroomMessage(
      perMinute: rounded(status.headroomPerMinute), capacityPerMinute: rounded(status.capacityPerMinute),
      demandPerMinute: rounded(status.demandPerMinute), receivedPerMinute: rounded(status.receivedPerMinute),
      time: Date.now.timeIntervalSince1970, lifetime: lifetime)
  }

  private static func rounded(_ rate: Double) -> Double { (min(max(rate, -1e12), 1e12) * 10).rounded() / 10 }

  /// `namespace/name`; nil where a service is called otherwise, or so that no topic can be.
  private static func key(_ name: String) -> ObjectKey? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !name.contains(where: { "+#".contains($0) }), !parts.contains("") else { return nil }
    return ObjectKey(namespace: parts[0], name: parts[1])
  }
}
