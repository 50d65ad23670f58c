import Formats
import Foundation
package import Kubernetes
package import Logging
import Model

/// The cluster as the webhook writes to it, by its API server.
package final class ClusterAPI: BindingCluster {
  private struct Note: Sendable {
    var pod: RequestedPod
    var reason: String
    var message: String
  }

  let client: APIClient
  /// The pods as they are known now.
  let pods: Reflector<WatchedPod>
  private let logger: Logger
  private let notes: AsyncStream<Note>
  private let queue: AsyncStream<Note>.Continuation

  /// Makes the way to a cluster.
  package init(_ client: APIClient, logger: Logger) {
    self.client = client
    self.logger = logger
    pods = Reflector(.pods, client: client, logger: logger) { object in try WatchedPod(object.json) }
    (notes, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(256))
  }

  /// Binds a pod to a node. Bound to that node already is success.
  package func bind(_ request: BindingRequest) async throws(BindingFailure) {
    let key = ObjectKey(namespace: request.namespace, name: request.name)
    do {
      try await client.bind(key, uid: request.uid.isEmpty ? nil : request.uid, to: request.node)
    } catch let error as APIError {
      if error.isConflict || error.mayHaveTakenEffect, await isBound(key, request) { return }
      throw BindingFailure(message: "\(error)", mayHaveTakenEffect: error.mayHaveTakenEffect)
    } catch {
      throw BindingFailure(message: "\(error)", mayHaveTakenEffect: true)
    }
  }

  private func isBound(_ key: ObjectKey, _ request: BindingRequest) async -> Bool {
    guard let object = try? await client.get(.pods, key.name, in: key.namespace),
      let pod = try? WatchedPod(object.json)
    else { return false }
    return pod.node == request.node && (request.uid.isEmpty || pod.pod.uid == request.uid)
  }

  /// The pod as the watch has told it.
  package func pod(of request: BindingRequest) -> RequestedPod? {
    pods[ObjectKey(namespace: request.namespace, name: request.name)]?.pod
  }

  /// Tells an event of a pod; the newest 256 wait for the API server.
  package func tell(_ pod: RequestedPod, reason: String, message: String) {
    queue.yield(Note(pod: pod, reason: reason, message: message))
  }

  /// Writes events until the task is cancelled.
  func tellEvents() async {
    for await note in notes {
      let time = Date.now.formatted(.iso8601)
      let event: JSONValue = [
        "apiVersion": "v1", "kind": "Event",
        "metadata": ["generateName": .string("\(note.pod.name)."), "namespace": .string(note.pod.namespace)],
        "involvedObject": [
          "apiVersion": "v1", "kind": "Pod", "name": .string(note.pod.name), "namespace": .string(note.pod.namespace),
          "uid": .string(note.pod.uid),
        ],
        "reason": .string(note.reason), "message": .string(note.message), "type": "Normal",
        "source": ["component": "tonari-extender"], "count": 1, "firstTimestamp": .string(time),
        "lastTimestamp": .string(time),
      ]
      do {
        _ = try await client.create(.events, event, in: note.pod.namespace)
      } catch {
        logger.warning("An event could not be told", metadata: ["pod": "\(note.pod.name)", "error": "\(error)"])
      }
    }
  }
}
