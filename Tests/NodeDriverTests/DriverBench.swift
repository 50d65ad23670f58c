import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Glibc
import Logging
import Selection
import ServiceLifecycle
import SwiftProtobuf

@testable import NodeDriver

/// A driver over folders of its own, with kubelet's part played by the test.
final class DriverBench: Sendable {
  typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

  /// Whether this process may mount. Where tests must not be left out, it is taken to.
  static let mayMount: Bool = {
    if ProcessInfo.processInfo.environment["CI"] != nil { return true }
    let folder = NSTemporaryDirectory() + "nd-\(UUID().uuidString.prefix(8))"
    guard mkdir(folder, 0o700) == 0 else { return false }
    defer { rmdir(folder) }
    guard (try? run("/bin/mount", "--bind", folder, folder)) != nil else { return false }
    return (try? run("/bin/umount", folder)) != nil
  }()

  static let uid = "0b6c1f5e-7a4d-4d0e-9f53-2f8a3f7c9d10"
  static let attributes = [
    "csi.storage.k8s.io/ephemeral": "true", "csi.storage.k8s.io/pod.namespace": "shop",
    "csi.storage.k8s.io/pod.name": "cart-0", "csi.storage.k8s.io/pod.uid": uid,
    "csi.storage.k8s.io/serviceAccount.name": "cart",
  ]

  let root: String
  var base: String { root + "/run" }
  var kubelet: String { root + "/kubelet" }
  var pods: String { kubelet + "/pods" }
  var socket: String { kubelet + "/plugins/csi.tonari.dev/csi.sock" }
  var registration: String { kubelet + "/plugins_registry/csi.tonari.dev-reg.sock" }

  init() throws {
    // The path of a socket is short, and the table of mounts knows no links.
    root = "/tmp/nd-\(UUID().uuidString.prefix(8))"
    for folder in ["kubelet/pods", "kubelet/plugins/csi.tonari.dev", "kubelet/plugins_registry"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
    }
  }

  deinit {
    for mount in mounts().reversed() { _ = try? Self.run("/bin/umount", "-l", mount.point) }
    try? FileManager.default.removeItem(atPath: root)
  }

  @discardableResult
  static func run(_ path: String, _ arguments: String...) throws -> String {
    struct Failed: Error { var text: String }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed(text: text) }
    return text
  }

  /// The mounts below the bench's folder.
  func mounts() -> [MountTable.Entry] {
    (try? MountTable.current())?.entries.filter { $0.point.hasPrefix(root + "/") } ?? []
  }

  /// Runs a driver for as long as the work takes, and sees that it ends.
  func serving(
    selectors: Set<Identity.ServiceAccount> = [.init(namespace: "tonari", name: "tonari-selector")],
    _ work: @escaping @Sendable (VolumeDriver) async throws -> Void
  ) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    var configuration = VolumeDriver.Configuration(node: "node-1")
    configuration.base = base
    configuration.kubelet = kubelet
    configuration.version = "1.2.3"
    configuration.selectors = selectors
    let (bound, continuation) = AsyncStream<Void>.makeStream()
    let driver = try VolumeDriver(configuration, logger: logger) { continuation.yield() }
    let group = ServiceGroup(services: [driver], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        defer { continuation.finish() }
        try await group.run()
      }
      if await bound.first(where: { _ in true }) != nil { try await work(driver) }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  func ask<Answer: Sendable>(
    _ path: String? = nil, _ work: @escaping @Sendable (Client) async throws -> Answer
  ) async throws -> Answer {
    try await withGRPCClient(
      transport: .http2NIOPosix(target: .unixDomainSocket(path: path ?? socket), transportSecurity: .plaintext)
    ) { try await work($0) }
  }

  /// Makes the folder in which kubelet wants a mount, as kubelet does. Returns the target.
  func target(pod: String = uid, volume: String = "tonari") throws -> String {
    let parent = "\(pods)/\(pod)/volumes/kubernetes.io~csi/\(volume)"
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    return parent + "/mount"
  }

  static func request(_ target: String, _ attributes: [String: String] = attributes) -> Csi_V1_NodePublishVolumeRequest
  {
    .with {
      $0.volumeID = "csi-1234"
      $0.targetPath = target
      $0.volumeContext = attributes
      $0.volumeCapability = .with {
        $0.mount = .init()
        $0.accessMode.mode = .singleNodeWriter
      }
    }
  }

  func publish(_ target: String, _ attributes: [String: String] = attributes) async throws {
    _ = try await ask { try await Csi_V1_Node.Client(wrapping: $0).nodePublishVolume(Self.request(target, attributes)) }
  }

  func unpublish(_ target: String) async throws {
    _ = try await ask {
      try await Csi_V1_Node.Client(wrapping: $0).nodeUnpublishVolume(
        .with {
          $0.volumeID = "csi-1234"
          $0.targetPath = target
        })
    }
  }

  func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }
}
