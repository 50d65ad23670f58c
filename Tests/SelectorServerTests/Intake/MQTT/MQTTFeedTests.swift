import BrokerTestSupport
import Connections
import ControlPlaneTestSupport
import Daemon
import Foundation
import Overflow
import Selection
import Testing

@testable import SelectorServer

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
    #expect(try message("tonari/load/c/a:1", "{\"inFlight\": 1e300}").load?.inFlight == 1_000_000)
    let claims = try message(
      "tonari/load/c/a:1",
      #"{"cpuUtilization": 1e308, "latencyUs": 1e308, "requestsPerSecond": 1e308, "errorsPerSecond": -1, "ttlSeconds": 1e308}"#
    )
    #expect(claims.load?.cpuUtilization == 1e4 && claims.load?.latencySeconds == 86_400)
    #expect(claims.load?.requestsPerSecond == 1e6 && claims.load?.errorsPerSecond == 0 && claims.lifetime == 3600)
  }

  @Test("that the broker had kept are believed for as long as they say, from when they say")
  func kept() throws {
    let timed = try message("tonari/load/c/a:1", #"{"inFlight": 1, "time": "2026-01-01T00:00:00Z", "ttlSeconds": 30}"#)
    let then = 1_767_225_600.0
    #expect(timed.age(isKept: true, at: then + 20) == 20)
    #expect(timed.age(isKept: true, at: then + 31) == nil)
    #expect(timed.age(isKept: true, at: then - 61) == nil)
    #expect(timed.age(isKept: false, at: then + 1000) == 0)
    let timeless = try message("tonari/load/c/a:1", #"{"state": "gone"}"#)
    #expect(timeless.age(isKept: true, at: then) == nil)
    #expect(timeless.age(isKept: false, at: then) == 0)
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
    let time = Date.now.formatted(.iso8601)
    try await publish("a:1", "{\"inFlight\": 7, \"time\": \"\(time)\", \"ttlSeconds\": 600}")
    // Kept without a time, or for long: whoever comes later does not believe it.
    try await publish("d:1", "{\"state\": \"gone\"}")
    try await publish("e:1", "{\"state\": \"gone\", \"time\": \"2026-01-01T00:00:00Z\"}")

    try await publish("f:1", "{\"state\": \"draining\", \"inFlight\": 3, \"time\": \"\(time)\", \"ttlSeconds\": 600}")

    let dispatcher = Dispatcher()
    let replicas = ["a:1", "b:1", "d:1", "e:1"].map { ServiceReplica(address: $0, cluster: "edge") }
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
    // Messages come in order, and that of f:1 was the last that was kept: the API server is slower.
    try await publish("a:1", "{\"inFlight\": 8}")
    try await eventually("what was kept is heard") { replica("a:1")?.view.lastReport?.inFlight == 8 }
    dispatcher.set([ServiceReplica(address: "f:1", cluster: "edge")], of: "late", from: .kubernetes, at: .now)
    let late = dispatcher.service("late")?.status(at: .now).replicas
    #expect(late?.map(\.replica.state) == [.draining] && late?.first?.view.lastReport?.inFlight == 3)
    try await publish("c:1", "{\"inFlight\": 7}")
    try await publish("c:1", "nonsense")
    try await eventually("nonsense is counted") { feed.refused == 3 }
    #expect(replica("d:1") != nil && replica("e:1") != nil)

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
    try await publish("a:1", "{\"inFlight\": 9, \"time\": \"\(time)\", \"ttlSeconds\": 600}")
    try await eventually("the load is heard again") { replica("a:1")?.view.lastReport?.inFlight == 9 }

    running.cancel()
    try await running.value
    await broker.kill()
  }

  @Test("of one cluster say nothing of another's replicas, nor of those that name no cluster and are in the own one")
  func clusters() {
    var options = DispatcherOptions()
    options.place = Place(node: "n", cluster: "edge-a")
    let dispatcher = Dispatcher(options)
    dispatcher.set(
      [
        ServiceReplica(address: "own:1"), ServiceReplica(address: "near:1", cluster: "edge-a"),
        ServiceReplica(address: "far:1", cluster: "edge-b"),
      ], of: "s", from: .file, at: .now)
    let addresses = ["own:1", "near:1", "far:1"]
    func gone(by cluster: String) -> [String] {
      let heard = addresses.filter { dispatcher.set(.gone, of: $0, in: cluster, at: .now) > 0 }
      for address in addresses { dispatcher.set(nil, of: address, at: .now) }
      return heard
    }
    func reported(by cluster: String) -> [String] {
      addresses.filter { dispatcher.report(LoadReport(inFlight: 3), of: $0, in: cluster, at: .now) > 0 }
    }
    #expect(gone(by: "edge-b") == ["far:1"] && reported(by: "edge-b") == ["far:1"])
    #expect(gone(by: "edge-a") == ["own:1", "near:1"] && reported(by: "edge-a") == ["own:1", "near:1"])
    #expect(gone(by: "evil").isEmpty && reported(by: "evil").isEmpty)
    // Where nobody says which cluster is the own one, replicas without a cluster are in any.
    let anywhere = Dispatcher()
    anywhere.set([ServiceReplica(address: "own:1")], of: "s", from: .file, at: .now)
    #expect(anywhere.set(.gone, of: "own:1", in: "edge-b", at: .now) == 1)
  }

  @Test("are not heard under topics with wildcards", arguments: ["", "tonari/#", "tonari/+/load", "tonari//load"])
  func prefixes(_ prefix: String) throws {
    let connection = try BrokerConnection(BrokerConfiguration(host: "127.0.0.1"), logger: .silent)
    #expect(throws: StatisticsError.self) {
      try MQTTFeed(on: connection, prefix: prefix, Dispatcher(), logger: .silent)
    }
  }
}
