import Fleet
import Formats
import Foundation
import Kubernetes
import Model

/// Writes what people and other programs see of a policy: its status, and events.
struct PolicyTeller: Sendable {
  let client: APIClient

  /// Writes the status of the policy of an identity; one that is gone has none any more.
  func write(_ status: OverflowPolicy.Status, of key: ObjectKey, uid: String) async throws {
    let value = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(status))
    let object: JSONValue = [
      "apiVersion": .string(OverflowPolicy.apiVersion), "kind": .string(OverflowPolicy.kind),
      "metadata": ["name": .string(key.name), "namespace": .string(key.namespace), "uid": .string(uid)],
      "status": value,
    ]
    do {
      _ = try await client.patch(
        .overflowPolicies, key.name, .apply(object, force: true), in: key.namespace, subresource: "status",
        manager: "\(client.fieldManager)-status")
    } catch let error as APIError where error.isNotFound || error.isConflict {
      // It was deleted, and perhaps made anew, since it was looked at.
    }
  }

  /// Tells of something that happened to the policy of an identity.
  func tell(_ reason: String, _ message: String, of key: ObjectKey, uid: String, at time: Date) async throws {
    let stamp = time.formatted(.iso8601)
    let event: JSONValue = [
      "apiVersion": "v1", "kind": "Event",
      "metadata": [
        "name": .string(
          "\(key.name).\(String(UInt64(saturating: max(0, time.timeIntervalSince1970) * 1e6), radix: 16))"),
        "namespace": .string(key.namespace),
      ],
      "involvedObject": [
        "apiVersion": .string(OverflowPolicy.apiVersion), "kind": .string(OverflowPolicy.kind),
        "name": .string(key.name), "namespace": .string(key.namespace), "uid": .string(uid),
      ],
      "reason": .string(reason), "message": .string(message), "type": "Normal", "count": 1,
      "firstTimestamp": .string(stamp), "lastTimestamp": .string(stamp),
      "source": ["component": .string(client.fieldManager)],
    ]
    _ = try await client.create(.events, event, in: key.namespace)
  }
}
