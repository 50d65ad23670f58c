import Dispatching
import Foundation
public import Kubernetes
public import Logging
public import Messaging
public import Monitoring
public import Overflow
public import OverflowPolicies
import Selection
public import ServiceLifecycle
import Synchronization

/// Tells and hears headroom through an MQTT broker: retained messages, so that whoever comes later knows at once, and a
/// last will that says that this cluster's word is worth nothing any more.
public final class BrokerExchange: HeadroomExchange, ServiceLifecycle.Service, HealthSource {
  private struct State {
    var heard: [HeadroomTopic: Headroom] = [:]
    var published: Set<ObjectKey> = []
    var refused = 0
  }

  /// The most services of other clusters of which anything is kept: a broker says what it wants.
  private static let mostHeard = 1_000_000

  /// How long the word of a cluster still counts that is said to be gone. It may be one of several processes that spoke
  /// for it, and the others say so within a second.
  private static let respite = Duration.seconds(4)

  private let cluster: String
  private let connection: BrokerConnection
  private let logger: Logger
  private let state = Mutex(State())

  /// Makes an exchange; it is there while ``run()`` is.
  ///
  /// - Parameters:
  ///   - configuration: the broker.
  ///   - cluster: this cluster's name.
  ///   - logger: is told what is of no use.
  ///
  /// Throws `MessagingError`.
  public init(_ configuration: BrokerConfiguration, cluster: String, logger: Logger) throws {
    self.cluster = cluster
    self.logger = logger
    connection = try BrokerConnection(
      configuration, name: "headroom",
      lastWill: BrokerMessage(topic: Self.presence(of: cluster), payload: [], isRetained: true, quality: .atLeastOnce),
      logger: logger)
  }

  /// Where a cluster says that it is there; an empty message says that it is gone, with all that it has said.
  private static func presence(of cluster: String) -> String { "\(HeadroomMessage.prefix)/\(cluster)" }

  /// Keeps the connection until the service is to end; what was said is taken back then.
  public func run() async throws {
    connection.subscribe(to: HeadroomTopic.all()) { [weak self] in self?.hear($0) }
    connection.subscribe(to: Self.presence(of: "+")) { [weak self] in self?.hearPresence($0) }
    try await connection.run()
  }

  /// How the connection is.
  public func report() -> HealthReport { connection.report() }

  /// How many messages were of no use.
  public var refused: Int { state.withLock { $0.refused } }

  /// Says what room a service has here. Without a connection it is not said.
  public func publish(_ message: HeadroomMessage?, of service: ObjectKey) {
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
    let isSent = connection.publish(
      BrokerMessage(topic: topic, payload: message?.payload ?? [], isRetained: true, quality: .atMostOnce))
    // What was not heard is said as something new later.
    if !isSent { state.withLock { _ = $0.published.remove(service) } }
  }

  /// What a cluster said last of a service.
  public func headroom(of service: ObjectKey, in cluster: String) -> Headroom? {
    state.withLock { $0.heard[HeadroomTopic(cluster: cluster, service: service)] }
  }

  func hear(_ message: BrokerMessage) {
    guard let topic = HeadroomTopic(message.topic), topic.cluster != cluster else { return }
    guard !message.payload.isEmpty else {
      state.withLock { $0.heard[topic] = nil }
      return
    }
    do throws(HeadroomMessage.Fault) {
      let said = try HeadroomMessage(payload: message.payload)
      let left = said.lifeLeft(isRetained: message.isRetained, at: Date.now.timeIntervalSince1970)
      let now = Moment.now
      // It was said when its life began.
      let at = Moment(nanoseconds: now.nanoseconds &- Int64((said.lifetime - left) / .nanoseconds(1)))
      let headroom = Headroom(
        perMinute: said.perMinute, receivedPerMinute: said.receivedPerMinute, at: at, lifetime: said.lifetime)
      state.withLock { state in
        if state.heard.count < Self.mostHeard || state.heard[topic] != nil { state.heard[topic] = headroom }
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

  func hearPresence(_ message: BrokerMessage) {
    guard message.payload.isEmpty, let gone = message.topic.split(separator: "/").last.map(String.init) else { return }
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
