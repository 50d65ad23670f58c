import BrokerTestSupport
import ControlPlaneTestSupport
import Dispatching
import Messaging
import Monitoring
import Selection
import Testing

@testable import SelectorIntake

@Suite("Loads by MQTT", .timeLimit(.minutes(2)))
struct MQTTFeedTests {
  private func message(_ topic: String, _ payload: String) throws -> LoadMessage {
    try LoadMessage(topic: topic, payload: Array(payload.utf8), prefix: "tonari/load")
  }

  @Test("say what there is to say")
  func messages() throws {
    let full = try message(
      "tonari/load/edge/10.0.0.1:80",
      """
      {"inFlight": 3, "queued": 1, "cpuUtilization": 0.5, "latencyUs": 1500, "requestsPerSecond": 9, "errorsPerSecond": 0,
       "state": "draining", "unknown": {}}
      """)
    #expect(full.cluster == "edge" && full.address == "10.0.0.1:80" && full.state == .draining)
    let load = try #require(full.load)
    #expect(load.inFlight == 3 && load.queued == 1 && load.cpuUtilization == 0.5 && load.requestsPerSecond == 9)
    #expect(abs((load.latencySeconds ?? 0) - 0.0015) < 1e-12)
    #expect(try message("tonari/load/c/a:1", "").state == .gone)
    #expect(try message("tonari/load/c/a:1", "{\"inFlight\": 1e300}").load?.inFlight == 1_000_000_000)
  }

  @Test(
    "that make no sense are refused",
    arguments: [
      ("tonari/load/a:1", "{}", "topic 'tonari/load/a:1': expected tonari/load/<cluster>/<replica>"),
      ("tonari/load//a:1", "{}", "topic 'tonari/load//a:1': expected tonari/load/<cluster>/<replica>"),
      ("other/load/c/a:1", "{}", "topic 'other/load/c/a:1': expected tonari/load/<cluster>/<replica>"),
      (
        "tonari/load/c/a:1", "{\"state\": \"tired\"}",
        "topic 'tonari/load/c/a:1': state 'tired': expected starting, ready, draining or gone"
      ),
    ])
  func refusals(_ topic: String, _ payload: String, _ text: String) {
    let error = #expect(throws: LoadMessage.Fault.self) { try message(topic, payload) }
    #expect(error?.message == text)
  }

  @Test(
    "whatever the bytes, they are read or refused", arguments: ["null", "[1]", "{\"inFlight\": \"x\"}", "{", "\u{0}"])
  func nonsense(_ payload: String) {
    #expect(throws: LoadMessage.Fault.self) { try message("tonari/load/c/a:1", payload) }
  }

  @Test(
    "come from a real broker: retained ones at once, last wills, and again after the broker was away",
    .enabled(if: RealBroker.isWanted))
  func realBroker() async throws {
    let broker = try await RealBroker()
    func publish(_ address: String, _ payload: String) async throws {
      try await broker.publish("tonari/load/edge/\(address)", payload)
    }
    try await publish("a:1", "{\"inFlight\": 7}")

    let dispatcher = Dispatcher()
    let replicas = ["a:1", "b:1"].map { ServiceReplica(address: $0, cluster: "edge") }
    dispatcher.set(replicas + [ServiceReplica(address: "c:1", cluster: "other")], of: "s", from: .file, at: .now)
    func replica(_ address: String) -> ReplicaStatus? {
      dispatcher.service("s")?.status(at: .now).replicas.first { $0.replica.address == address }
    }
    let connection = try BrokerConnection(
      BrokerConfiguration(host: "127.0.0.1", port: broker.port), logger: .silent)
    let feed = try MQTTFeed(on: connection, dispatcher, logger: .silent)
    let running = Task { try await connection.run() }
    try await eventually("the retained load is heard") { replica("a:1")?.view.lastReport?.inFlight == 7 }
    #expect(connection.report().fault == nil)
    try await publish("c:1", "{\"inFlight\": 7}")
    try await publish("c:1", "nonsense")
    try await eventually("nonsense is counted") { feed.refused == 1 }

    let subscriber = try broker.subscriber([
      "-t", "none", "--will-topic", "tonari/load/edge/b:1", "--will-retain", "--will-payload",
      "{\"state\": \"gone\"}",
    ])
    try await Task.sleep(for: .milliseconds(500))
    #expect(replica("b:1") != nil)
    await subscriber.kill()
    try await eventually("the last will takes the replica away") { replica("b:1") == nil }
    try await publish("b:1", "{\"state\": \"ready\", \"inFlight\": 1}")
    try await eventually("the replica is back") { replica("b:1")?.view.lastReport?.inFlight == 1 }
    #expect(replica("c:1")?.view.lastReport == nil, "it is in another cluster")

    await broker.kill()
    try await eventually("the fault is told") { connection.report().fault != nil }
    #expect(connection.report().isReady)
    try broker.start()
    try await publish("a:1", "{\"inFlight\": 9}")
    try await eventually("the load is heard again") { replica("a:1")?.view.lastReport?.inFlight == 9 }

    running.cancel()
    try await running.value
    await broker.kill()
  }

  @Test("are not heard under topics with wildcards", arguments: ["", "tonari/#", "tonari/+/load", "tonari//load"])
  func prefixes(_ prefix: String) throws {
    let connection = try BrokerConnection(BrokerConfiguration(host: "127.0.0.1"), logger: .silent)
    #expect(throws: StatisticsError.self) {
      try MQTTFeed(on: connection, prefix: prefix, Dispatcher(), logger: .silent)
    }
  }
}
