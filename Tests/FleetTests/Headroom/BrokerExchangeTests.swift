import BrokerTestSupport
import Connections
import ControlPlaneTestSupport
import Daemon
import Formats
import Foundation
import Kubernetes
import Logging
import Model
import Overflow
import Selection
import Synchronization
import Testing

@testable import Fleet

@Suite("Clusters that tell each other what room they have", .timeLimit(.minutes(1)))
struct BrokerExchangeTests {
  private let cart = ObjectKey(namespace: "shop", name: "cart")

  private func exchange(_ cluster: String, port: Int) throws -> BrokerExchange {
    try BrokerExchange(BrokerConfiguration(host: "127.0.0.1", port: port), cluster: cluster, logger: .silent)
  }

  private func message(_ topic: String, _ text: String, isRetained: Bool = false) -> BrokerMessage {
    BrokerMessage(topic: topic, payload: Array(text.utf8), isRetained: isRetained)
  }

  @Test("forget what a cluster said when it says that it is gone, and take nonsense for nothing")
  func hearing() throws {
    let exchange = try exchange("a", port: 1)
    exchange.hear(message("tonari/headroom/b/shop/cart", #"{"perMinute": 210}"#))
    exchange.hear(message("tonari/headroom/c/shop/cart", #"{"perMinute": 20}"#))
    exchange.hear(message("tonari/headroom/a/shop/cart", #"{"perMinute": 1}"#))
    exchange.hear(message("tonari/headroom/b/shop/cart", "{"))
    #expect(exchange.headroom(of: cart, in: "b")?.perMinute == 210)
    #expect(exchange.headroom(of: cart, in: "a") == nil, "that is itself")
    #expect(exchange.refused == 1)
    exchange.hearPresence(message("tonari/headroom/b", ""))
    let left = try #require(exchange.headroom(of: cart, in: "b"))
    #expect(left.trust(at: left.at) == 1, "another process may go on for it")
    #expect(left.trust(at: Moment(nanoseconds: left.at.nanoseconds + 4_000_000_000)) == 0)
    #expect(exchange.headroom(of: cart, in: "c")?.lifetime == .seconds(10))
    exchange.hear(message("tonari/headroom/b/shop/cart", #"{"perMinute": 210}"#))
    #expect(exchange.headroom(of: cart, in: "b")?.lifetime == .seconds(10))
    exchange.hear(message("tonari/headroom/c/shop/cart", ""))
    #expect(exchange.headroom(of: cart, in: "c") == nil)
  }

  @Test("believe nothing that was kept and is old, comes from the future or does not say when it was said")
  func retained() throws {
    let exchange = try exchange("a", port: 1)
    let now = Date.now.timeIntervalSince1970
    func say(_ time: Double?, isRetained: Bool = true) {
      let said = HeadroomMessage(perMinute: 210, time: time, lifetime: .seconds(10))
      exchange.hear(
        BrokerMessage(topic: "tonari/headroom/b/shop/cart", payload: said.payload, isRetained: isRetained))
    }
    for (count, time) in [nil, now - 11, now + 3600].enumerated() {
      say(time)
      #expect(exchange.headroom(of: cart, in: "b") == nil)
      #expect(exchange.refused == count + 1)
    }
    say(now - 4)
    let kept = try #require(exchange.headroom(of: cart, in: "b"))
    #expect(kept.trust(at: .now) > 0)
    say(nil, isRetained: false)
    #expect(exchange.refused == 3)
  }

  @Test("keep no more of one cluster than there is room for, so that others are heard")
  func budget() throws {
    let exchange = try exchange("a", port: 1)
    for k in 0..<20_100 { exchange.hear(message("tonari/headroom/b/shop/s\(k)", #"{"perMinute": 1}"#)) }
    #expect(exchange.headroom(of: ObjectKey(namespace: "shop", name: "s1"), in: "b") != nil)
    #expect(exchange.headroom(of: ObjectKey(namespace: "shop", name: "s20050"), in: "b") == nil)
    exchange.hear(message("tonari/headroom/c/shop/cart", #"{"perMinute": 1}"#))
    #expect(exchange.headroom(of: cart, in: "c") != nil)
    // What is taken back makes room.
    exchange.hear(message("tonari/headroom/b/shop/s1", ""))
    exchange.hear(message("tonari/headroom/b/shop/s20050", #"{"perMinute": 1}"#))
    #expect(exchange.headroom(of: ObjectKey(namespace: "shop", name: "s20050"), in: "b") != nil)
  }

  @Test(
    "are heard by a broker with our access control under their own topics alone", .enabled(if: RealBroker.isWanted))
  func accessControl() async throws {
    let list = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "../../../manifests/mqtt/mosquitto.acl")
    let broker = try await RealBroker(
      accessControl: String(contentsOf: list, encoding: .utf8), users: ["edge-a", "edge-b", "evil", "edge-b/10.0.0.1"])
    var configuration = BrokerConfiguration(host: "127.0.0.1", port: broker.port)
    configuration.user = "edge-a"
    let password = FileManager.default.temporaryDirectory.appending(path: "password-\(UUID().uuidString)")
    try "edge-a\n".write(to: password, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: password) }
    configuration.passwordFile = password.path
    let a = try BrokerExchange(configuration, cluster: "edge-a", logger: .silent)
    let heardLoads = Mutex<[String]>([])
    let loads = try BrokerConnection(configuration, logger: .silent)
    loads.subscribe(to: "tonari/load/#") { message in heardLoads.withLock { $0.append(message.topic) } }
    let running = Task { try await a.run() }
    let listening = Task { try await loads.run() }
    try await eventually("a is connected") { a.report().fault == nil && loads.isConnected }
    let said = #"{"perMinute": 210, "ttlSeconds": 60}"#
    let cheated = #"{"perMinute": 100000, "ttlSeconds": 60}"#
    for isRetained in [true, false] {
      // Others, and nobody, may say nothing under the topics of edge-b, nor that it or its replicas are gone.
      for user in ["evil", "edge-b/10.0.0.1"] {
        try await broker.publish("tonari/headroom/edge-b/shop/cart", cheated, as: user, isRetained: isRetained)
        try await broker.publish(
          "tonari/load/edge-b/10.0.0.9:80", #"{"state": "gone"}"#, as: user, isRetained: isRetained)
      }
      try await broker.publish(
        "tonari/load/edge-a/10.0.0.1:80", #"{"state": "gone"}"#, as: "edge-b", isRetained: isRetained)
    }
    try await broker.publish("tonari/load/edge-b/10.0.0.1", "{}", as: "edge-b/10.0.0.1", isRetained: false)
    try await broker.publish("tonari/load/edge-b/10.0.0.2:80", "{}", as: "edge-b", isRetained: false)
    try await broker.publish("tonari/headroom/edge-b/shop/cart", said, as: "edge-b", isRetained: false)
    try await eventually("what edge-b says itself is heard") {
      a.headroom(of: cart, in: "edge-b")?.perMinute == 210
    }
    try await broker.publish("tonari/headroom/edge-b/shop/cart", cheated, as: "evil", isRetained: false)
    try await broker.publish("tonari/headroom/edge-b", "", as: "evil")
    try await broker.publish("tonari/headroom/evil/shop/cart", said, as: "evil", isRetained: false)
    // What came after it is heard, so it would have been.
    try await eventually("evil is heard under its own name") { a.headroom(of: cart, in: "evil") != nil }
    let room = try #require(a.headroom(of: cart, in: "edge-b"))
    #expect(room.perMinute == 210 && room.lifetime == .seconds(60))
    try await eventually("loads are heard") { heardLoads.withLock { $0.count } >= 2 }
    #expect(heardLoads.withLock { $0 } == ["tonari/load/edge-b/10.0.0.1", "tonari/load/edge-b/10.0.0.2:80"])
    for task in [running, listening] {
      task.cancel()
      try await task.value
    }
    await broker.kill()
  }

  @Test("hear only whom they have the key of, each under its own topic and once, where the broker is not trusted")
  func signatures() throws {
    let keys = try KeyFiles(["edge-a", "edge-b", "edge-c"])
    func exchange(_ cluster: String, trusts: [String]?) throws -> BrokerExchange {
      try BrokerExchange(
        BrokerConfiguration(host: "127.0.0.1", port: 1), cluster: cluster,
        authority: MessageAuthority(
          keyFile: keys.privateKey(cluster), trustFile: try trusts.map { try keys.trust($0) }), logger: .silent)
    }
    let a = try exchange("edge-a", trusts: ["edge-b", "edge-c"])
    let signer = try MessageAuthority(keyFile: keys.privateKey("edge-b"), trustFile: nil)
    let now = Date.now.timeIntervalSince1970
    let topic = "tonari/headroom/edge-b/shop/cart"
    func seal(_ topic: String, _ perMinute: Double, at time: Double = now) -> BrokerMessage {
      let said = HeadroomMessage(perMinute: perMinute, lifetime: .seconds(30))
      return BrokerMessage(topic: topic, payload: signer.seal(said.payload, topic: topic, at: time))
    }
    func room() -> Double? { a.headroom(of: cart, in: "edge-b")?.perMinute }

    let first = seal(topic, 210)
    a.hear(first)
    #expect(room() == 210 && a.refused == 0)
    let second = seal(topic, 100)
    a.hear(second)
    #expect(room() == 100)
    var refused = 0
    func refuses(_ message: BrokerMessage, _ comment: Comment) {
      a.hear(message)
      refused += 1
      #expect(a.refused == refused && room() == 100, comment)
    }
    refuses(first, "it was said before a later one")
    refuses(second, "it was said already")
    refuses(message(topic, #"{"perMinute": 9999}"#), "it is not signed")
    refuses(message(topic, ""), "nobody signs nothing")
    var other = seal("tonari/headroom/edge-b/shop/other", 9999)
    other.topic = topic
    refuses(other, "it was said of another service")
    other = seal("tonari/headroom/edge-c/shop/cart", 9999)
    a.hear(other)
    refused += 1
    #expect(a.refused == refused && a.headroom(of: cart, in: "edge-c") == nil, "it is not edge-c's key")
    var bent = seal(topic, 300)
    bent.payload = Array(String(decoding: bent.payload, as: UTF8.self).replacing("300", with: "900").utf8)
    refuses(bent, "it was changed on its way")
    a.hear(seal("tonari/headroom/edge-d/shop/cart", 1))
    refused += 1
    #expect(a.refused == refused && a.headroom(of: cart, in: "edge-d") == nil, "nobody knows edge-d")
    a.hearPresence(message("tonari/headroom/edge-b", ""))
    #expect(a.headroom(of: cart, in: "edge-b")?.lifetime == .seconds(30), "a last will is not signed")

    // Old ones are refused by whoever has heard nothing yet, and kept ones are as old as they are.
    let late = try exchange("edge-a", trusts: ["edge-b"])
    func hears(_ perMinute: Double, signedAt time: Double) throws {
      // Signers whose clocks are other ones.
      let signer = try MessageAuthority(keyFile: keys.privateKey("edge-b"), trustFile: nil)
      let said = HeadroomMessage(perMinute: perMinute, time: now, lifetime: .seconds(30))
      late.hear(BrokerMessage(topic: topic, payload: signer.seal(said.payload, topic: topic, at: time)))
    }
    for time in [now - 100, now - 31, now + 1000] { try hears(9999, signedAt: time) }
    #expect(late.refused == 3 && late.headroom(of: cart, in: "edge-b") == nil)
    try hears(7, signedAt: now - 20)
    let left = try #require(late.headroom(of: cart, in: "edge-b"))
    #expect(Moment.now.seconds(since: left.at) >= 19)
    // Who asks for no signatures reads what is signed all the same.
    let trusting = try exchange("edge-a", trusts: nil)
    trusting.hear(first)
    #expect(trusting.headroom(of: cart, in: "edge-b")?.perMinute == 210)
  }

  @Test(
    "hear each other by a real broker, what was said before too, and what becomes of it when one is gone",
    .enabled(if: RealBroker.isWanted))
  func realBroker() async throws {
    let broker = try await RealBroker()
    let proxy = try TCPProxy(to: UInt16(broker.port))
    let (a, b) = (try exchange("a", port: broker.port), try exchange("b", port: Int(proxy.port)))
    let dying = Task { try await b.run() }
    let said = HeadroomMessage(perMinute: 210, capacityPerMinute: 540, demandPerMinute: 330, lifetime: .seconds(60))
    // b has said it before a is there.
    try await eventually("b is connected") { b.report().fault == nil }
    b.publish(said, of: cart)
    let running = Task { try await a.run() }
    try await eventually("a hears b") {
      b.publish(said, of: cart)
      return a.headroom(of: cart, in: "b")?.perMinute == 210
    }
    a.publish(HeadroomMessage(perMinute: -60), of: cart)
    try await eventually("b hears a") {
      a.publish(HeadroomMessage(perMinute: -60), of: cart)
      return b.headroom(of: cart, in: "a")?.perMinute == -60
    }
    proxy.takeDown()
    try await eventually("the last will tells that b is gone") {
      a.headroom(of: cart, in: "b")?.trust(at: .now) == 0
    }
    for task in [running, dying] {
      task.cancel()
      try await task.value
    }
    await broker.kill()
  }
}

/// Keys as openssl makes them.
private final class KeyFiles {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)")

  init(_ clusters: [String]) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for cluster in clusters {
      try Self.openssl(["genpkey", "-algorithm", "ed25519", "-out", privateKey(cluster)])
      try Self.openssl(["pkey", "-in", privateKey(cluster), "-pubout", "-out", publicKey(cluster)])
    }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func privateKey(_ cluster: String) -> String { folder.appending(path: "\(cluster).key").path }
  private func publicKey(_ cluster: String) -> String { folder.appending(path: "\(cluster).pub").path }

  /// A file with the public keys of some clusters.
  func trust(_ clusters: [String]) throws -> String {
    let lines = try clusters.map { cluster in
      let pem = try String(contentsOfFile: publicKey(cluster), encoding: .utf8).split(separator: "\n")
      return "\(cluster): \(pem[1])\n"
    }
    let file = folder.appending(path: "trust-\(clusters.joined()).yaml")
    try lines.joined().write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  private static func openssl(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }
}
