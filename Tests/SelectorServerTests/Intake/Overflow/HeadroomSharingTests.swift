import Fleet
import Formats
import Model
import Overflow
import Selection
import SelectorProtocol
import Synchronization
import Testing

@testable import SelectorServer

@Suite("Selectors that tell other clusters what room they have")
struct HeadroomSharingTests {
  /// What clusters say, without a broker.
  private final class Board: HeadroomExchange {
    let published = Mutex<[ObjectKey: HeadroomMessage]>([:])
    let heard = Mutex<[HeadroomTopic: Headroom]>([:])

    func publish(_ message: HeadroomMessage?, of service: ObjectKey) {
      published.withLock { $0[service] = message }
    }

    func headroom(of service: ObjectKey, in cluster: String) -> Headroom? {
      heard.withLock { $0[HeadroomTopic(cluster: cluster, service: service)] }
    }
  }

  private let cart = ObjectKey(namespace: "shop", name: "cart")

  private func dispatcher() -> Dispatcher {
    let dispatcher = Dispatcher()
    for name in ["shop/cart", "unnamed"] {
      dispatcher.set(
        [ServiceReplica(address: "a:1"), ServiceReplica(address: "b:1", cluster: "b")], of: name, from: .file,
        at: .start)
    }
    let overflow = ServiceOverflow(cluster: "a", capacity: .perMinute(540), neighbours: [.init(name: "b")])
    dispatcher.set(["shop/cart": overflow, "unnamed": overflow], at: .start)
    return dispatcher
  }

  @Test("say it of each service with a namespace, and hear what the others say")
  func sharing() throws {
    let (dispatcher, board) = (dispatcher(), Board())
    let sharing = HeadroomSharing(board, dispatcher, name: "selector-1")
    sharing.share(at: .seconds(1))
    #expect(board.published.withLock { Set($0.keys) } == [cart])
    let message = try #require(board.published.withLock { $0[cart] })
    #expect(message.perMinute == 540 && message.capacityPerMinute == 540 && message.demandPerMinute == 0)
    #expect(message.lifetime == .seconds(10) && message.time != nil)

    board.heard.withLock {
      $0[HeadroomTopic(cluster: "b", service: cart)] = Headroom(perMinute: 210, at: .seconds(1), lifetime: .seconds(10))
    }
    sharing.share(at: .seconds(2))
    func headroom(at now: Moment) -> Double? {
      dispatcher.overflows(at: now)["shop/cart"]?.neighbours[0].headroomPerMinute
    }
    #expect(headroom(at: .seconds(2)) == 210)
    #expect(headroom(at: .seconds(12)) == nil, "it is too old")
    board.heard.withLock { $0.removeAll() }
    sharing.share(at: .seconds(3))
    #expect(headroom(at: .seconds(3)) == nil)
  }

  @Test("leave it to the one with the least name among those that hear each other")
  func oneSpeaks() {
    let (dispatcher, board) = (dispatcher(), Board())
    let sharing = HeadroomSharing(board, dispatcher, name: "selector-2")
    var digest = Tonari_Selector_V1_Digest()
    digest.selector = "selector-1"
    dispatcher.hear(digest, at: .seconds(1))
    sharing.share(at: .seconds(1))
    #expect(board.published.withLock { $0.isEmpty })
    dispatcher.forget(peer: "selector-1", at: .seconds(2))
    sharing.share(at: .seconds(2))
    #expect(board.published.withLock { $0.count } == 1)
  }
}
