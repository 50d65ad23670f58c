import BrokerTestSupport
import ControlPlaneTestSupport
import Daemon
import Logging
import Synchronization
import Testing

@testable import Connections

@Suite("A connection to a broker", .timeLimit(.minutes(1)))
struct BrokerConnectionTests {
  /// What was heard, by topic; the last counts.
  private final class Inbox: Sendable {
    private let messages = Mutex<[BrokerMessage]>([])

    func hear(_ message: BrokerMessage) { messages.withLock { $0.append(message) } }

    func last(_ topic: String) -> String? {
      messages.withLock { $0.last { $0.topic == topic } }.map { String(decoding: $0.payload, as: UTF8.self) }
    }
    var count: Int { messages.withLock { $0.count } }
  }

  private func connection(port: Int, lastWill: BrokerMessage? = nil) throws -> BrokerConnection {
    try BrokerConnection(BrokerConfiguration(host: "127.0.0.1", port: port), lastWill: lastWill, logger: .silent)
  }

  private func message(_ topic: String, _ text: String, isRetained: Bool = false) -> BrokerMessage {
    BrokerMessage(topic: topic, payload: Array(text.utf8), isRetained: isRetained, quality: .atLeastOnce)
  }

  @Test(
    "is refused where there is no broker to connect to", arguments: [("", 1883), ("b", 0), ("b", 65536)])
  func badAddress(_ host: String, _ port: Int) {
    let error = #expect(throws: MessagingError.self) {
      try BrokerConnection(BrokerConfiguration(host: host, port: port), logger: .silent)
    }
    #expect(error?.message == "MQTT broker \(host):\(port): expected a host and a port")
  }

  @Test("is refused with half of what proves who this is")
  func halfAnIdentity() {
    var configuration = BrokerConfiguration(host: "b")
    configuration.certificateFile = "c.pem"
    #expect(throws: MessagingError.self) { try BrokerConnection(configuration, logger: .silent) }
    configuration.keyFile = "k.pem"
    #expect(throws: MessagingError.self) { try BrokerConnection(configuration, logger: .silent) }
    configuration.authorityFile = "a.pem"
    #expect(throws: Never.self) { try BrokerConnection(configuration, logger: .silent) }
  }

  @Test(
    "knows the levels of topics",
    arguments: [("a", true), ("10.0.0.1:80", true), ("", false), ("a/b", false), ("+", false), ("a#", false)])
  func levels(_ text: String, _ isLevel: Bool) {
    #expect(BrokerMessage.isLevel(text) == isLevel)
  }

  @Test("publishes nothing before there is a broker")
  func unconnected() throws {
    let connection = try connection(port: 1)
    #expect(!connection.publish(message("t", "x")))
    #expect(connection.report().fault == "not connected yet")
  }

  @Test(
    "tells what others publish, what was retained, what it publishes itself, whenever the broker comes",
    .enabled(if: RealBroker.isWanted))
  func messages() async throws {
    let broker = try await RealBroker()
    await broker.kill()
    let (here, there) = (try connection(port: broker.port), try connection(port: broker.port))
    let inbox = Inbox()
    here.subscribe(to: "a/+") { inbox.hear($0) }
    let running = [here, there].map { connection in Task { try await connection.run() } }
    try await eventually("it is told that there is no broker") { here.report().fault == "Connection refused" }
    try broker.start()
    try await broker.publish("a/kept", "1")
    try await eventually("the message is heard") { inbox.last("a/kept") == "1" }
    try await eventually("the other is connected") { there.isConnected }
    #expect(there.publish(message("a/new", "2")))
    #expect(there.publish(message("b/new", "3")))
    #expect(here.publish(message("a/own", "4", isRetained: true)))
    try await eventually("both are heard") { inbox.last("a/new") == "2" && inbox.last("a/own") == "4" }
    #expect(inbox.last("b/new") == nil)
    let late = Inbox()
    there.subscribe(to: "a/own") { late.hear($0) }
    try await eventually("who subscribes later hears what was retained") { late.last("a/own") == "4" }

    await broker.kill()
    try await eventually("it is told that the broker is away") { !here.isConnected && here.report().fault != nil }
    #expect(!here.publish(message("a/own", "5")))
    #expect(here.report().isReady)
    try broker.start()
    try await eventually("it is connected again") { here.isConnected && there.isConnected }
    try await eventually("it is subscribed again") {
      there.publish(message("a/again", "6"))
      return inbox.last("a/again") == "6"
    }
    for task in running {
      task.cancel()
      try await task.value
    }
    await broker.kill()
  }

  @Test(
    "has its last will said when it is gone without a word, and not when it ends", .enabled(if: RealBroker.isWanted))
  func lastWill() async throws {
    let broker = try await RealBroker()
    let proxy = try TCPProxy(to: UInt16(broker.port))
    let will = message("will", "gone")
    let listener = try connection(port: broker.port)
    let inbox = Inbox()
    listener.subscribe(to: "will") { inbox.hear($0) }
    let running = Task { try await listener.run() }
    try await eventually("there is a listener") { listener.isConnected }

    let polite = try connection(port: broker.port, lastWill: will)
    let ending = Task { try await polite.run() }
    try await eventually("it is connected") { polite.isConnected }
    ending.cancel()
    try await ending.value
    let doomed = try connection(port: Int(proxy.port), lastWill: will)
    let dying = Task { try await doomed.run() }
    try await eventually("it is connected") { doomed.isConnected }
    #expect(inbox.count == 0)
    proxy.takeDown()
    try await eventually("the will is said") { inbox.last("will") == "gone" }
    for task in [running, dying] {
      task.cancel()
      try await task.value
    }
    await broker.kill()
  }
}
