import Connections
import Foundation
import GRPCCore
import Glibc
import Selection
import Testing

@testable import NodeDriver

/// Real mounts, which need root.
@Suite(.enabled(if: DriverBench.mayMount), .timeLimit(.minutes(2)), .serialized)
struct PodVolumesTests {
  private static let uid = DriverBench.uid

  private static func mode(_ path: String) -> (user: uid_t, group: gid_t, mode: mode_t)? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return (status.st_uid, status.st_gid, status.st_mode & 0o7777)
  }

  @Test("A pod gets a folder of its own, read-only, and the node its identity; with the volume both go")
  func publish() async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    try await bench.serving { _ in
      let folder = "\(bench.base)/pods/\(Self.uid)"
      let identity = "\(bench.base)/identities/\(Self.uid).json"
      for _ in 0..<2 {
        try await bench.publish(target)
        let mounts = bench.mounts()
        #expect(mounts.map(\.point) == [target])
        #expect(mounts.first?.options.isSuperset(of: ["ro", "nosuid", "nodev", "noexec"]) == true)
        #expect(Self.mode(folder)! == (65532, 65532, 0o755))
        #expect(Self.mode(identity)! == (0, 65532, 0o640))
        let pod = try JSONDecoder().decode(Identity.Pod.self, from: Data(contentsOf: URL(filePath: identity)))
        #expect(pod == .init(namespace: "shop", name: "cart-0", uid: Self.uid, serviceAccount: "cart"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: target).isEmpty)
      }

      // What the selector serves in the folder is reached through the mount, and nothing can be written there.
      let socket = try ListeningSocket(path: folder + "/selector.sock", mode: 0o666)
      #expect(Self.connects(target + "/selector.sock"))
      #expect(open(target + "/x", O_CREAT | O_WRONLY, 0o600) == -1 && errno == EROFS)
      Glibc.close(socket.descriptor)

      for _ in 0..<2 {
        try await bench.unpublish(target)
        #expect(bench.mounts().isEmpty)
        #expect(!bench.exists(target))
        #expect(!bench.exists(folder))
        #expect(!bench.exists(identity))
      }
    }
  }

  private static func connects(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // The mount's path is longer than a socket's may be.
    let folder = open(URL(filePath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY)
    defer { close(folder) }
    let short = "/proc/self/fd/\(folder)/\(URL(filePath: path).lastPathComponent)"
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: short.utf8) }
    return withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }

  @Test("A pod with two volumes keeps its folder until the last is gone; other pods keep theirs")
  func severalVolumes() async throws {
    let bench = try DriverBench()
    let targets = [try bench.target(volume: "one"), try bench.target(volume: "two")]
    let other = try bench.target(pod: "other-pod")
    var attributes = DriverBench.attributes
    attributes["csi.storage.k8s.io/pod.uid"] = "other-pod"
    try await bench.serving { [attributes] _ in
      for target in targets { try await bench.publish(target) }
      try await bench.publish(other, attributes)
      try await bench.unpublish(targets[0])
      #expect(bench.exists("\(bench.base)/pods/\(Self.uid)"))
      #expect(bench.exists("\(bench.base)/identities/\(Self.uid).json"))
      try await bench.unpublish(targets[1])
      #expect(!bench.exists("\(bench.base)/pods/\(Self.uid)"))
      #expect(bench.exists("\(bench.base)/pods/other-pod"))
      #expect(bench.mounts().map(\.point) == [other])
      try await bench.unpublish(other)
    }
  }

  @Test("Pods that are published at the same time all are, and all go")
  func concurrently() async throws {
    let bench = try DriverBench()
    let pods = (0..<24).map { "pod-\($0)" }
    try await bench.serving { _ in
      for isPublishing in [true, false] {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for pod in pods {
            let target = try bench.target(pod: pod)
            var attributes = DriverBench.attributes
            attributes["csi.storage.k8s.io/pod.uid"] = pod
            group.addTask { [attributes] in
              try await isPublishing ? bench.publish(target, attributes) : bench.unpublish(target)
            }
          }
          try await group.waitForAll()
        }
        #expect(bench.mounts().count == (isPublishing ? pods.count : 0))
        #expect(
          try FileManager.default.contentsOfDirectory(atPath: bench.base + "/identities").count
            == (isPublishing ? pods.count : 0))
      }
    }
  }

  @Test("The selector's pod gets the folders of all pods, to write in those that are its user's")
  func selector() async throws {
    let bench = try DriverBench()
    var attributes = DriverBench.attributes
    attributes["csi.storage.k8s.io/pod.namespace"] = "tonari"
    attributes["csi.storage.k8s.io/serviceAccount.name"] = "tonari-selector"
    attributes["csi.storage.k8s.io/pod.uid"] = "selector-pod"
    attributes["role"] = "selector"
    let target = try bench.target(pod: "selector-pod")
    let pods = try bench.target()
    try await bench.serving { [attributes] _ in
      for _ in 0..<2 { try await bench.publish(target, attributes) }
      #expect(bench.mounts().count == 1)
      #expect(bench.mounts().first?.options.isSuperset(of: ["rw", "nosuid", "nodev", "noexec"]) == true)
      // Pods that come later are seen.
      try await bench.publish(pods)
      #expect(bench.exists("\(target)/pods/\(Self.uid)"))
      #expect(bench.exists("\(target)/identities/\(Self.uid).json"))
      #expect(!bench.exists("\(target)/identities/selector-pod.json"))
      #expect(Self.mode(target + "/pods")! == (0, 0, 0o755))
      #expect(Self.mode(target + "/identities")! == (0, 0, 0o755))
      try await bench.unpublish(target)
      #expect(!bench.exists(target))
      #expect(bench.exists("\(bench.base)/pods/\(Self.uid)"))
      try await bench.unpublish(pods)
    }
  }

  @Test(
    "A link on the way to the target is not followed", arguments: ["volumes", "kubernetes.io~csi", "tonari", "mount"])
  func links(_ name: String) async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    let place = "\(target.components(separatedBy: "/\(name)")[0])/\(name)"
    let victim = "\(bench.root)/victim"
    // Laid out so that the path leads to something where links are followed.
    let rest = target.dropFirst(place.count)
    try FileManager.default.createDirectory(atPath: victim + rest, withIntermediateDirectories: true)
    try? FileManager.default.removeItem(atPath: place)
    try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: victim)
    try await bench.serving { _ in
      await #expect { try await bench.publish(target) } throws: { ($0 as? RPCError)?.code == .internalError }
      #expect(bench.mounts().isEmpty)
      await #expect(throws: RPCError.self) { try await bench.unpublish(target) }
      #expect(bench.exists(victim + rest))
      #expect(bench.exists(place))
    }
  }

  @Test("What is mounted by others at the target is left alone")
  func foreign() async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    try DriverBench.run("/bin/mount", "-t", "tmpfs", "none", target)
    try await bench.serving { _ in
      await #expect { try await bench.publish(target) } throws: { ($0 as? RPCError)?.code == .alreadyExists }
      #expect(bench.mounts().count == 1)
      #expect(!bench.exists("\(bench.base)/pods/\(Self.uid)"))
    }
  }

  @Test("A target that is not empty is not removed")
  func filled() async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    try FileManager.default.createDirectory(atPath: target + "/data", withIntermediateDirectories: true)
    try await bench.serving { _ in
      await #expect { try await bench.unpublish(target) } throws: { ($0 as? RPCError)?.code == .internalError }
      #expect(bench.exists(target + "/data"))
    }
  }

  @Test("Another pod with the same uid is refused")
  func sameUID() async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    try await bench.serving { _ in
      try await bench.publish(target)
      let thief = DriverBench.attributes.merging(["csi.storage.k8s.io/pod.name": "thief"]) { $1 }
      let second = try bench.target(volume: "two")
      await #expect {
        try await bench.publish(second, thief)
      } throws: {
        ($0 as? RPCError)?.code == .alreadyExists && "\($0)".contains("shop/cart-0")
      }
      #expect(bench.mounts().count == 1)
      try await bench.unpublish(target)
    }
  }

  @Test("A restart keeps what is published, and it can be unpublished afterwards")
  func restart() async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    try await bench.serving { _ in try await bench.publish(target) }
    #expect(bench.mounts().count == 1)
    try await bench.serving { _ in
      #expect(bench.exists("\(bench.base)/identities/\(Self.uid).json"))
      try await bench.publish(target)
      #expect(bench.mounts().count == 1)
      try await bench.unpublish(target)
      #expect(!bench.exists("\(bench.base)/pods/\(Self.uid)"))
    }
  }

  @Test("After a crash at any point publishing again completes", arguments: ["folder", "draft", "identity", "mount"])
  func crash(after step: String) async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    let folder = "\(bench.base)/pods/\(Self.uid)"
    // What the driver had done.
    try await bench.serving { _ in }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let identity = "\(bench.base)/identities/\(Self.uid).json"
    let draft = "\(bench.base)/identities/.\(Self.uid).json.draft"
    if step == "draft" { try Data("{".utf8).write(to: URL(filePath: draft)) }
    if step == "identity" || step == "mount" {
      let pod = Identity.Pod(namespace: "shop", name: "cart-0", uid: Self.uid, serviceAccount: "cart")
      try JSONEncoder().encode(pod).write(to: URL(filePath: identity))
    }
    if step == "mount" {
      try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
      try DriverBench.run("/bin/mount", "--bind", folder, target)
    }
    try await bench.serving { _ in
      // Kubelet knows the pod still.
      #expect(bench.exists(folder))
      try await bench.publish(target)
      #expect(bench.mounts().count == 1)
      #expect(bench.mounts().first?.options.contains("ro") == true)
      #expect(Self.mode(folder)!.user == 65532)
      #expect(bench.exists(identity))
      #expect(!bench.exists(draft))
      try await bench.unpublish(target)
    }
  }

  @Test("A mount whose folder was removed is replaced")
  func removedFolder() async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    try await bench.serving { _ in
      try await bench.publish(target)
      rmdir("\(bench.base)/pods/\(Self.uid)")
      try await bench.publish(target)
      #expect(bench.mounts().count == 1)
      #expect(bench.mounts().first?.root.hasSuffix("/pods/\(Self.uid)") == true)
      try await bench.unpublish(target)
      #expect(bench.mounts().isEmpty)
    }
  }

  @Test("What pods left that kubelet knows no more is removed at the start, links in it not followed, and nothing else")
  func reconcile() async throws {
    let bench = try DriverBench()
    let files = FileManager.default
    try await bench.serving { _ in }
    let victim = "\(bench.root)/victim"
    try files.createDirectory(atPath: victim + "/inner", withIntermediateDirectories: true)
    for (pod, isKnown) in [("gone", false), ("known", true)] {
      try files.createDirectory(atPath: "\(bench.base)/pods/\(pod)/a/b", withIntermediateDirectories: true)
      try files.createSymbolicLink(atPath: "\(bench.base)/pods/\(pod)/a/link", withDestinationPath: victim)
      try Data("{}".utf8).write(to: URL(filePath: "\(bench.base)/identities/\(pod).json"))
      if isKnown { _ = try bench.target(pod: pod) }
    }
    // An identity without a folder, and what is no pod's.
    try Data("{}".utf8).write(to: URL(filePath: "\(bench.base)/identities/orphan.json"))
    try files.createDirectory(atPath: "\(bench.base)/pods/No_Pod", withIntermediateDirectories: true)
    let mounted = try bench.target(pod: "mounted")
    var attributes = DriverBench.attributes
    attributes["csi.storage.k8s.io/pod.uid"] = "mounted"
    try await bench.serving { [attributes] _ in
      try await bench.publish(mounted, attributes)
      #expect(try Set(files.contentsOfDirectory(atPath: bench.base + "/pods")) == ["known", "mounted", "No_Pod"])
      #expect(
        try Set(files.contentsOfDirectory(atPath: bench.base + "/identities")) == ["known.json", "mounted.json"])
      #expect(bench.exists(victim + "/inner"))
      try await bench.unpublish(mounted)
    }
  }

  @Test("Whatever is in a pod's folder goes with its volume, however deep, with few descriptors")
  func deepFolder() async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    let victim = "\(bench.root)/victim"
    try FileManager.default.createDirectory(atPath: victim + "/inner", withIntermediateDirectories: true)
    try await bench.serving { _ in
      try await bench.publish(target)
      let folder = "\(bench.base)/pods/\(Self.uid)"
      // Deeper than a path can say.
      var place = open(folder, O_RDONLY | O_DIRECTORY)
      for depth in 0..<3000 {
        #expect(symlinkat(victim, place, "link") == 0)
        for name in ["a", "b"] { #expect(mkdirat(place, name, 0o700) == 0) }
        if depth == 0 {
          // No text in UTF-8.
          #expect([CChar](arrayLiteral: -1, -2, 0).withUnsafeBufferPointer { mkdirat(place, $0.baseAddress!, 0) } == 0)
        }
        let next = openat(place, "a", O_RDONLY | O_DIRECTORY)
        close(place)
        place = next
      }
      close(place)
      let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
      try await bench.unpublish(target)
      #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count <= before + 16)
      #expect(!bench.exists(folder))
      #expect(bench.exists(victim + "/inner"))
    }
  }

  @Test("A second driver on the same sockets is refused, and the first goes on")
  func second() async throws {
    let bench = try DriverBench()
    try await bench.serving { _ in
      await #expect(throws: SocketError.self) { try await bench.serving { _ in } }
      try await bench.unpublish(try bench.target())
    }
  }
}
