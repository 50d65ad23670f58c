package import Connections
package import Daemon
import Foundation
import Kubernetes
package import Logging
package import Model
package import Overflow
import Selection
import ServiceLifecycle
import Synchronization

/// Tells and hears headroom through an MQTT broker: retained messages, so that whoever comes later knows at once, and a
/// last will that says that this cluster's word is worth nothing any more.
package final class BrokerExchange: HeadroomExchange, ServiceLifecycle.Service, HealthSource {
  private struct State {
    var heard: [HeadroomTopic: Headroom] = [:]
    /// How many of them are of each cluster.
    var counts: [String: Int] = [:]
    var published: Set<ObjectKey> = []
    var refused = 0
  }

  /// The most services of other clusters of which anything is kept, and the most of one: a broker says what it wants, and one
  /// cluster must not be in the way of the others.
  private static let mostHeard = 200_000
  private static let mostOfCluster = 20_000

  /// How long the word of a cluster still counts that is said to be gone. It may be one of several processes that spoke
  /// for it, and the others say so within a second.
  private static let respite = Duration.seconds(4)

  private let cluster: String
  private let authority: MessageAuthority
  private let connection: BrokerConnection
  private let logger: Logger
  private let state = Mutex(State())

  /// Makes an exchange; it is there while ``run()`` is.
  ///
  /// - Parameters:
  ///   - configuration: the broker.
  ///   - cluster: this cluster's name.
  ///   - authority: signs what is said, and tells whether what is heard is whose topic it came under.
  ///   - logger: is told what is of no use.
  ///
  /// Throws `MessagingError`.
  package init(
    _ configuration: BrokerConfiguration, cluster: String, authority: MessageAuthority = .none, logger: Logger
  ) throws {
    self.cluster = cluster
    self.authority = authority
    self.logger = logger
    connection = try BrokerConnection(
      configuration, name: "headroom",
      lastWill: BrokerMessage(topic: Self.presence(of: cluster), payload: [], isRetained: true, quality: .atLeastOnce),
      logger: logger)
  }

  /// Where a cluster says that it is there; an empty message says that it is gone, with all that it has said.
  private static func presence(of cluster: String) -> String { "\(HeadroomMessage.prefix)/\(cluster)" }

  /// Keeps the connection until the service is to end; what was said is taken back then.
  package func run() async throws {
    connection.subscribe(to: HeadroomTopic.all()) { [weak self] in self?.hear($0) }
    connection.subscribe(to: Self.presence(of: "+")) { [weak self] in self?.hearPresence($0) }
    try await connection.run()
  }

  /// How the connection is.
  package func report() -> HealthReport { connection.report() }

  /// How many messages were of no use.
  package var refused: Int { state.withLock { $0.refused } }

  /// Says what room a service has here. Without a connection it is not said.
  package func publish(_ message: HeadroomMessage?, of service: ObjectKey) {
    let topic = HeadroomTopic(cluster: cluster, service: service).text()
    let isNew = state.withLock { state in
      guard message != nil else { return state.published.remove(service) != nil }
      return state.published.insert(service).inserted
    }
    guard message != nil || isNew else { return }
    if isNew, message != nil {
      connection.publish(
        BrokerMessage(
          topic: Self.presence(of: cluster), payload: Array("here".utf8), isRetained: true, quality: .atLeastOnce))
    }
    let payload = authority.seal(message?.payload ?? [], topic: topic, at: Date.now.timeIntervalSince1970)
    let isSent = connection.publish(
      BrokerMessage(topic: topic, payload: payload, isRetained: true, quality: .atMostOnce))
    // What was not heard is said as something new later.
    if !isSent { state.withLock { _ = $0.published.remove(service) } }
  }

  /// What a cluster said last of a service.
  package func headroom(of service: ObjectKey, in cluster: String) -> Headroom? {
    state.withLock { $0.heard[HeadroomTopic(cluster: cluster, service: service)] }
  }

  func hear(_ message: BrokerMessage) {
    guard let topic = HeadroomTopic(message.topic), topic.cluster != cluster else { return }
    do {
      let time = Date.now.timeIntervalSince1970
      let opened = try authority.open(message, from: topic.cluster, at: time)
      guard !opened.payload.isEmpty else { return forget(topic) }
      var said = try HeadroomMessage(payload: opened.payload)
      // Who signs says when; a broker that keeps it back makes it no younger.
      if let signedAt = opened.signedAt { said.time = signedAt }
      let left = said.lifeLeft(isRetained: message.isRetained || opened.signedAt != nil, at: time)
      guard left > .zero else {
        throw HeadroomMessage.Fault(
          description: "found a message that was kept and is old, or does not say when it was said")
      }
      let now = Moment.now
      // It was said when its life began.
      let at = now + (left - said.lifetime)
      let headroom = Headroom(
        perMinute: said.perMinute, receivedPerMinute: said.receivedPerMinute, at: at, lifetime: said.lifetime)
      state.withLock { state in
        if state.heard[topic] == nil {
          let count = state.counts[topic.cluster] ?? 0
          guard state.heard.count < Self.mostHeard, count < Self.mostOfCluster else { return }
          state.counts[topic.cluster] = count + 1
        }
        state.heard[topic] = headroom
      }
    } catch {
      let count = state.withLock { state in
        state.refused += 1
        return state.refused
      }
      // Whoever publishes nonsense may do so often; the count tells.
      if count.nonzeroBitCount == 1 {
        logger.warning(
          "A message of headroom is of no use",
          metadata: ["topic": "\(message.topic)", "error": "\(error)", "count": "\(count)"])
      }
    }
  }

  private func forget(_ topic: HeadroomTopic) {
    state.withLock { state in
      guard state.heard.removeValue(forKey: topic) != nil else { return }
      let count = (state.counts[topic.cluster] ?? 1) - 1
      state.counts[topic.cluster] = count > 0 ? count : nil
    }
  }

  func hearPresence(_ message: BrokerMessage) {
    // Nobody signs a last will: where signatures are asked for, what was said fades by itself.
    guard message.payload.isEmpty, let gone = message.topic.split(separator: "/").last.map(String.init),
      (try? authority.open(message, from: gone, at: 0)) != nil
    else { return }
    let now = Moment.now
    state.withLock { state in
      for (topic, headroom) in state.heard where topic.cluster == gone {
        let left = headroom.lifetime - .nanoseconds(now.nanoseconds &- headroom.at.nanoseconds)
        guard left > Self.respite else { continue }
        state.heard[topic] = Headroom(
          perMinute: headroom.perMinute, receivedPerMinute: headroom.receivedPerMinute, at: now,
          lifetime: Self.respite)
      }
    }
  }
}
