/// The names of the endpoint picker protocol 1.0.0, and of what may be said to the picker in the stream's metadata
/// (`grpc_service.initial_metadata` in Envoy's configuration).
enum PickerNames {
  /// The header, and the field of ``metadata``, with the endpoints that were picked.
  static let destination = "x-gateway-destination-endpoint"
  /// The field of ``metadata`` with the endpoint that served a request.
  static let served = "x-gateway-destination-endpoint-served"
  /// The namespace of dynamic metadata for load balancing.
  static let metadata = "envoy.lb"
  /// The namespace of the endpoints that alone will do.
  static let subsetHint = "envoy.lb.subset_hint"
  /// The field of ``subsetHint``.
  static let subset = "x-gateway-destination-endpoint-subset"
  /// The attributes of a stream are found under the filter's name.
  static let attributes = "envoy.filters.http.ext_proc"

  /// The header of a request that says how often it was sent from one cluster to another. Anybody can write it, so it is
  /// believed only where ``trustHops`` says so, and taken away from all other requests.
  static let hops = "x-tonari-hops"

  /// The service that the stream's requests are for.
  static let service = "x-tonari-service"
  /// Where they come from.
  static let node = "x-tonari-node"
  /// Where they come from.
  static let zone = "x-tonari-zone"
  /// Where they come from.
  static let cluster = "x-tonari-cluster"
  /// The header of a request whose value ties it to a replica.
  static let keyHeader = "x-tonari-key-header"
  /// Whose requests may say that they were sent on before: `true` for all of the stream's, which is for a listener that only
  /// neighbours reach; else the names (SAN) of the neighbours' certificates, with commas between them.
  static let trustHops = "x-tonari-trust-hops"
  /// How many endpoints to name for retries.
  static let alternatives = "x-tonari-alternatives"
}
