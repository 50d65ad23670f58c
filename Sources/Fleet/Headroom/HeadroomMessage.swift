import Formats
import Foundation
import Kubernetes
package import Model

/// What a cluster publishes of the room that a service has there, under `tonari/headroom/<cluster>/<namespace>/<service>`.
/// An empty message, as a last will, says that it is gone.
package struct HeadroomMessage: Hashable, Sendable {
  /// The first levels of the topics.
  package static let prefix = "tonari/headroom"
  /// Numbers beyond this are nonsense.
  private static let most = 1e12

  /// The requests per minute that more would be served; below 0 where there are more than the service can bear.
  package var perMinute: Double
  /// The requests per minute that the service bears there; nil where that is not said.
  package var capacityPerMinute: Double?
  /// The requests per minute that come in there; nil where that is not said.
  package var demandPerMinute: Double?
  /// The requests per minute that come in from other clusters; nil where that is not said.
  package var receivedPerMinute: Double?
  /// When this was said, by the sender's clock, in seconds since 1970; nil where that is not said.
  package var time: Double?
  /// For how long it holds.
  package var lifetime: Duration

  /// Makes a message.
  package init(
    perMinute: Double, capacityPerMinute: Double? = nil, demandPerMinute: Double? = nil,
    receivedPerMinute: Double? = nil, time: Double? = nil, lifetime: Duration = .seconds(10)
  ) {
    self.perMinute = perMinute
    self.capacityPerMinute = capacityPerMinute
    self.demandPerMinute = demandPerMinute
    self.receivedPerMinute = receivedPerMinute
    self.time = time
    self.lifetime = lifetime
  }

  /// Why a message is of no use: what was found where, and what was expected.
  package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found where, and what was expected.
    package var description: String

    /// Says why a message is of no use.
    package init(description: String) {
      self.description = description
    }
  }

  /// Reads a message that is not empty. What it claims is cut to what its sender can know: no more room than the service bears
  /// there, no more from other clusters than comes in at all.
  ///
  /// Throws ``Fault``.
  package init(payload: [UInt8]) throws(Fault) {
    let fields: Fields
    do {
      fields = try JSONDecoder().decode(Fields.self, from: Data(payload))
    } catch {
      throw Fault(description: #"expected JSON such as {"perMinute": 210, "ttlSeconds": 10}"#)
    }
    func amount(_ name: String, _ value: Double?, least: Double = 0) throws(Fault) -> Double? {
      guard let value else { return nil }
      guard value >= least, value <= Self.most else {
        throw Fault(description: "\(name): found \(value), expected a number from \(least) to \(Self.most)")
      }
      return value
    }
    perMinute = try amount("perMinute", fields.perMinute, least: -Self.most) ?? 0
    capacityPerMinute = try amount("capacityPerMinute", fields.capacityPerMinute)
    demandPerMinute = try amount("demandPerMinute", fields.demandPerMinute)
    receivedPerMinute = try amount("receivedPerMinute", fields.receivedPerMinute)
    if let capacityPerMinute { perMinute = min(perMinute, capacityPerMinute) }
    if let demandPerMinute { receivedPerMinute = receivedPerMinute.map { min($0, demandPerMinute) } }
    let seconds = try amount("ttlSeconds", fields.ttlSeconds) ?? 10
    lifetime = min(.seconds(saturating: seconds), Bounds.headroom.range.upperBound)
    time = nil
    if let text = fields.time {
      guard let stamp = Timestamp(text) else {
        throw Fault(description: "time: found '\(text.prefix(40))', expected RFC 3339 text")
      }
      time = Double(stamp.microseconds) * 1e-6
    }
  }

  /// The message as it is published.
  package var payload: [UInt8] {
    let stamp = time.map { Timestamp(microseconds: Int64(saturating: ($0 * 1e6).rounded())).description }
    let fields = Fields(
      perMinute: perMinute, capacityPerMinute: capacityPerMinute, demandPerMinute: demandPerMinute,
      receivedPerMinute: receivedPerMinute, time: stamp, ttlSeconds: lifetime / .seconds(1))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Numbers and text without surprises: what the initializers let in can be written.
    return [UInt8]((try? encoder.encode(fields)) ?? Data())
  }

  /// A clock that is further ahead than this, in seconds, is not believed.
  private static let furthestAhead = 60.0

  /// How much of its life a message has left that was kept for whoever comes later; all of it for one that comes live,
  /// whatever the clocks say. One that was kept and does not say since when, or says that it comes from the future, has none:
  /// it would hold for ever.
  ///
  /// - Parameters:
  ///   - isRetained: whether the broker had kept it.
  ///   - now: seconds since 1970 by this machine's clock.
  package func lifeLeft(isRetained: Bool, at now: Double) -> Duration {
    guard isRetained else { return lifetime }
    guard let time, time - now <= Self.furthestAhead else { return .zero }
    let age = min(max(0, now - time), 1e6)
    return max(.zero, lifetime - .seconds(saturating: age))
  }

  private struct Fields: Codable {
    var perMinute: Double
    var capacityPerMinute: Double?
    var demandPerMinute: Double?
    var receivedPerMinute: Double?
    var time: String?
    var ttlSeconds: Double?
  }
}

/// Whose headroom a message is about.
package struct HeadroomTopic: Hashable, Sendable {
  /// The cluster.
  package var cluster: String
  /// The service.
  package var service: ObjectKey

  /// No name is longer, in bytes.
  private static let longestLevel = 253

  /// Names a service in a cluster.
  package init(cluster: String, service: ObjectKey) {
    self.cluster = cluster
    self.service = service
  }

  /// Reads a topic; nil where it is none of headroom.
  package init?(_ topic: String, prefix: String = HeadroomMessage.prefix) {
    let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
    let start = prefix.split(separator: "/", omittingEmptySubsequences: false)
    guard levels.count == start.count + 3, levels.starts(with: start),
      levels.allSatisfy({ (1...Self.longestLevel).contains($0.utf8.count) })
    else { return nil }
    let names = levels.suffix(3).map(String.init)
    self.init(cluster: names[0], service: ObjectKey(namespace: names[1], name: names[2]))
  }

  /// The topic.
  package func text(prefix: String = HeadroomMessage.prefix) -> String {
    "\(prefix)/\(cluster)/\(service.namespace)/\(service.name)"
  }

  /// The topics of all services of all clusters.
  package static func all(prefix: String = HeadroomMessage.prefix) -> String { "\(prefix)/+/+/+" }
}
