import CMount
import Connections
import Foundation
import Glibc
import Logging
import Selection

/// The folders of a node's pods, and their mounts into the pods. What is so is read off the file system and the table of
/// mounts each time, so that a restart loses nothing.
///
/// Everything here blocks; calls come one after the other.
struct PodVolumes {
  /// The most mounts that are taken away over one target.
  private static let mostLayers = 16

  /// The folder of sockets, without links.
  let base: String
  /// Kubelet's folder of pods, as kubelet writes it.
  let kubeletPods: String
  /// The same without links, as the table of mounts has it.
  private let realPods: String
  /// Who serves the sockets: the user and the group of the pods' folders.
  let selectorUser: UInt32
  /// The service accounts of which pods may serve sockets.
  let selectors: Set<Identity.ServiceAccount>
  let logger: Logger

  /// Makes the folders that are missing.
  init(
    base: String, kubeletPods: String, selectorUser: UInt32, selectors: Set<Identity.ServiceAccount>, logger: Logger
  ) throws(VolumeError) {
    let folder: OpenFolder
    do {
      folder = try OpenFolder(base)
    } catch {
      if mkdir(base, 0o755) != 0 { throw error }
      folder = try OpenFolder(base)
    }
    // Every pod's file permissions end here: no other user may write.
    try folder.give(to: 0, 0, mode: 0o755)
    for name in [PodFolders.pods, PodFolders.identities] {
      try folder.madeFolder(name, mode: 0o755).give(to: 0, 0, mode: 0o755)
    }
    self.base = try Self.withoutLinks(base)
    self.kubeletPods = kubeletPods
    realPods = try Self.withoutLinks(kubeletPods)
    self.selectorUser = selectorUser
    self.selectors = selectors
    self.logger = logger
  }

  private static func withoutLinks(_ path: String) throws(VolumeError) -> String {
    guard let found = realpath(path, nil) else { throw OpenFolder.error(path, "find the folder", errno) }
    defer { free(found) }
    return String(cString: found)
  }

  /// Whether kubelet sees what is mounted here: in a container only with `mountPropagation: Bidirectional`.
  func isShared() throws(VolumeError) -> Bool { try MountTable.current().mount(holding: realPods)?.isShared ?? false }

  // MARK: - Publishing

  /// Mounts what a pod asks for; does nothing where it is mounted.
  func publish(_ volume: VolumeRequest) throws(VolumeError) {
    let account = Identity.ServiceAccount(namespace: volume.pod.namespace, name: volume.pod.serviceAccount)
    if volume.role == .selector, !selectors.contains(account) {
      let expected = selectors.map { "\($0.namespace)/\($0.name)" }.sorted().joined(separator: ", ")
      throw VolumeError(
        .refused,
        "role selector: found service account \(account.namespace)/\(account.name), expected \(expected.isEmpty ? "none: none is allowed" : expected)"
      )
    }
    do throws(VolumeError) {
      try mount(volume)
    } catch {
      // Kubelet does not ask to unpublish what never was published.
      if volume.role == .pod { _ = try? removeUnused(volume.pod.uid) }
      throw error
    }
  }

  private func mount(_ volume: VolumeRequest) throws(VolumeError) {
    guard let parent = try parent(of: volume.target) else {
      throw VolumeError(.failed, "\(kubeletPods)/\(volume.target.parents.joined(separator: "/")): is not there")
    }
    let source = try source(of: volume)
    let path = volume.role == .pod ? "\(base)/\(PodFolders.pods)/\(volume.pod.uid)" : base
    let point = "\(realPods)/\(volume.target.relativePath)"
    let table = try MountTable.current()
    let isMounted: Bool
    switch table.mount(at: point) {
    case nil: isMounted = false
    case let mount? where mount.location == table.location(of: path): isMounted = true
    // What was mounted has been removed: nobody will serve in it.
    case let mount? where mount.root.hasSuffix("//deleted"):
      guard tonari_unmount(parent.descriptor, VolumeTarget.mount) == 0 else {
        throw parent.error(VolumeTarget.mount, "unmount")
      }
      isMounted = false
    case let mount?:
      throw VolumeError(
        .conflicting, "target_path: found \(mount.root.escaped) mounted there, expected nothing or \(path)")
    }
    if !isMounted {
      let target = try parent.madeFolder(VolumeTarget.mount, mode: 0o750)
      guard tonari_bind(source.descriptor, target.descriptor) == 0 else {
        throw parent.error(VolumeTarget.mount, "mount \(path)")
      }
    }
    // Opened anew: the folder that is now on top.
    guard let root = try parent.folder(VolumeTarget.mount) else {
      throw parent.error(VolumeTarget.mount, "open the mount")
    }
    guard tonari_restrict(root.descriptor, volume.role == .pod ? 1 : 0) == 0 else {
      let fault = parent.error(VolumeTarget.mount, "restrict the mount")
      _ = tonari_unmount(parent.descriptor, VolumeTarget.mount)
      throw fault
    }
  }

  /// The folder that a pod gets, with all that belongs to it.
  private func source(of volume: VolumeRequest) throws(VolumeError) -> OpenFolder {
    let folder = try OpenFolder(base)
    guard volume.role == .pod else { return folder }
    let made = try folder.madeFolder(PodFolders.pods, mode: 0o755).madeFolder(volume.pod.uid, mode: 0o755)
    try made.give(to: selectorUser, selectorUser, mode: 0o755)
    try write(volume.pod, in: folder.madeFolder(PodFolders.identities, mode: 0o755))
    return made
  }

  private func write(_ pod: Identity.Pod, in identities: OpenFolder) throws(VolumeError) {
    let name = pod.uid + PodFolders.identitySuffix
    if let known = try identities.file(name, atMost: PodFolders.longestIdentity),
      let known = try? JSONDecoder().decode(Identity.Pod.self, from: Data(known))
    {
      guard known == pod else {
        throw VolumeError(.conflicting, "pod uid \(pod.uid): found \(pod), expected \(known), which has that uid")
      }
      return
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let data = try? encoder.encode(pod) else { throw VolumeError(.failed, "\(pod): cannot be encoded") }
    // The selector's group may read, and nobody but the driver write.
    try identities.write(Array(data), to: name, group: selectorUser, mode: 0o640)
  }

  /// The folder in which kubelet wants the mount; nil where that is not there.
  private func parent(of target: VolumeTarget) throws(VolumeError) -> OpenFolder? {
    var folder = try OpenFolder(kubeletPods)
    for name in target.parents {
      guard let next = try folder.folder(name) else { return nil }
      folder = next
    }
    return folder
  }

  // MARK: - Unpublishing

  /// Takes a mount away, and the pod's folder with the last one of it; does nothing where it is not mounted.
  func unpublish(_ target: VolumeTarget) throws(VolumeError) {
    if let parent = try parent(of: target) {
      let point = "\(realPods)/\(target.relativePath)"
      for _ in 0..<Self.mostLayers {
        guard try MountTable.current().mount(at: point) != nil else { break }
        guard tonari_unmount(parent.descriptor, VolumeTarget.mount) == 0 else {
          throw parent.error(VolumeTarget.mount, "unmount")
        }
      }
      try parent.removeEmptyFolder(VolumeTarget.mount)
    }
    try removeUnused(target.pod)
  }

  /// Removes a pod's folder and identity where no mount of it is left. Returns whether it did.
  @discardableResult
  private func removeUnused(_ pod: String) throws(VolumeError) -> Bool {
    let table = try MountTable.current()
    let path = "\(base)/\(PodFolders.pods)/\(pod)"
    guard let location = table.location(of: path), !table.entries.contains(where: { $0.location == location }) else {
      return false
    }
    let folder = try OpenFolder(base)
    // First the identity: the selector then serves there no more, and makes no file anew.
    try folder.folder(PodFolders.identities)?.removeFile(pod + PodFolders.identitySuffix)
    try folder.folder(PodFolders.pods)?.removeFolder(pod)
    return true
  }

  // MARK: - Reconciling

  /// The pods that have a folder.
  func pods() throws(VolumeError) -> [String] {
    try OpenFolder(base).folder(PodFolders.pods)?.names().filter(\.isPodUID) ?? []
  }

  /// Removes what pods left behind that kubelet knows no more, and that nobody asked to unpublish: they went while nobody
  /// served, or before their volume was mounted.
  func reconcile() throws(VolumeError) {
    let folder = try OpenFolder(base)
    let known = Set(try OpenFolder(kubeletPods).names())
    var left = Set(try folder.folder(PodFolders.pods)?.names() ?? [])
    for file in try folder.folder(PodFolders.identities)?.names() ?? [] {
      if file.hasSuffix(PodFolders.identitySuffix), !file.hasPrefix(".") {
        left.insert(String(file.dropLast(PodFolders.identitySuffix.count)))
      } else if file.hasPrefix("."), file.hasSuffix(".draft") {
        try folder.folder(PodFolders.identities)?.removeFile(file)
      }
    }
    for pod in left.sorted() where pod.isPodUID && !known.contains(pod) {
      do throws(VolumeError) {
        if try removeUnused(pod) { logger.notice("Removed what a pod left behind", metadata: ["uid": "\(pod)"]) }
      } catch {
        logger.error("Cannot remove what a pod left behind", metadata: ["uid": "\(pod)", "error": "\(error)"])
      }
    }
  }
}
