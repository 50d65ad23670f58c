import Selection

/// What kubelet asks to publish for a pod.
struct VolumeRequest: Hashable {
  /// What the pod gets.
  enum Role: String, Hashable, CaseIterable {
    /// A folder of its own, read-only, in which the node's selector serves its sockets.
    case pod
    /// The folders of all pods, to serve sockets in them.
    case selector
  }

  private static let roleKey = "role"
  /// What kubelet says of a pod begins so. It replaces what the pod's author wrote under these names.
  private static let kubeletPrefix = "csi.storage.k8s.io/"
  private static let longestAttribute = 1024

  let role: Role
  let pod: Identity.Pod
  let target: VolumeTarget

  /// Reads a request. Throws an error that names the field, what was found and what was expected.
  init(_ request: Csi_V1_NodePublishVolumeRequest, pods: String) throws(VolumeError) {
    try Self.checkVolumeID(request.volumeID)
    target = try VolumeTarget(request.targetPath, pods: pods)
    guard request.hasVolumeCapability, case .mount(let mount) = request.volumeCapability.accessType else {
      throw VolumeError(.invalid, "volume_capability: expected access to a mounted file system")
    }
    guard mount.fsType.isEmpty, mount.mountFlags.isEmpty else {
      throw VolumeError(.invalid, "volume_capability: found fs_type or mount_flags, expected none")
    }
    let attributes = request.volumeContext
    for key in attributes.keys.sorted() where key != Self.roleKey && !key.hasPrefix(Self.kubeletPrefix) {
      throw VolumeError(.invalid, "volume attribute '\(key.prefix(100).escaped)': expected role alone")
    }
    guard attributes[Self.kubeletPrefix + "ephemeral"] == "true" else {
      throw VolumeError(
        .invalid,
        """
        volume attribute csi.storage.k8s.io/ephemeral: expected 'true', as kubelet says for an inline volume where the \
        CSIDriver has podInfoOnMount
        """)
    }
    guard let role = Role(rawValue: attributes[Self.roleKey] ?? Role.pod.rawValue) else {
      throw VolumeError(
        .invalid,
        "volume attribute role '\((attributes[Self.roleKey] ?? "").prefix(100).escaped)': expected pod or selector")
    }
    self.role = role
    pod = Identity.Pod(
      namespace: attributes[Self.kubeletPrefix + "pod.namespace"] ?? "",
      name: attributes[Self.kubeletPrefix + "pod.name"] ?? "", uid: attributes[Self.kubeletPrefix + "pod.uid"] ?? "",
      serviceAccount: attributes[Self.kubeletPrefix + "serviceAccount.name"] ?? "")
    if let fault = pod.fault { throw VolumeError(.invalid, "volume attributes \(Self.kubeletPrefix)*: \(fault)") }
    guard pod.uid == target.pod else {
      throw VolumeError(
        .invalid, "target_path: is of pod '\(target.pod)', expected '\(pod.uid)' as csi.storage.k8s.io/pod.uid says")
    }
  }

  static func checkVolumeID(_ id: String) throws(VolumeError) {
    guard (1...longestAttribute).contains(id.utf8.count) else {
      throw VolumeError(.invalid, "volume_id of \(id.utf8.count) bytes: expected 1 to \(longestAttribute)")
    }
  }
}
