import Fleet
import Foundation
package import Kubernetes
import Model
import Selection
import Synchronization

/// Who is asked for metrics: addresses that are given, and pods that the API server knows.
package final class MetricsTargets: Sendable {
  /// Pods with a label, and where they answer.
  package struct Pods: Hashable, Sendable {
    /// Their namespace.
    package var namespace: String
    /// The label selector, such as `app=istio-ingressgateway`.
    package var labels: String
    /// The port.
    package var port: Int
    /// The path, which starts with a `/`.
    package var path: String

    /// Names pods.
    package init(namespace: String, labels: String, port: Int, path: String) {
      self.namespace = namespace
      self.labels = labels
      self.port = port
      self.path = path
    }
  }

  /// Where somebody is asked.
  struct Address: Hashable, Sendable {
    var url: String
    /// Whether new requests go there, as far as is known: without its count there is none.
    var serves = true
  }

  private struct State {
    var known: [Address] = []
    var listedAt: Moment?
    var fault: String?
  }

  /// How long a list of pods is good, in seconds.
  private static let freshness = 5.0

  private let urls: [String]
  private let pods: Pods?
  private let client: APIClient?
  private let state = Mutex(State())

  /// Names who is asked.
  ///
  /// - Parameters:
  ///   - urls: whole addresses, such as `http://127.0.0.1:9901/stats/prometheus`.
  ///   - pods: pods that are asked, too; nil for none.
  ///   - client: knows the pods.
  package init(urls: [String], pods: Pods? = nil, client: APIClient? = nil) {
    self.urls = urls
    self.pods = pods
    self.client = client
  }

  /// The addresses now. When the pods cannot be listed, those stay that are known.
  func addresses(at now: Moment) async -> (addresses: [Address], fault: String?) {
    let urls = urls.map { Address(url: $0) }
    guard let pods, let client else { return (urls, nil) }
    let before = state.withLock { $0 }
    guard before.listedAt.map({ now.seconds(since: $0) >= Self.freshness }) ?? true else {
      return (urls + before.known, before.fault)
    }
    do {
      let selection = ObjectSelection(namespace: pods.namespace, labels: pods.labels)
      let found = try await client.list(.pods, selection) { try $0.decode(Running.self).address }.items
      let known = found.sorted { $0.url < $1.url }.map {
        Address(url: "http://\($0.url):\(pods.port)\(pods.path)", serves: $0.serves)
      }
      state.withLock { $0 = State(known: known, listedAt: now, fault: nil) }
      return (urls + known, known.isEmpty && urls.isEmpty ? "found no pods \(pods.namespace)/\(pods.labels)" : nil)
    } catch {
      state.withLock { state in
        state.listedAt = now
        state.fault = "\(error)"
      }
      return (urls + before.known, "\(error)")
    }
  }

  /// The part of a pod that says where it answers.
  private struct Running: Decodable {
    struct Metadata: Decodable {
      var deletionTimestamp: String?
    }

    struct Condition: Decodable {
      var type: String?
      var status: String?
    }

    struct Status: Decodable {
      var phase: String?
      var podIP: String?
      var conditions: [Condition]?
    }

    var metadata: Metadata
    var status: Status?

    /// Where it answers, an address of IPv6 in brackets; nil where it does not run. One that is to go, or is not ready,
    /// gets no new requests and may still have some.
    var address: Address? {
      guard status?.phase == "Running", let ip = status?.podIP else { return nil }
      let host = ip.contains(":") ? "[\(ip)]" : ip
      // Nothing else becomes part of a URL.
      guard let name = HostName(host, allowsAddress: true), name.isAddress, name.port == nil else { return nil }
      let isReady = status?.conditions?.first { $0.type == "Ready" }.map { $0.status == "True" } ?? true
      return Address(url: host, serves: isReady && metadata.deletionTimestamp == nil)
    }
  }
}
