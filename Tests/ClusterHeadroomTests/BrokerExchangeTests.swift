import BrokerTestSupport
import ControlPlaneTestSupport
import Dispatching
import Foundation
import Kubernetes
import Logging
import Messaging
import Monitoring
import Overflow
import OverflowPolicies
import Selection
import Testing

@testable import ClusterHeadroom

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
