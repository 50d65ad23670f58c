/// How long names may be, and of how many nodes and pods a request may speak: what Kubernetes allows, or more than any
/// cluster has. What a request makes the extender hold or answer must not grow without end.
enum RequestLimits {
  /// The bytes of a name: a pod's, node's, namespace's or owner's.
  static let name = 253
  /// The bytes of a pod's identity, which API servers make 36.
  static let uid = 128
  /// The bytes of a label's value, or of a kind.
  static let label = 63
  /// What an annotation is cut to: it is longer than any namespace with any name, so that what was cut names no workload.
  static let annotation = 600
  /// How many nodes are offered.
  static let nodes = 200_000
  /// How many nodes and pods are named where pods would have to go.
  static let victims = 200_000
}
