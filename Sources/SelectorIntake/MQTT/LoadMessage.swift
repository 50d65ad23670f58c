import Foundation
import Selection

/// What a replica, or its agent, publishes of its load under `tonari/load/<cluster>/<replica>`: JSON with the fields of the
/// protocol's `Load`, and perhaps a state. An empty message, as a last will, says that the replica is gone.
struct LoadMessage: Hashable, Sendable {
  /// The cluster in the topic.
  var cluster: String
  /// The replica's address in the topic.
  var address: String
  /// The state that it says it is in; nil for the one that is known otherwise.
  var state: ReplicaState?
  /// Its load; nil where it says nothing of it.
  var load: LoadReport?

  /// Reads a message. What is wrong with it is thrown as text.
  init(topic: String, payload: [UInt8], prefix: String) throws(Fault) {
    let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
    let start = prefix.split(separator: "/", omittingEmptySubsequences: false)
    guard levels.count == start.count + 2, levels.starts(with: start), levels.allSatisfy({ !$0.isEmpty }) else {
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
      cpuUtilization: fields.cpuUtilization, latencySeconds: fields.latencyUs.map { $0 * 1e-6 },
      requestsPerSecond: fields.requestsPerSecond, errorsPerSecond: fields.errorsPerSecond)
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
  }

  private static func whole(_ value: Double) -> Int { Int(min(max(value, 0), 1e9).rounded()) }

  private static func describe(_ error: any Error) -> String {
    guard case .typeMismatch(_, let context) = error as? DecodingError else { return "found something else" }
    return "\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.debugDescription)"
  }
}
