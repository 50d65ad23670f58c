import Kubernetes
import Logging
import Model

/// Counts the pods of services that are ready, as EndpointSlices say.
final class ReadyPods: Sendable {
  /// The part of an EndpointSlice that says who is ready; of `discovery.k8s.io/v1` and `v1beta1`.
  struct Slice: Decodable, Sendable {
    private struct Metadata: Decodable {
      var labels: [String: String]?
    }

    private struct Endpoint: Decodable {
      struct Conditions: Decodable {
        var ready: Bool?
      }

      struct Reference: Decodable {
        var kind: String?
        var name: String?
      }

      var addresses: [String]?
      var conditions: Conditions?
      var targetRef: Reference?
    }

    private enum CodingKeys: CodingKey { case metadata, addressType, endpoints }

    /// The service's name; nil where it belongs to none.
    var service: String?
    var family: String
    /// Those that are ready, by their addresses, and the names of their pods where they are said.
    var ready: [String: String?]

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      service = try fields.decode(Metadata.self, forKey: .metadata).labels?["kubernetes.io/service-name"]
      family = try fields.decodeIfPresent(String.self, forKey: .addressType) ?? ""
      let endpoints = try fields.decodeIfPresent([Endpoint].self, forKey: .endpoints) ?? []
      ready = [:]
      // What says nothing of itself is ready.
      for endpoint in endpoints where endpoint.conditions?.ready ?? true {
        let reference = endpoint.targetRef
        ready[endpoint.addresses?.first ?? reference?.name ?? ""] =
          .some(reference?.kind ?? "Pod" == "Pod" ? reference?.name : nil)
      }
    }
  }

  /// The pods of a service that are ready.
  struct Ready: Hashable, Sendable {
    /// By addresses, for each family of addresses.
    fileprivate var addresses: [String: Set<String>] = [:]
    /// The names of those that say them.
    fileprivate(set) var names: Set<String> = []

    /// How many there are. A service of two families has its pods in the slices of each, and one may be in two slices for a
    /// while.
    var count: Int { addresses.values.map(\.count).max() ?? 0 }
  }

  /// By the services that they belong to.
  private let slices: FollowedObjects<ObjectKey, Slice>

  init(_ client: APIClient, namespace: String?, logger: Logger) {
    slices = FollowedObjects(
      "discovery.k8s.io", "endpointslices", versions: ["v1", "v1beta1"], client, namespace: namespace, logger: logger,
      by: { key, slice in slice.service.map { ObjectKey(namespace: key.namespace, name: $0) } }
    ) { try $0.decode(Slice.self) }
  }

  /// Follows the API server until the task is cancelled.
  func run() async { await slices.run() }

  /// The pods of a service that are ready; nil for one without an EndpointSlice, and for all before the first list.
  subscript(service: ObjectKey) -> Ready? { Self.ready(Array(slices[service].values)) }

  /// The pods that slices of one service have; nil where there is none.
  static func ready(_ slices: [Slice]) -> Ready? {
    guard !slices.isEmpty else { return nil }
    var ready = Ready()
    for slice in slices {
      ready.addresses[slice.family, default: []].formUnion(slice.ready.keys)
      ready.names.formUnion(slice.ready.values.compactMap { $0 })
    }
    return ready
  }
}
