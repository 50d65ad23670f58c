package import Connections
import Daemon
import Foundation
package import Logging
import Model
package import Selection
import Synchronization

/// Hears the load of replicas from an MQTT broker: retained messages, so that a selector that starts anew knows at once
/// what was said last, and last wills of replicas that are gone. What is said of a replica that nobody knows yet is kept for as
/// long as it holds.
///
/// Messages come as long as the connection runs.
package final class MQTTFeed: Sendable {
  private let prefix: String
  private let authority: MessageAuthority
  private let dispatcher: Dispatcher
  private let logger: Logger
  private let refusals = Mutex(0)

  /// Makes a feed and subscribes to its topics.
  ///
  /// - Parameters:
  ///   - connection: The connection to the broker.
  ///   - prefix: The first levels of the topics, before cluster and replica.
  ///   - authority: Tells whether a message is of the cluster whose topic it came under.
  ///   - dispatcher: What is told the load.
  ///   - logger: Where it is told that messages are of no use.
  ///
  /// Throws ``StatisticsError`` where the prefix cannot be one.
  package init(
    on connection: BrokerConnection, prefix: String = "tonari/load", authority: MessageAuthority = .none,
    _ dispatcher: Dispatcher, logger: Logger
  ) throws(StatisticsError) {
    guard prefix.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(BrokerMessage.isLevel) else {
      throw StatisticsError(code: .badAddress, message: "MQTT: topic '\(prefix)': expected levels without + and #")
    }
    self.prefix = prefix
    self.authority = authority
    self.dispatcher = dispatcher
    self.logger = logger
    connection.subscribe(to: "\(prefix)/+/+") { self.hear($0) }
  }

  /// Messages that were of no use.
  package var refused: Int { refusals.withLock { $0 } }

  private func hear(_ received: BrokerMessage) {
    let message: LoadMessage
    let age: Double
    do throws(LoadMessage.Fault) {
      (message, age) = try read(received, at: Date.now.timeIntervalSince1970)
    } catch {
      // Whoever publishes nonsense may do so often; the count tells.
      let count = refusals.withLock { count in
        count += 1
        return count
      }
      if count.nonzeroBitCount == 1 {
        logger.warning("An MQTT message is of no use", metadata: ["error": "\(error.message)", "count": "\(count)"])
      }
      return
    }
    let now = Moment.now
    let then = now + .seconds(saturating: -age)
    let word = ReplicaWord(
      state: message.state == .ready ? nil : message.state, load: message.load, said: then,
      until: then + .seconds(saturating: message.lifetime))
    dispatcher.hear(word, of: message.address, in: message.cluster, at: now)
  }

  /// What a message says, and how many seconds ago it was said.
  private func read(_ received: BrokerMessage, at now: Double) throws(LoadMessage.Fault) -> (LoadMessage, Double) {
    // Whose it is, says its topic.
    let cluster = try LoadMessage(topic: received.topic, payload: [], prefix: prefix).cluster
    let opened: MessageAuthority.Opened
    do throws(MessageAuthority.Fault) {
      opened = try authority.open(received, from: cluster, at: now)
    } catch {
      throw LoadMessage.Fault(message: "topic '\(received.topic)': \(error)")
    }
    var message = try LoadMessage(topic: received.topic, payload: opened.payload, prefix: prefix)
    if let signedAt = opened.signedAt { message.time = signedAt }
    guard let age = message.age(isKept: received.isRetained || opened.signedAt != nil, at: now) else {
      throw LoadMessage.Fault(
        message: "topic '\(received.topic)': found a message that was kept and is old, or does not say when it was said"
      )
    }
    return (message, age)
  }
}
