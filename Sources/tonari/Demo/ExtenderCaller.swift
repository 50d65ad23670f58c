import Connections
import Formats
import Foundation
import Kubernetes

/// Calls an extender as kube-scheduler does: scheduler extender v1 over HTTP, nodes by name.
struct ExtenderCaller: Sendable {
  /// Why a call came to nothing.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private struct Filtered: Decodable {
    var names: [String]?
    var error: String?

    enum CodingKeys: String, CodingKey {
      case names = "NodeNames"
      case error = "Error"
    }
  }

  private struct HostPriority: Decodable {
    var host: String
    var score: Int

    enum CodingKeys: String, CodingKey {
      case host = "Host"
      case score = "Score"
    }
  }

  private struct Bound: Decodable {
    var error: String?

    enum CodingKeys: String, CodingKey { case error = "Error" }
  }

  private let url: String
  private let transport = HTTPTransport()

  /// - Parameter url: the extender's, with its prefix.
  init(_ url: String) {
    self.url = url
  }

  /// Of some nodes those that the extender lets the pod run on.
  func filter(_ pod: JSONValue, _ nodes: [String]) async throws -> [String] {
    let answer: Filtered = try await post("filter", arguments(pod, nodes))
    if let error = answer.error, !error.isEmpty { throw Failure(description: "\(url)/filter: \(error)") }
    return answer.names ?? []
  }

  /// The extender's scores, 0 to 10, by node.
  func prioritize(_ pod: JSONValue, _ nodes: [String]) async throws -> [String: Int] {
    let answer: [HostPriority] = try await post("prioritize", arguments(pod, nodes))
    return Dictionary(answer.map { ($0.host, $0.score) }) { first, _ in first }
  }

  /// Tells the extender to bind the pod.
  func bind(_ pod: JSONValue, to node: String) async throws {
    let answer: Bound = try await post(
      "bind",
      [
        "PodName": pod["metadata"]?["name"] ?? .null, "PodNamespace": pod["metadata"]?["namespace"] ?? .null,
        "PodUID": pod["metadata"]?["uid"] ?? .null, "Node": .string(node),
      ])
    if let error = answer.error, !error.isEmpty { throw Failure(description: "\(url)/bind: \(error)") }
  }

  private func arguments(_ pod: JSONValue, _ nodes: [String]) -> JSONValue {
    ["Pod": pod, "NodeNames": .array(nodes.map { .string($0) })]
  }

  private func post<Value: Decodable>(_ verb: String, _ body: JSONValue) async throws -> Value {
    var request = OutgoingRequest(
      method: "POST", url: "\(url)/\(verb)", headers: [.init("Content-Type", "application/json")],
      body: Array(try JSONEncoder().encode(body)))
    // The server is this process: no proxy stands between.
    request.proxy = ""
    let response = try await transport.send(request)
    let answer = try await response.body.collect(upTo: 64 << 20)
    guard response.status == 200 else {
      throw Failure(
        description: "\(url)/\(verb): status \(response.status): \(String(decoding: answer.prefix(200), as: UTF8.self))"
      )
    }
    return try JSONDecoder().decode(Value.self, from: Data(answer))
  }
}
