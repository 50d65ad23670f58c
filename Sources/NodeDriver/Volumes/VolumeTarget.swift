import Selection

/// Where kubelet wants a volume: `<pods>/<uid>/volumes/kubernetes.io~csi/<volume>/mount`.
struct VolumeTarget: Hashable {
  private static let middle = ["volumes", "kubernetes.io~csi"]
  /// The last component, which the driver makes.
  static let mount = "mount"

  /// The pod's uid.
  let pod: String
  /// The volume's name in the pod.
  let volume: String

  /// The components below kubelet's folder of pods, without the last.
  var parents: [String] { [pod] + Self.middle + [volume] }
  /// The path below kubelet's folder of pods.
  var relativePath: String { (parents + [Self.mount]).joined(separator: "/") }

  /// Reads a path. Throws where it is anything else, such as one that leads out of kubelet's folder.
  ///
  /// - Parameter pods: kubelet's folder of pods.
  init(_ path: String, pods: String) throws(VolumeError) {
    let invalid = VolumeError(
      .invalid,
      "target_path '\(path.prefix(300).escaped)': expected \(pods)/<pod uid>/volumes/kubernetes.io~csi/<volume>/mount")
    guard path.hasPrefix(pods + "/"), path.utf8.count <= 1024 else { throw invalid }
    let parts = path.dropFirst(pods.count + 1).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 5, Array(parts[1...2]) == Self.middle, parts[4] == Self.mount, parts[0].isPodUID,
      parts[3].isSubdomain
    else { throw invalid }
    pod = parts[0]
    volume = parts[3]
  }
}

extension StringProtocol {
  /// The text in one line of printable characters.
  var escaped: String { unicodeScalars.map { $0.escaped(asASCII: true) }.joined() }
}
