/// Who says which replicas there are. Where several name the same address, the first counts.
package enum ReplicaSource: Int, CaseIterable, Comparable, Hashable, Sendable {
  /// A file.
  case file
  /// Kubernetes.
  case kubernetes
  /// The replicas themselves, or somebody for them.
  case registration
  /// Another selector, with which they were registered.
  case peer
  /// A policy of overflow: the gateways of other clusters.
  case overflow

  /// Whether a source counts before another.
  package static func < (a: ReplicaSource, b: ReplicaSource) -> Bool { a.rawValue < b.rawValue }
}
