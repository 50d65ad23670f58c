import Connections
import Daemon
import Foundation
import Glibc
import Logging
import Model
import Overflow
import Selection
import SelectorProtocol
import ServiceLifecycle
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("Sockets of pods", .timeLimit(.minutes(2)))
struct PodSocketsTests {
  /// The volume driver's folder.
  private final class Folder: Sendable {
    let path = "/tmp/ps-\(UUID().uuidString.prefix(8))"

    init() throws {
      for name in [PodFolders.pods, PodFolders.identities] {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
      }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func pod(_ uid: String) -> String { "\(path)/\(PodFolders.pods)/\(uid)" }
    func socket(_ uid: String) -> String { "\(pod(uid))/\(PodFolders.framed)" }

    /// Puts a file in place as the driver does.
    func write(_ text: String, _ uid: String) throws {
      let place = "\(path)/\(PodFolders.identities)/\(uid).json"
      try Data(text.utf8).write(to: URL(filePath: place), options: .atomic)
    }

    func add(_ uid: String) throws {
      try FileManager.default.createDirectory(atPath: pod(uid), withIntermediateDirectories: true)
      try write(#"{"namespace":"shop","name":"cart-\#(uid)","uid":"\#(uid)","serviceAccount":"cart"}"#, uid)
    }

    func remove(_ uid: String) throws {
      try FileManager.default.removeItem(atPath: "\(path)/\(PodFolders.identities)/\(uid).json")
      try? FileManager.default.removeItem(atPath: pod(uid))
    }

    func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
    func isServed(_ uid: String) -> Bool { (try? FramedPeer(.unix(socket(uid)))) != nil }
  }

  /// Serves framed connections of pods for as long as the work takes, and expects that it ends by itself.
  private static func serving(
    _ folder: Folder, _ options: PodSockets.Options = .init(rescanInterval: .seconds(60)),
    framed: FramedOptions = FramedOptions(threads: 2), dispatcher: Dispatcher = FrameBench.dispatcher(),
    facts: @escaping @Sendable (Identity.Pod) -> NodePod.Facts = { _ in .init() },
    _ test: @escaping @Sendable (PodSockets, FramedServer) async throws -> Void
  ) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let server = try FramedServer(dispatcher, addresses: [], options: framed)
    let pods = PodSockets(folder.path, options: options, logger: logger) { pod, path in
      try await server.serve(path: "\(path)/\(PodFolders.framed)", mode: 0o666, for: NodePod(pod) { facts(pod) })
    }
    let group = ServiceGroup(services: [server, pods], gracefulShutdownSignals: [], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      do {
        try await test(pods, server)
      } catch {
        await group.triggerGracefulShutdown()
        throw error
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  private static func pick(_ peer: FramedPeer, _ id: UInt64) throws -> Tonari_Selector_V1_Envelope? {
    try peer.send(Frames.pick(id))
    return try peer.next()
  }

  @Test("A pod that comes is served at once, one that goes loses its socket, its connections and its picks")
  func comesAndGoes() async throws {
    let folder = try Folder()
    let dispatcher = FrameBench.dispatcher()
    try folder.add("first")
    try await Self.serving(folder, dispatcher: dispatcher) { pods, server in
      // Notice of a change comes from the folder: the next look by itself would be in a minute.
      try await FramedServerTests.wait { folder.isServed("first") }
      try folder.add("second")
      try await FramedServerTests.wait { folder.isServed("second") }
      var status = stat()
      #expect(stat(folder.socket("second"), &status) == 0 && status.st_mode & 0o777 == 0o666)
      try await FramedServerTests.wait { pods.statistics.pods == 2 }
      #expect(pods.report().isReady && pods.report().fault == nil)

      try await FramedServerTests.wait { server.statistics.openConnections == 0 }
      let peers = try ["first", "second", "second", "second"].map { try FramedPeer(.unix(folder.socket($0))) }
      for peer in peers { #expect(try Self.pick(peer, 1)?.picked.address.isEmpty == false) }
      let open = { dispatcher.service("default/checkout")?.status(at: .now).openPicks }
      #expect(open() == 4)
      try folder.remove("second")
      for peer in peers[1...] { #expect(try peer.next() == nil) }
      try await FramedServerTests.wait { open() == 1 }
      #expect(!folder.exists(folder.socket("second")))
      #expect(try Self.pick(peers[0], 2)?.picked.address.isEmpty == false)
      try await FramedServerTests.wait { server.statistics.openConnections == 1 }
      try await FramedServerTests.wait { pods.statistics.pods == 1 }
    }
    #expect(!folder.exists(folder.socket("first")))
  }

  @Test("A pod registers itself on its own socket, where its node is, and nobody else")
  func registersItself() async throws {
    let folder = try Folder()
    for uid in ["known", "unknown"] { try folder.add(uid) }
    let dispatcher = FrameBench.dispatcher()
    let rule = try AccessRule("register=pod:shop/*")
    let facts = { @Sendable (pod: Identity.Pod) in
      NodePod.Facts(
        addresses: pod.uid == "known" ? Set([IPAddress("10.0.0.7")].compactMap { $0 }) : nil, node: "n1", zone: "z1")
    }
    try await Self.serving(
      folder, framed: FramedOptions(threads: 1, access: AccessPolicy(adding: [rule])), dispatcher: dispatcher,
      facts: facts
    ) { _, _ in
      func register(_ uid: String, _ address: String) async throws -> Tonari_Selector_V1_Envelope? {
        try await FramedServerTests.wait { folder.isServed(uid) }
        let peer = try FramedPeer(.unix(folder.socket(uid)))
        let request = Tonari_Selector_V1_Envelope.with {
          $0.id = 1
          $0.register.service = "shop/self"
          $0.register.replicas = [
            .with {
              $0.address = address
              $0.locality = .with { ($0.node, $0.zone, $0.cluster) = ("n9", "z9", "c9") }
            }
          ]
        }
        try peer.send(request)
        return try peer.next()
      }
      let denied = SelectorFault.Code.permissionDenied.number
      let another = try await register("known", "10.0.0.8:80")
      let unknown = try await register("unknown", "10.0.0.7:80")
      #expect(another?.error.code == denied && unknown?.error.code == denied)
      #expect(dispatcher.service("shop/self") == nil)
      let own = try await register("known", "10.0.0.7:80")
      #expect(own?.registered.lifetimeMs ?? 0 > 0)
      let replica = dispatcher.service("shop/self")?.status(at: .now).replicas.first?.replica
      #expect(replica?.address == "10.0.0.7:80")
      #expect(replica?.node == "n1" && replica?.zone == "z1" && replica?.cluster == "")
    }
  }

  @Test("Pods come and go many times, and nothing is left of them")
  func manyTimes() async throws {
    let folder = try Folder()
    let descriptors = { @Sendable in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }
    try await Self.serving(folder) { pods, server in
      var before = 0
      for round in 0..<30 {
        let uids = (0..<5).map { "r\(round)-\($0)" }
        for uid in uids { try folder.add(uid) }
        for uid in uids {
          try await FramedServerTests.wait { folder.isServed(uid) }
          #expect(try Self.pick(FramedPeer(.unix(folder.socket(uid))), 1)?.picked.address.isEmpty == false)
        }
        for uid in uids { try folder.remove(uid) }
        try await FramedServerTests.wait { pods.statistics.pods == 0 && server.statistics.openConnections == 0 }
        if round == 5 { before = descriptors() }
      }
      // Other tests have theirs, but not hundreds.
      #expect(descriptors() < before + 50)
    }
  }

  @Test("Each selector serves whom the other served before, whatever ends first")
  func restart() async throws {
    let folder = try Folder()
    try folder.add("pod")
    for _ in 0..<2 {
      try await Self.serving(folder) { _, _ in
        try await FramedServerTests.wait { folder.isServed("pod") }
        #expect(try Self.pick(FramedPeer(.unix(folder.socket("pod"))), 1) != nil)
      }
      #expect(!folder.exists(folder.socket("pod")))
    }
    // One that was killed left its file behind.
    let killed = try ListeningSocket(path: folder.socket("pod"))
    Glibc.close(killed.descriptor)
    try await Self.serving(folder) { _, _ in
      try await FramedServerTests.wait { folder.isServed("pod") }
    }
    // One that still serves keeps its pods; they are taken over when it ends.
    let other = try ListeningSocket(path: folder.socket("pod"))
    try await Self.serving(folder, .init(rescanInterval: .milliseconds(20))) { pods, _ in
      try await FramedServerTests.wait { pods.report().isReady }
      other.close()
      try await FramedServerTests.wait { folder.isServed("pod") }
    }
  }

  @Test("The driver's folder may come later, and anew")
  func folderComesLater() async throws {
    let folder = try Folder()
    let identities = "\(folder.path)/\(PodFolders.identities)"
    try FileManager.default.removeItem(atPath: identities)
    try await Self.serving(folder, .init(rescanInterval: .milliseconds(20))) { pods, _ in
      try await FramedServerTests.wait { pods.report().fault != nil }
      #expect(!pods.report().isReady)
      for uid in ["one", "two"] {
        try FileManager.default.createDirectory(atPath: identities, withIntermediateDirectories: true)
        try folder.add(uid)
        try await FramedServerTests.wait { folder.isServed(uid) }
        #expect(pods.report().isReady)
        try FileManager.default.moveItem(atPath: identities, toPath: "\(folder.path)/old-\(uid)")
        try await FramedServerTests.wait { pods.report().fault != nil }
      }
      // What is served stays until it is known to be gone.
      #expect(folder.isServed("two"))
    }
  }

  @Test(
    "An identity that cannot be used is refused alone",
    arguments: [
      "", "{", "[]", "null", "{}", #"{"namespace":"shop"}"#,
      #"{"namespace":"shop","name":"a","uid":"other","serviceAccount":"a"}"#,
      #"{"namespace":"../shop","name":"a","uid":"bad","serviceAccount":"a"}"#,
      #"{"namespace":"shop","name":"a","uid":"bad","serviceAccount":7}"#,
      #"{"namespace":"shop","name":"a\nb","uid":"bad","serviceAccount":"a"}"#,
      String(repeating: " ", count: 5_000) + "{}", String(repeating: "[", count: 4000),
    ])
  func badIdentity(text: String) async throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(atPath: folder.pod("bad"), withIntermediateDirectories: true)
    try folder.write(text, "bad")
    try folder.add("good")
    try await Self.serving(folder) { pods, _ in
      try await FramedServerTests.wait {
        pods.statistics == .init(pods: 1, refused: 1) && folder.isServed("good")
      }
      #expect(!folder.exists(folder.socket("bad")))
      #expect(try Self.pick(FramedPeer(.unix(folder.socket("good"))), 1) != nil)
      #expect(pods.report().isReady && pods.report().fault != nil)
      // Once it is good, it is served.
      try folder.add("bad")
      try await FramedServerTests.wait { folder.isServed("bad") }
      try await FramedServerTests.wait { pods.report().fault == nil }
    }
  }

  @Test("Links, pipes and folders are no identities")
  func noFiles() async throws {
    let folder = try Folder()
    let identities = "\(folder.path)/\(PodFolders.identities)"
    try folder.add("good")
    try FileManager.default.createSymbolicLink(
      atPath: identities + "/link.json", withDestinationPath: identities + "/good.json")
    mkfifo(identities + "/pipe.json", 0o600)
    try FileManager.default.createDirectory(atPath: identities + "/folder.json", withIntermediateDirectories: false)
    try Data().write(to: URL(filePath: identities + "/.draft.json"))
    try Data().write(to: URL(filePath: identities + "/notes.txt"))
    try await Self.serving(folder) { pods, _ in
      try await FramedServerTests.wait { pods.statistics == .init(pods: 1, refused: 3) }
    }
  }

  @Test("More pods than the limit are left out, and served when others go")
  func tooMany() async throws {
    let folder = try Folder()
    for uid in ["a", "b", "c"] { try folder.add(uid) }
    try await Self.serving(folder, .init(mostPods: 2, rescanInterval: .milliseconds(20))) { pods, _ in
      try await FramedServerTests.wait { pods.statistics == .init(pods: 2, tooMany: 1) }
      #expect(!folder.exists(folder.socket("c")))
      try folder.remove("a")
      try await FramedServerTests.wait { folder.isServed("c") }
    }
  }

  @Test("One pod's connections take nothing from the others'")
  func connections() async throws {
    let folder = try Folder()
    for uid in ["greedy", "modest"] { try folder.add(uid) }
    let options = FramedOptions(threads: 2, mostConnections: 20)
    try await Self.serving(folder, framed: options) { _, server in
      try await FramedServerTests.wait { folder.isServed("greedy") && folder.isServed("modest") }
      let modest = try FramedPeer(.unix(folder.socket("modest")))
      #expect(try Self.pick(modest, 1) != nil)
      // Both pods' processes are one user's here, as they mostly are: it is the socket that tells them apart.
      let greedy = try (0..<50).map { _ in try FramedPeer(.unix(folder.socket("greedy"))) }
      try await FramedServerTests.wait { server.statistics.refusedConnections + server.statistics.evicted > 0 }
      #expect(try Self.pick(modest, 2) != nil)
      #expect(try Self.pick(FramedPeer(.unix(folder.socket("modest"))), 1) != nil)
      _ = greedy
    }
  }

  @Test("A shutdown takes the sockets away")
  func shutdown() async throws {
    let folder = try Folder()
    try folder.add("pod")
    try await Self.serving(folder) { _, _ in
      try await FramedServerTests.wait { folder.isServed("pod") }
      let peer = try FramedPeer(.unix(folder.socket("pod")))
      #expect(try Self.pick(peer, 1) != nil)
      try peer.send(Frames.pick(2))
      #expect(try peer.next()?.id == 2)
    }
    #expect(!folder.exists(folder.socket("pod")))
  }
}
