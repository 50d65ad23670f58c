import Daemon
import GRPCCore
import SwiftProtobuf
import Testing

@testable import NodeDriver

/// What kubelet asks that mounts nothing.
@Suite(.timeLimit(.minutes(2)))
struct ServicesTests {
  @Test("Kubelet is told what the driver is and where, and says whether it knows it then")
  func registration() async throws {
    let bench = try DriverBench()
    try await bench.serving { driver in
      #expect(!driver.report().isReady)
      try await bench.ask(bench.registration) { client in
        let registration = Pluginregistration_Registration.Client(wrapping: client)
        let info = try await registration.getInfo(.init())
        #expect(info.type == "CSIPlugin")
        #expect(info.name == "csi.tonari.dev")
        #expect(info.endpoint == bench.socket)
        #expect(info.supportedVersions == ["1.0.0"])
        _ = try await registration.notifyRegistrationStatus(.with { $0.error = "no\nway" })
        #expect(driver.report().fault?.contains(#"no\nway"#) == true)
        #expect(!driver.report().isReady)
        _ = try await registration.notifyRegistrationStatus(.with { $0.pluginRegistered = true })
        #expect(driver.report().isReady)
      }
    }
    // So kubelet forgets it.
    #expect(!bench.exists(bench.registration))
    #expect(!bench.exists(bench.socket))
  }

  @Test("The driver says its name, that it is ready, its node, and that it can do no more than mount")
  func identity() async throws {
    let bench = try DriverBench()
    try await bench.serving { _ in
      try await bench.ask { client in
        let identity = Csi_V1_Identity.Client(wrapping: client)
        let info = try await identity.getPluginInfo(.init())
        #expect(info.name == "csi.tonari.dev")
        #expect(info.vendorVersion == "1.2.3")
        let isReady = try await identity.probe(.init()).ready.value
        #expect(isReady)
        let node = Csi_V1_Node.Client(wrapping: client)
        #expect(try await node.nodeGetInfo(.init()).nodeID == "node-1")
        #expect(try await node.nodeGetCapabilities(.init()).capabilities.isEmpty)
      }
    }
  }

  /// A change to a good request, the status that it gets, and what the message names.
  struct Hostile: CustomTestStringConvertible, Sendable {
    var what: String
    var status = RPCError.Code.invalidArgument
    var names: String
    var change: @Sendable (inout Csi_V1_NodePublishVolumeRequest) -> Void
    var testDescription: String { what }

    static func target(_ what: String, _ change: @escaping @Sendable (String) -> String) -> Hostile {
      Hostile(what: what, names: "target_path") { $0.targetPath = change($0.targetPath) }
    }

    static func attribute(
      _ name: String, _ value: String?, _ names: String, status: RPCError.Code = .invalidArgument
    ) -> Hostile {
      Hostile(what: "\(name) \((value ?? "absent").prefix(20).debugDescription)", status: status, names: names) {
        $0.volumeContext[name] = value
      }
    }

    private static let kubelet = "csi.storage.k8s.io/"
    static let all: [Hostile] = [
      target("no target") { _ in "" },
      target("a relative target") { String($0.dropFirst()) },
      target("a target elsewhere") { _ in "/etc" },
      target("a target that leads out") { $0.replacing("/tonari/mount", with: "/../../../../../etc/mount") },
      target("dots as the volume") { $0.replacing("/tonari/", with: "/../") },
      target("dots as the pod") { $0.replacing(DriverBench.uid, with: "..") },
      target("another plugin's target") { $0.replacing("kubernetes.io~csi", with: "kubernetes.io~empty-dir") },
      target("a deeper target") { $0 + "/mount" },
      target("a folder's slash") { $0 + "/" },
      target("two slashes") { $0.replacing("/volumes/", with: "//volumes/") },
      target("another last name") { $0.replacing("/mount", with: "/data") },
      target("a zero byte") { $0 + "\0" },
      target("a line feed in the volume") { $0.replacing("/tonari/", with: "/to\nnari/") },
      target("a long path") { $0.replacing("/tonari/", with: "/" + String(repeating: "x", count: 100_000) + "/") },
      target("another pod's target") { $0.replacing(DriverBench.uid, with: "another") },
      target("a uid with capitals") { $0.replacing(DriverBench.uid, with: "ABC") },
      Hostile(what: "no volume id", names: "volume_id") { $0.volumeID = "" },
      Hostile(what: "a long volume id", names: "volume_id") { $0.volumeID = String(repeating: "x", count: 100_000) },
      Hostile(what: "no capability", names: "volume_capability") { $0.clearVolumeCapability() },
      Hostile(what: "a block device", names: "volume_capability") { $0.volumeCapability.block = .init() },
      Hostile(what: "mount flags", names: "mount_flags") { $0.volumeCapability.mount.mountFlags = ["exec"] },
      Hostile(what: "a file system", names: "fs_type") { $0.volumeCapability.mount.fsType = "ext4" },
      attribute(kubelet + "ephemeral", nil, "ephemeral"),
      attribute(kubelet + "ephemeral", "false", "ephemeral"),
      attribute(kubelet + "pod.namespace", nil, "namespace"),
      attribute(kubelet + "pod.namespace", "a/b", "namespace"),
      attribute(kubelet + "pod.namespace", "../x", "namespace"),
      attribute(kubelet + "pod.name", "", "name"),
      attribute(kubelet + "pod.name", String(repeating: "n", count: 100_000), "name of 100000 bytes"),
      attribute(kubelet + "pod.name", "a\"b", "name"),
      attribute(kubelet + "pod.uid", nil, "uid"),
      attribute(kubelet + "pod.uid", "..", "uid"),
      attribute(kubelet + "pod.uid", "../../etc", "uid"),
      attribute(kubelet + "pod.uid", "another-uid", "another-uid"),
      attribute(kubelet + "serviceAccount.name", "a\0b", "serviceAccount"),
      attribute("role", "root", "'root'"),
      attribute("role", "", "role"),
      attribute("Role", "selector", "'Role'"),
      attribute("mode\n", "0777", #"'mode\n'"#),
      attribute("role", "selector", "shop/cart", status: .permissionDenied),
      attribute("role", "selector", "tonari/tonari-selector", status: .permissionDenied),
    ]
  }

  @Test("A request that is not what it must be is refused by name, and leaves nothing behind", arguments: Hostile.all)
  func hostile(_ hostile: Hostile) async throws {
    let bench = try DriverBench()
    let target = try bench.target()
    try await bench.serving { _ in
      var request = DriverBench.request(target)
      hostile.change(&request)
      try await bench.ask { [request] client in
        await #expect {
          try await Csi_V1_Node.Client(wrapping: client).nodePublishVolume(request)
        } throws: { error in
          let error = error as? RPCError
          return error?.code == hostile.status && error?.message.contains(hostile.names) == true
            && error?.message.utf8.count ?? 0 < 1000 && error?.message.contains("\n") == false
        }
        // What is refused at publishing is refused at unpublishing.
        guard hostile.names == "target_path", hostile.what != "another pod's target" else { return }
        await #expect(throws: RPCError.self) {
          try await Csi_V1_Node.Client(wrapping: client).nodeUnpublishVolume(
            .with {
              $0.volumeID = "x"
              $0.targetPath = request.targetPath
            })
        }
      }
      #expect(bench.mounts().isEmpty)
      #expect(!bench.exists("\(bench.base)/pods/\(DriverBench.uid)"))
      #expect(!bench.exists("\(bench.base)/identities/\(DriverBench.uid).json"))
    }
  }

  @Test(
    "Names are checked by the byte", arguments: [("a", true), ("a-1", true), ("", false), ("-a", false), ("a-", false)])
  func names(name: String, isValid: Bool) {
    let target = try? VolumeTarget("/p/\(name)/volumes/kubernetes.io~csi/v/mount", pods: "/p")
    #expect((target != nil) == isValid)
  }
}
