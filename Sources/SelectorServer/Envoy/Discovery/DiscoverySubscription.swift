import EnvoyProtocol
import GRPCCore
import SwiftProtobuf

/// What is known of a resource that somebody asks for.
enum DiscoveredEndpoints: Sendable {
  /// Nothing yet: the selector is starting.
  case pending
  /// There is no such service, and was none.
  case absent
  /// What there is, and a version that is the same for the same contents, whichever selector tells it.
  case assignment(version: String, SwiftProtobuf.Google_Protobuf_Any)
}

/// One side of xDS for endpoints on one stream: what an Envoy asked for and was told. It has no clock and no stream.
protocol DiscoverySubscription: Sendable {
  associatedtype Request: Sendable
  associatedtype Response: Sendable

  init()

  /// Takes a request. Throws where it asks for more than is allowed.
  mutating func hear(_ request: Request) throws(RPCError) -> HeardRequest

  /// There may be something else to tell of a resource.
  mutating func mark(_ name: String)

  /// What is to be told now; nil for nothing. What was told before must be acknowledged first, except where something was
  /// asked for.
  mutating func next(_ endpoints: (String) -> DiscoveredEndpoints) -> Response?

  static func type(of request: Request) -> String
  static func node(of request: Request) -> Envoy_Config_Core_V3_Node?
}

/// What a request said.
struct HeardRequest: Hashable {
  /// Resources that were not asked for before.
  var subscribed: [String] = []
  /// Resources that are not asked for any more.
  var unsubscribed: [String] = []
  /// Why the Envoy does not take what it was told last; nil where it does.
  var rejection: String?
}

/// The type of the one kind of resources that is served.
let endpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"

/// The most resources that are asked for on a stream, and the most bytes of a name.
private let mostResources = 20_000
private let longestName = 1024

/// Checks names that are asked for.
func checkResources(count: Int, _ names: [String]) throws(RPCError) {
  guard count <= mostResources else {
    throw RPCError(
      code: .resourceExhausted, message: "\(count) resources: expected at most \(mostResources) on a stream")
  }
  if let name = names.first(where: { $0.utf8.count > longestName }) {
    throw RPCError(
      code: .invalidArgument, message: "name of \(name.utf8.count) bytes: expected at most \(longestName)")
  }
}

/// What was told of a resource last.
enum ToldResource: Hashable, Sendable {
  case nothing
  case absence
  case version(String)
}
