/// Where the sockets of a node's pods lie, below one folder that the volume driver makes and the selector serves in:
///
/// - `pods/<uid>/`: the folder that a pod sees, with its sockets;
/// - `identities/<uid>.json`: which pod that is, written by the driver alone, and seen by no pod.
package enum PodFolders {
  /// The folder itself, unless something else is said.
  package static let base = "/run/tonari"
  /// The folder of the pods' folders.
  package static let pods = "pods"
  /// The folder of the identities.
  package static let identities = "identities"
  /// What files of identities end with.
  package static let identitySuffix = ".json"
  /// The longest file of an identity, in bytes.
  package static let longestIdentity = 4096
  /// The socket for framed connections, in a pod's folder.
  package static let framed = "selector.sock"
  /// The socket for Envoy's external processing.
  package static let picker = "picker.sock"
  /// The socket for gRPC.
  package static let grpc = "grpc.sock"
}
