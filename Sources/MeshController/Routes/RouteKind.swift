import Fleet
import Formats
import Kubernetes

extension OverflowPolicy.Route.Kind {
  /// The API group.
  var group: String {
    switch self {
    case .virtualService: "networking.istio.io"
    case .httpRoute: "gateway.networking.k8s.io"
    }
  }

  /// The versions that can be written, the newest first.
  static let versions = ["v1", "v1beta1"]

  /// The objects in a version of the API.
  func resource(version: String) -> APIResource {
    let plural =
      switch self {
      case .virtualService: "virtualservices"
      case .httpRoute: "httproutes"
      }
    return APIResource(group: group, version: version, plural: plural)
  }

  /// Where an object's rules are, and where a rule's destinations are.
  var fields: (rules: String, destinations: String) {
    switch self {
    case .virtualService: ("http", "route")
    case .httpRoute: ("rules", "backendRefs")
    }
  }

  /// The host of a destination; nil where it has none.
  func host(of destination: JSONValue, in namespace: String) -> DestinationName? {
    switch self {
    case .virtualService:
      return destination["destination"]?["host"]?.string.map { DestinationName($0, in: namespace) }
    case .httpRoute:
      guard let name = destination["name"]?.string else { return nil }
      return DestinationName(name, in: destination["namespace"]?.string ?? namespace)
    }
  }

  /// The most that a weight may be: the Gateway API's own limit; Istio's field has 32 bits.
  var mostWeight: Int64 {
    switch self {
    case .virtualService: Int64(clamping: Int32.max)
    case .httpRoute: 1_000_000
    }
  }

  /// What a destination counts that has no weight, being one of so many.
  func defaultWeight(among count: Int) -> Int64 {
    switch self {
    case .virtualService: count == 1 ? 100 : 0
    case .httpRoute: 1
    }
  }
}
