import Formats
import Foundation
import Model
import Selection

/// What a replica, or its agent, publishes of its load under `tonari/load/<cluster>/<replica>`: JSON with the fields of the
/// protocol's `Load`, and perhaps a state. An empty message, as a last will, says that the replica is gone. One that the broker
/// keeps has to say since when it holds, and for how long.
struct LoadMessage: Hashable, Sendable {
  /// The cluster in the topic.
  var cluster: String
  /// The replica's address in the topic.
  var address: String
  /// The state that it says it is in; nil for the one that is known otherwise.
  var state: ReplicaState?
  /// Its load; nil where it says nothing of it.
  var load: LoadReport?
  /// When it was said, in seconds since 1970 by the sender's clock; nil where that is not said.
  var time: Double?
  /// For how long it holds, in seconds.
  var lifetime = 10.0

  /// Reads a message. What is wrong with it is thrown as text.
  init(topic: String, payload: [UInt8], prefix: String) throws(Fault) {
    let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
    let start = prefix.split(separator: "/", omittingEmptySubsequences: false)
    guard levels.count == start.count + 2, levels.starts(with: start),
      levels.allSatisfy({ (1...Self.longestLevel).contains($0.utf8.count) })
    else {
      throw Fault(message: "topic '\(topic)': expected \(prefix)/<cluster>/<replica>")
    }
    cluster = String(levels[levels.count - 2])
    address = String(levels[levels.count - 1])
    guard !payload.isEmpty else {
      state = .gone
      return
    }
    let fields: Fields
    do {
      fields = try JSONDecoder().decode(Fields.self, from: Data(payload))
    } catch {
      throw Fault(message: "topic '\(topic)': expected JSON such as {\"inFlight\": 3}: \(Self.describe(error))")
    }
    if let name = fields.state {
      let states: [String: ReplicaState] = [
        "starting": .starting, "ready": .ready, "draining": .draining, "gone": .gone,
      ]
      guard let known = states[name.lowercased().replacing("state_", with: "")] else {
        throw Fault(message: "topic '\(topic)': state '\(name)': expected starting, ready, draining or gone")
      }
      state = known
    }
    load = LoadReport(
      inFlight: fields.inFlight.map(Self.whole), queued: fields.queued.map(Self.whole),
      cpuUtilization: fields.cpuUtilization.map { Self.amount($0, most: Self.mostProcessors) },
      latencySeconds: fields.latencyUs.map { Self.amount($0 * 1e-6, most: Self.longestLatency) },
      requestsPerSecond: fields.requestsPerSecond.map { Self.amount($0, most: Self.most) },
      errorsPerSecond: fields.errorsPerSecond.map { Self.amount($0, most: Self.most) })
    if let text = fields.time {
      guard let stamp = Timestamp(text) else {
        throw Fault(message: "topic '\(topic)': time '\(text.prefix(40))': expected RFC 3339 text")
      }
      time = Double(stamp.microseconds) * 1e-6
    }
    if let seconds = fields.ttlSeconds { lifetime = Self.amount(seconds, most: Self.longestLife) }
  }

  /// How old a message is, in seconds; nil where it is not to be believed: one that was kept and does not say since when, is
  /// older than it holds, or comes from the future.
  ///
  /// - Parameters:
  ///   - isKept: whether it may be old: the broker had kept it, or might have.
  ///   - now: seconds since 1970.
  func age(isKept: Bool, at now: Double) -> Double? {
    guard isKept else { return 0 }
    guard let time, time - now <= 60, now - time < lifetime else { return nil }
    return max(0, now - time)
  }

  /// What is wrong with a message.
  struct Fault: Error, Hashable {
    var message: String
  }

  private struct Fields: Decodable {
    var inFlight: Double?
    var queued: Double?
    var cpuUtilization: Double?
    var latencyUs: Double?
    var requestsPerSecond: Double?
    var errorsPerSecond: Double?
    var state: String?
    var time: String?
    var ttlSeconds: Double?
  }

  /// No name is longer, in bytes.
  private static let longestLevel = 253
  /// What no replica can have: more requests, processors, seconds that a request takes, seconds that a message holds.
  private static let most = 1e6
  private static let mostProcessors = 1e4
  private static let longestLatency = 86_400.0
  private static let longestLife = 3600.0

  private static func amount(_ value: Double, most: Double) -> Double { min(max(value, 0), most) }
  private static func whole(_ value: Double) -> Int { Int(saturating: amount(value, most: most).rounded()) }

  private static func describe(_ error: any Error) -> String {
    guard case .typeMismatch(_, let context) = error as? DecodingError else { return "found something else" }
    return "\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.debugDescription)"
  }
}
