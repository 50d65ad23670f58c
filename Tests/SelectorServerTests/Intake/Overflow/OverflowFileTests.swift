import ControlPlaneTestSupport
import Daemon
import Foundation
import Logging
import Overflow
import Selection
import Testing

@testable import SelectorServer

@Suite("A file of policies of overflow")
struct OverflowFileTests {
  private static func policy(_ name: String, perMinute: Int = 540, mode: String = "perRequest") -> String {
    """
    apiVersion: tonari.dev/v1alpha1
    kind: OverflowPolicy
    metadata: {name: \(name), namespace: shop}
    spec:
      service: \(name)
      mode: \(mode)
      maxHops: 2
      capacity: {perMinute: \(perMinute)}
      neighbours:
      - {name: edge-b, host: "\(mode == "weights" ? "cart.edge-b.example" : "10.0.0.9:443")", cost: 4, limitPerMinute: 300}
      - {name: edge-c, host: cart.edge-c.example, cost: 20, capacity: {perMinute: 90}}
      - {name: edge-a, host: \(mode == "weights" ? "cart.edge-a.example" : "\"10.0.0.1:443\"")}
      route: {kind: VirtualService, name: x}

    """
  }

  @Test("tells a dispatcher what becomes of requests that are too many, and again when it changes")
  func reading() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "overflow-\(UUID().uuidString).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    func write(_ text: String) throws { try Data(text.utf8).write(to: file) }
    let dispatcher = Dispatcher()
    for name in ["shop/cart", "shop/books", "shop/cart:http"] {
      dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: name, from: .file, at: .now)
    }
    func status(_ name: String) -> OverflowStatus? { dispatcher.service(name)?.status(at: .now).overflow }

    try write(Self.policy("cart") + "---\n" + Self.policy("books", mode: "weights"))
    let feed = try OverflowFile(file.path, cluster: "edge-a", dispatcher, logger: .silent)
    let cart = try #require(status("shop/cart"))
    #expect(cart.cluster == "edge-a" && cart.capacityPerMinute == 540)
    #expect(cart.neighbours.map(\.name) == ["edge-b", "edge-c"], "a cluster is no neighbour of itself")
    #expect(status("shop/cart:http")?.capacityPerMinute == 540)
    #expect(status("shop/books") == nil, "weights split it")
    #expect(
      dispatcher.service("shop/cart")?.status(at: .now).replicas.map(\.replica.cluster).sorted() == [
        "edge-a", "edge-b",
      ])

    try write("kind: Nonsense")
    feed.reload()
    #expect(feed.report().fault?.contains("apiVersion") == true)
    #expect(status("shop/cart")?.capacityPerMinute == 540)
    try write(Self.policy("cart", perMinute: 60))
    feed.reload()
    #expect(feed.report().fault == nil && status("shop/cart")?.capacityPerMinute == 60)
    try write(Self.policy("books"))
    feed.reload()
    #expect(status("shop/cart") == nil && status("shop/books") != nil)
    #expect(dispatcher.service("shop/cart")?.status(at: .now).replicas.count == 1, "the gateway is gone")
  }
}
