import Connections
import ControlPlaneTestSupport
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Kubernetes
import NodeDriver
import SelectorProtocol
import SwiftProtobuf
import Testing
import TonariClient

#if canImport(Glibc)
  import Glibc
#endif

/// The volume driver and a selector as programs of their own, with kubelet's part played by the test; and with a real kubelet.
@Suite("a pod's own sockets", .timeLimit(.minutes(5)), .serialized)
struct PodSocketsTests {
  private typealias Node = Csi_V1_Node.Client<HTTP2ClientTransport.Posix>

  /// Mounts need root; where tests must not be left out, they fail without.
  private static let mayMount = geteuid() == 0 || Fixtures.isCI

  private static let kubelet: Bool = {
    let assets = ProcessInfo.processInfo.environment["KUBEBUILDER_ASSETS"]
    guard let assets, FileManager.default.isExecutableFile(atPath: assets + "/kubelet") else { return false }
    return ["containerd", "runc", "ctr", "gcc", "setpriv"].allSatisfy { Fixtures.program($0) != nil } && geteuid() == 0
  }()

  @Test(
    "A pod of a real kubelet and containerd gets them by an inline volume, picks there, and keeps them over kills",
    .enabled(if: kubelet, "needs root, kubelet beside kube-apiserver in KUBEBUILDER_ASSETS, containerd, runc and gcc"))
  func withKubelet() async throws {
    let script = Fixtures.root.appending(path: "Tests/EndToEndTests/Node/kubelet.sh")
    let process = Process()
    process.executableURL = script
    process.arguments = [TonariProcess.executable.path]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = await Task.detached { (try? output.fileHandleForReading.readToEnd()) ?? Data() }.value
    process.waitUntilExit()
    let said = String(decoding: text, as: UTF8.self)
    #expect(process.terminationStatus == 0, "\(said)")
    #expect(said.contains("with the pods their folders, identities, mounts and sockets are gone"), "\(said)")
  }

  private func isReady(_ port: UInt16) async -> Bool {
    let request = OutgoingRequest(url: "http://127.0.0.1:\(port)/readyz")
    return (try? await HTTPTransport().send(request))?.status == 200
  }

  private func ask<Answer: Sendable>(
    _ socket: String, _ work: @escaping @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Answer
  ) async throws -> Answer {
    try await withGRPCClient(
      transport: .http2NIOPosix(target: .unixDomainSocket(path: socket), transportSecurity: .plaintext)
    ) { try await work($0) }
  }

  private func pick(_ socket: String) async throws -> String {
    let client = SelectorClient(SelectorClient.Configuration(addresses: [.unix(path: socket)]))
    let running = Task { try await client.run() }
    defer { running.cancel() }
    return try await client.withReplica(of: "shop/cart") { $0.address }
  }

  @Test("serve what the pod asks, survive kills of driver and selector, and go with the pod", .enabled(if: mayMount))
  func programs() async throws {
    // The path of a socket is short.
    let root = "/tmp/nt-\(UUID().uuidString.prefix(8))"
    let files = FileManager.default
    let uid = "7d9f2c1e-0f7c-4bd1-8f0b-6a5e4d3c2b1a"
    let target = "\(root)/kubelet/pods/\(uid)/volumes/kubernetes.io~csi/tonari/mount"
    for folder in ["kubelet/plugins/csi.tonari.dev", "kubelet/plugins_registry"] {
      try files.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
    }
    try files.createDirectory(
      atPath: URL(filePath: target).deletingLastPathComponent().path, withIntermediateDirectories: true)
    defer {
      if let umount = Fixtures.program("umount") { _ = try? Fixtures.run(umount, ["-q", "-l", target]) }
      try? files.removeItem(atPath: root)
    }
    try Data(#"services: [{name: shop/cart, replicas: [{address: "10.1.2.3:80"}]}]"#.utf8)
      .write(to: URL(filePath: root + "/replicas.yaml"))
    let driver = root + "/kubelet/plugins/csi.tonari.dev/csi.sock"

    func startDriver() async throws -> TonariProcess {
      let port = try LoopbackListener.freePort()
      let process = try TonariProcess([
        "csi-driver", "--node-id", "node-1", "--base-dir", root + "/run", "--kubelet-dir", root + "/kubelet", "--http",
        "127.0.0.1:\(port)",
      ])
      try await eventually("the driver serves") {
        (try? await ask(driver) { try await Node(wrapping: $0).nodeGetInfo(.init()).nodeID }) == "node-1"
      }
      _ = try await ask(root + "/kubelet/plugins_registry/csi.tonari.dev-reg.sock") { client in
        try await Pluginregistration_Registration.Client(wrapping: client)
          .notifyRegistrationStatus(.with { $0.pluginRegistered = true })
      }
      try await eventually("the driver is ready") { await isReady(port) }
      return process
    }
    func startSelector() async throws -> TonariProcess {
      let port = try LoopbackListener.freePort()
      let process = try TonariProcess([
        "selector", "--pod-sockets", root + "/run", "--replicas", root + "/replicas.yaml", "--http",
        "127.0.0.1:\(port)",
      ])
      try await eventually("the selector is ready") { await isReady(port) }
      return process
    }
    func publish() async throws {
      _ = try await ask(driver) { client in
        try await Node(wrapping: client).nodePublishVolume(
          .with {
            $0.volumeID = "csi-1"
            $0.targetPath = target
            $0.volumeCapability.mount = .init()
            $0.volumeContext = [
              "csi.storage.k8s.io/ephemeral": "true", "csi.storage.k8s.io/pod.namespace": "shop",
              "csi.storage.k8s.io/pod.name": "cart-0", "csi.storage.k8s.io/pod.uid": uid,
              "csi.storage.k8s.io/serviceAccount.name": "cart",
            ]
          })
      }
    }

    var running = [try await startDriver(), try await startSelector()]
    defer { for process in running { process.send(SIGKILL) } }
    // Through the mount, as the pod has it.
    let link = root + "/pod"
    try files.createSymbolicLink(atPath: link, withDestinationPath: target)
    try await publish()
    for round in 0..<2 {
      try await eventually("the pod picks") { (try? await pick(link + "/selector.sock")) == "10.1.2.3:80" }
      for socket in ["picker.sock", "grpc.sock"] {
        try await eventually("\(socket) serves") {
          let status = try? await ask("\(link)/\(socket)") {
            try await Grpc_Health_V1_Health.Client(wrapping: $0).check(.init())
          }
          return status?.status == .serving
        }
      }
      guard round == 0 else { break }
      // The driver goes first: the sockets are not its own.
      for process in running { process.send(SIGKILL) }
      for process in running { _ = await process.result() }
      #expect(files.fileExists(atPath: link + "/selector.sock"))
      running = [try await startDriver(), try await startSelector()]
      try await publish()
    }
    _ = try await ask(driver) { client in
      try await Node(wrapping: client).nodeUnpublishVolume(
        .with {
          $0.volumeID = "csi-1"
          $0.targetPath = target
        })
    }
    #expect(!files.fileExists(atPath: target))
    #expect(try files.contentsOfDirectory(atPath: root + "/run/pods").isEmpty)
    #expect(try files.contentsOfDirectory(atPath: root + "/run/identities").isEmpty)
    for process in running {
      process.send(SIGTERM)
      let result = await process.result()
      #expect(result.status == 0 && !result.isKilled, "\(result.messages)")
    }
  }
}
