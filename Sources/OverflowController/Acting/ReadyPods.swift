import Kubernetes
import OverflowPolicies
import Selection
import Synchronization

/// Counts the pods of services that are ready, as EndpointSlices say.
final class ReadyPods: Sendable {
  private struct Count {
    var pods: Int?
    var at: Moment
  }

  /// How long a count is good, in seconds.
  private static let freshness = 2.0
  /// For how long a count is better than none where the API server cannot be asked, in seconds.
  private static let patience = 30.0
  private static let versions = ["v1", "v1beta1"]

  private let client: APIClient
  private let counts = Mutex<[String: Count]>([:])
  private let version = Mutex<String?>(nil)

  init(_ client: APIClient) {
    self.client = client
  }

  /// How many pods of a policy's service are ready; nil where that is not known, or the service has no EndpointSlice.
  func count(of policy: OverflowPolicy, at now: Moment) async -> Int? {
    let known = counts.withLock { $0[policy.service] }
    if let known, now.seconds(since: known.at) < Self.freshness { return known.pods }
    do {
      let pods = try await read(policy)
      counts.withLock { $0[policy.service] = Count(pods: pods, at: now) }
      return pods
    } catch {
      return known.flatMap { now.seconds(since: $0.at) < Self.patience ? $0.pods : nil }
    }
  }

  private func read(_ policy: OverflowPolicy) async throws -> Int? {
    let selection = ObjectSelection(
      namespace: policy.key.namespace, labels: "kubernetes.io/service-name=\(policy.spec.service)")
    for version in version.withLock({ $0.map { [$0] } }) ?? Self.versions {
      let resource = APIResource(group: "discovery.k8s.io", version: version, plural: "endpointslices")
      do {
        let slices = try await client.list(resource, selection) { try $0.decode(Slice.self) }.items
        self.version.withLock { $0 = version }
        // A service of two families of addresses has its pods in the slices of each.
        let families = Dictionary(grouping: slices) { $0.addressType ?? "" }
        return families.values.map { $0.reduce(0) { $0 + $1.ready } }.max()
      } catch let error as APIError where error.isNotFound {
        self.version.withLock { $0 = nil }
      }
    }
    return nil
  }

  /// The part of an EndpointSlice that says who is ready; of `discovery.k8s.io/v1` and `v1beta1`.
  private struct Slice: Decodable {
    struct Endpoint: Decodable {
      struct Conditions: Decodable {
        var ready: Bool?
      }

      var conditions: Conditions?
    }

    var addressType: String?
    var endpoints: [Endpoint]?

    /// What says nothing of itself is ready.
    var ready: Int { (endpoints ?? []).count { $0.conditions?.ready ?? true } }
  }
}
