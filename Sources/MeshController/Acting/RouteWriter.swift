import Fleet
import Formats
import Kubernetes
import Logging
import Model
import Overflow
import Synchronization

/// Reads the routes of policies and writes their weights, on the condition that they are as they were read.
final class RouteWriter: Sendable {
  /// What became of a route.
  enum Outcome: Hashable, Sendable {
    /// It has the wanted weights already.
    case unchanged
    /// It was written.
    case written
    /// It would have been written, but the policy only tries.
    case tried
  }

  /// What a route is like.
  struct Look: Hashable, Sendable {
    /// The shares of the service itself and of each neighbour, of what goes to them at all; nil where nothing does.
    var split: Split?
    /// The hosts of its rules' destinations.
    var rules: [[DestinationName?]]
  }

  /// Why a route cannot be written as it is: nothing that another try mends.
  struct Fault: Error, Hashable, CustomStringConvertible {
    var reason: String
    var description: String
  }

  /// How often a write is tried anew whose object has changed since it was read.
  private static let attempts = 5

  private let client: APIClient
  private let versions = Mutex<[OverflowPolicy.Route.Kind: String]>([:])

  init(_ client: APIClient) {
    self.client = client
  }

  /// What a route is like at present; nil where it is not there yet.
  ///
  /// Throws `APIError` where it cannot be read.
  func look(_ policy: OverflowPolicy, _ route: OverflowPolicy.Route) async throws -> Look? {
    guard let object = try await read(policy, route)?.object else { return nil }
    return Look(
      split: WeightedRoute(object, route, of: policy).shares.map { Split(local: $0.local, remote: $0.remote) },
      rules: WeightedRoute.hosts(of: object, route.kind, in: policy.key.namespace))
  }

  /// Gives a route the weights of a split, whatever others do to it meanwhile; answers what it is like then, or would be
  /// where the policy only tries.
  ///
  /// Throws `APIError` where it cannot be read or written, and ``Fault`` where it is not what the policy needs.
  func write(
    _ split: Split, _ policy: OverflowPolicy, _ route: OverflowPolicy.Route
  ) async throws -> (outcome: Outcome, look: Look) {
    var attempt = 1
    var refused: (version: JSONValue?, error: APIError)?
    while true {
      let found = try await read(policy, route)
      let version = found?.object["metadata"]?["resourceVersion"]
      // It is what was read before: not that is refused, but what was to be written.
      if let refused, refused.version == version { throw Self.refusal(refused.error, route) }
      do {
        return try await write(split, policy, route, over: found)
      } catch let error as APIError where Self.hasChanged(error) && attempt < Self.attempts {
        // It is not what was read any more: read anew.
        refused = error.isInvalid ? (version, error) : nil
        attempt += 1
      }
    }
  }

  private func write(
    _ split: Split, _ policy: OverflowPolicy, _ route: OverflowPolicy.Route,
    over found: (object: JSONValue, version: String)?
  ) async throws -> (outcome: Outcome, look: Look) {
    if let own = route.own { return try await apply(split, policy, route, own, over: found) }
    guard let (object, version) = found else {
      throw Fault(reason: "RouteMissing", description: "there is no \(route.kind.rawValue) \(route.name)")
    }
    let weighted = WeightedRoute(object, route, of: policy)
    guard !weighted.isEmpty else {
      let service = policy.spec.service
      throw Fault(
        reason: "NothingToSplit",
        description: "\(route.kind.rawValue) \(route.name): found no rule with \(service) and a neighbour among its "
          + "destinations, expected one")
    }
    func weights(_ parts: Int) -> (local: Int, remote: [Int]) {
      let weights = MeshWeights(split, total: parts)
      return (weights.local, weights.remote)
    }
    let operations = weighted.patch(weights)
    let look = Look(
      split: weighted.shares(after: weights).map { Split(local: $0.local, remote: $0.remote) },
      rules: WeightedRoute.hosts(of: object, route.kind, in: policy.key.namespace))
    guard !operations.isEmpty else { return (.unchanged, look) }
    guard !policy.spec.isDryRun else { return (.tried, look) }
    // Whatever another leader has written meanwhile stands.
    let isAsRead: Patch.Operation = .test(
      "/metadata/resourceVersion", object["metadata"]?["resourceVersion"] ?? .null)
    _ = try await client.patch(
      route.kind.resource(version: version), route.name, .json([isAsRead] + operations), in: policy.key.namespace)
    return (.written, look)
  }

  private func apply(
    _ split: Split, _ policy: OverflowPolicy, _ route: OverflowPolicy.Route, _ own: OverflowPolicy.Route.Own,
    over found: (object: JSONValue, version: String)?
  ) async throws -> (outcome: Outcome, look: Look) {
    guard let version = try await version(of: route.kind) else { throw Self.missing(route.kind) }
    let weights = MeshWeights(split, total: WeightedRoute.parts)
    var object = OwnRoute.object(policy, route, own, version: version, weights: (weights.local, weights.remote))
    let look = Look(
      split: weights.split, rules: WeightedRoute.hosts(of: object, route.kind, in: policy.key.namespace))
    if let found, let spec = object["spec"], found.object["spec"]?.holds(spec) == true { return (.unchanged, look) }
    guard !policy.spec.isDryRun else { return (.tried, look) }
    let resource = route.kind.resource(version: version)
    guard let found else {
      // Made by whoever comes first: an apply would replace what another leader has made meanwhile.
      _ = try await client.create(resource, object, in: policy.key.namespace)
      return (.written, look)
    }
    for field in ["uid", "resourceVersion"] { object["metadata"]?[field] = found.object["metadata"]?[field] }
    _ = try await client.patch(resource, route.name, .apply(object, force: true), in: policy.key.namespace)
    return (.written, look)
  }

  /// Whether a patch may have been refused because the object is another than when it was read. API servers answer 422
  /// where a `test` does not hold, and where an object does not keep to its definition.
  private static func hasChanged(_ error: APIError) -> Bool {
    error.isConflict || error.isAlreadyExists || error.isInvalid
  }

  private static func refusal(_ error: APIError, _ route: OverflowPolicy.Route) -> Fault {
    Fault(
      reason: "RouteRefused",
      description: "the API server refuses \(route.kind.rawValue) \(route.name): \(error.message.prefix(1000))")
  }

  private func read(
    _ policy: OverflowPolicy, _ route: OverflowPolicy.Route
  ) async throws -> (object: JSONValue, version: String)? {
    guard let version = try await version(of: route.kind) else { throw Self.missing(route.kind) }
    do {
      let object = try await client.get(
        route.kind.resource(version: version), route.name, in: policy.key.namespace)
      return (try object.decode(JSONValue.self), version)
    } catch let error as APIError where error.isNotFound {
      // The API may be served by another version from now on.
      versions.withLock { $0[route.kind] = nil }
      return nil
    }
  }

  private static func missing(_ kind: OverflowPolicy.Route.Kind) -> Fault {
    Fault(
      reason: "RouteKindMissing",
      description:
        "the API server has no \(kind.group) of \(OverflowPolicy.Route.Kind.versions.joined(separator: ", "))")
  }

  /// The newest version that the API server has and that can be written; nil where there is none.
  private func version(of kind: OverflowPolicy.Route.Kind) async throws -> String? {
    if let known = versions.withLock({ $0[kind] }) { return known }
    let version = try await client.version(of: kind.group, among: OverflowPolicy.Route.Kind.versions)
    versions.withLock { $0[kind] = version }
    return version
  }
}

extension APIError {
  /// What was to be written is not valid, or a `test` of a patch does not hold (422).
  fileprivate var isInvalid: Bool { status?.code == 422 }
}
