import CertificateTestSupport
import Connections
import Daemon
import Foundation
import Logging
import Selection
import SelectorProtocol
import Testing

@testable import SelectorServer

@Suite("Links between selectors")
struct PeerLinksTests {
  private func dispatcher() -> Dispatcher {
    let dispatcher = Dispatcher()
    dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: "shop/cart", from: .file, at: .now)
    return dispatcher
  }

  private func others(_ dispatcher: Dispatcher) -> Double {
    dispatcher.service("shop/cart")?.status(at: .now).replicas.first?.view.othersInFlight ?? -1
  }

  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("tell both sides what the other dispatched, and forget it when the other goes")
  func bothSides() async throws {
    let here = dispatcher()
    let answer = PickAnswer()
    for _ in 0..<3 { _ = here.service("shop/cart")?.pick(PickQuery(), owner: 0, at: .now, into: answer) }
    let links = try await RunningServer.run(name: "there") { there in
      let answer = PickAnswer()
      for _ in 0..<2 { _ = there.dispatcher.service("shop/cart")?.pick(PickQuery(), owner: 0, at: .now, into: answer) }
      let links = PeerLinks(
        [SelectorTarget(host: "localhost", port: there.port)], name: "here", here, access: .open, logger: self.logger)
      let running = Task { try await links.run() }
      let areKnown = await eventually { self.others(here) > 1.5 && self.others(there.dispatcher) > 2.5 }
      #expect(areKnown, "\(self.others(here)) \(self.others(there.dispatcher))")
      return (links, running)
    }
    let isForgotten = await eventually { self.others(here) == 0 }
    #expect(isForgotten)
    let isTold = await eventually { links.0.report().fault != nil }
    #expect(isTold && links.0.report().isReady)
    links.1.cancel()
    try await links.1.value
  }

  @Test(
    "with certificates tell both sides what the other dispatched, by name and by address",
    .enabled(if: TestCertificates.areAvailable),
    arguments: [("localhost", "tonari-selector-peers.tonari.svc"), ("127.0.0.1", nil)] as [(String, String?)])
  func proven(host: String, serverName: String?) async throws {
    let certificates = try TestCertificates()
    try certificates.make("selector", names: ["DNS:tonari-selector-peers.tonari.svc"])
    let (certificate, key) = (certificates.path("selector.crt"), certificates.path("selector.key"))
    let policy = AccessPolicy(adding: [try AccessRule("exchange=dns:tonari-selector-peers.tonari.svc")])
    let here = dispatcher()
    let answer = PickAnswer()
    for _ in 0..<3 { _ = here.service("shop/cart")?.pick(PickQuery(), owner: 0, at: .now, into: answer) }
    let configure: (inout SelectorGRPCServer.Configuration) -> Void = {
      $0.tls = TLSFiles(certificate: certificate, key: key, clientAuthority: certificate)
      $0.access = policy
    }
    try await RunningServer.run(configure, name: "there") { there in
      let answer = PickAnswer()
      for _ in 0..<2 { _ = there.dispatcher.service("shop/cart")?.pick(PickQuery(), owner: 0, at: .now, into: answer) }
      let target = SelectorTarget(
        host: host, port: there.port, serverName: serverName,
        security: SelectorTarget.Security(authority: certificate, certificate: certificate, key: key))
      let links = PeerLinks([target], name: "here", here, access: policy, logger: self.logger)
      let running = Task { try await links.run() }
      let areKnown = await eventually { self.others(here) > 1.5 && self.others(there.dispatcher) > 2.5 }
      #expect(areKnown, "\(self.others(here)) \(self.others(there.dispatcher)) \(links.report())")
      running.cancel()
      try await running.value
    }
  }

  @Test("to itself are of no consequence")
  func toItself() async throws {
    try await RunningServer.run(name: "me") { me in
      let answer = PickAnswer()
      for _ in 0..<3 { _ = me.dispatcher.service("shop/cart")?.pick(PickQuery(), owner: 0, at: .now, into: answer) }
      let links = PeerLinks(
        [SelectorTarget(host: "127.0.0.1", port: me.port)], name: "me", me.dispatcher, access: .open,
        logger: self.logger)
      let running = Task { try await links.run() }
      try await Task.sleep(for: .milliseconds(500))
      #expect(self.others(me.dispatcher) == 0)
      running.cancel()
      try await running.value
    }
  }

  @Test("a name that nobody knows is told in the health, and the selector stays ready")
  func unknownName() async throws {
    let links = PeerLinks(
      [SelectorTarget(host: "no-such-host.invalid", port: 1)], name: "me", dispatcher(), logger: logger)
    let running = Task { try await links.run() }
    let isTold = await eventually { links.report().fault?.contains("no-such-host.invalid") == true }
    #expect(isTold && links.report().isReady)
    running.cancel()
    try await running.value
  }

  @Test("a watch shows what a selector has, and ends with its reader")
  func watch() async throws {
    try await RunningServer.run { server in
      let watch = SelectorWatch(SelectorTarget(host: "127.0.0.1", port: server.port))
      var looks = 0
      for try await statuses in watch.pictures(of: ["shop/cart"], every: .milliseconds(20)) {
        #expect(statuses.map(\.service) == ["shop/cart"])
        #expect(statuses.first?.replicas.map(\.replica.address) == ["10.0.0.1:80"])
        looks += 1
        if looks == 3 { break }
      }
      #expect(looks == 3)
    }
  }

  @Test("a watch of a selector that is not there fails")
  func watchNobody() async throws {
    let watch = SelectorWatch(SelectorTarget(host: "127.0.0.1", port: 1))
    await #expect(throws: (any Error).self) {
      for try await _ in watch.pictures(of: [], every: .milliseconds(20)) {}
    }
  }
}
