import Kubernetes
import Logging
import Synchronization

/// Counts the pods of services that are ready, as EndpointSlices say.
final class ReadyPods: Sendable {
  /// The part of an EndpointSlice that says who is ready; of `discovery.k8s.io/v1` and `v1beta1`.
  private struct Slice: Decodable, Sendable {
    struct Metadata: Decodable {
      var labels: [String: String]?
    }

    struct Endpoint: Decodable {
      struct Conditions: Decodable {
        var ready: Bool?
      }

      var conditions: Conditions?
    }

    private enum CodingKeys: CodingKey { case metadata, addressType, endpoints }

    /// The service's name; nil where it belongs to none.
    var service: String?
    var family: String
    var ready: Int

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      service = try fields.decode(Metadata.self, forKey: .metadata).labels?["kubernetes.io/service-name"]
      family = try fields.decodeIfPresent(String.self, forKey: .addressType) ?? ""
      let endpoints = try fields.decodeIfPresent([Endpoint].self, forKey: .endpoints) ?? []
      // What says nothing of itself is ready.
      ready = endpoints.count { $0.conditions?.ready ?? true }
    }
  }

  private static let group = "discovery.k8s.io"
  private static let versions = ["v1", "v1beta1"]

  private let client: APIClient
  private let selection: ObjectSelection
  private let logger: Logger
  private let slices = Mutex<Reflector<Slice>?>(nil)

  init(_ client: APIClient, namespace: String?, logger: Logger) {
    self.client = client
    selection = ObjectSelection(namespace: namespace)
    self.logger = logger
  }

  /// Follows the API server until the task is cancelled.
  func run() async {
    var backoff = Backoff()
    var generator = SystemRandomNumberGenerator()
    while !Task.isCancelled {
      do {
        guard let version = try await client.version(of: Self.group, among: Self.versions) else { return }
        let resource = APIResource(group: Self.group, version: version, plural: "endpointslices")
        let reflector = Reflector(resource, selection, client: client, logger: logger) { try $0.decode(Slice.self) }
        slices.withLock { $0 = reflector }
        await reflector.run()
      } catch {
        try? await Task.sleep(for: backoff.next(using: &generator))
      }
    }
  }

  /// How many pods of each service are ready, by `namespace/name`. A service without an EndpointSlice is missing, and all
  /// are before the first list.
  var counts: [String: Int] {
    guard let reflector = slices.withLock({ $0 }) else { return [:] }
    // A service of two families of addresses has its pods in the slices of each.
    var families: [String: [String: Int]] = [:]
    for (key, slice) in reflector.snapshot {
      guard let name = slice.service else { continue }
      families["\(key.namespace)/\(name)", default: [:]][slice.family, default: 0] += slice.ready
    }
    return families.mapValues { $0.values.max() ?? 0 }
  }
}
