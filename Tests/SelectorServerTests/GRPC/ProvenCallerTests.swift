import CertificateTestSupport
import Connections
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Model
import Overflow
import Selection
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("Callers by gRPC", .enabled(if: TestCertificates.areAvailable))
struct ProvenCallerTests {
  private typealias Selector = Tonari_Selector_V1_ReplicaSelector.Client
  private let certificates: TestCertificates

  init() throws {
    certificates = try TestCertificates()
    try certificates.make("server")
    try certificates.make("cart", names: ["URI:spiffe://cluster.local/ns/shop/sa/cart", "DNS:cart.shop.svc"])
  }

  private func register(_ address: String, of service: String = "shop/cart") -> Tonari_Selector_V1_RegisterRequest {
    .with {
      $0.service = service
      $0.replicas = [.with { $0.address = address }]
    }
  }

  private func code(_ call: () async throws -> Void) async -> RPCError.Code? {
    do {
      try await call()
      return nil
    } catch {
      return (error as? RPCError)?.code
    }
  }

  @Test("are known by the names of their certificates, and do what rules allow them")
  func certificate() async throws {
    let policy = AccessPolicy(adding: [
      try AccessRule("register=spiffe://cluster.local/ns/shop/sa/*"), try AccessRule("exchange=dns:other.svc"),
    ])
    try await RunningServer.run {
      $0.tls = TLSFiles(
        certificate: certificates.path("server.crt"), key: certificates.path("server.key"),
        clientAuthority: certificates.path("cart.crt"))
      $0.access = policy
    } _: { server in
      let transport = try HTTP2ClientTransport.Posix(
        target: .ipv4(address: "127.0.0.1", port: server.port),
        transportSecurity: .mTLS(
          certificateChain: [.file(path: certificates.path("cart.crt"), format: .pem)],
          privateKey: .file(path: certificates.path("cart.key"), format: .pem)
        ) { $0.trustRoots = .certificates([.file(path: certificates.path("server.crt"), format: .pem)]) })
      try await withGRPCClient(transport: transport) { client in
        let selector = Selector(wrapping: client)
        // From loopback it may be anywhere, so that its own address is not known.
        #expect(await code { _ = try await selector.register(register("10.0.0.9:80")) } == .permissionDenied)
        #expect(
          await code { _ = try await selector.register(register("10.0.0.9:80", of: "bank/vault")) } == .permissionDenied
        )
        let picked = try await selector.pick(.with { $0.service = "shop/cart" })
        #expect(picked.pickKey.isEmpty, "its picks are bound to its name")
        #expect(server.inFlight == 1)
        _ = try await selector.complete(.with { $0.pickID = picked.pickID })
        #expect(server.inFlight == 0)
        #expect(
          await code {
            try await selector.exchange { _ in
            } onResponse: {
              for try await _ in $0.messages {}
            }
          } == .permissionDenied)
      }
    }
  }

  @Test("on loopback without a proof may pick and complete their own, and nothing else")
  func loopback() async throws {
    try await RunningServer.run {
      $0.access = AccessPolicy()
    } _: { server in
      try await server.ask { client in
        let selector = Selector(wrapping: client)
        let picked = try await selector.pick(.with { $0.service = "shop/cart" })
        #expect(picked.pickKey.count == PickKey.byteCount)
        // Somebody else, who saw the id.
        _ = try await selector.complete(.with { $0.pickID = picked.pickID })
        #expect(server.inFlight == 1)
        _ = try await selector.complete(.with { ($0.pickID, $0.pickKey) = (picked.pickID, picked.pickKey) })
        #expect(server.inFlight == 0)
        #expect(await code { _ = try await selector.register(register("6.6.6.6:80")) } == .permissionDenied)
        #expect(
          await code {
            _ = try await selector.report(.with { ($0.service, $0.address) = ("shop/cart", "10.0.0.1:80") })
          }
            == .permissionDenied)
        #expect(
          await code { try await selector.watch(.init()) { for try await _ in $0.messages {} } } == .permissionDenied)
        #expect(
          await code {
            try await selector.exchange { _ in
            } onResponse: {
              for try await _ in $0.messages {}
            }
          }
            == .permissionDenied)
      }
    }
  }

  private struct Accounts: TokenReviewing {
    func review(_ token: String, from peer: IPAddress?) async throws -> Identity.ServiceAccount {
      guard token == "good" else { throw SelectorFault(.unauthenticated, "the token is not good") }
      return Identity.ServiceAccount(namespace: "shop", name: "prober")
    }
  }

  @Test("are known by tokens that are reviewed, and refused with one that is not good")
  func tokens() async throws {
    let policy = AccessPolicy(adding: [try AccessRule("report=serviceaccount:shop/prober")])
    try await RunningServer.run({ $0.access = policy }, tokens: Accounts()) { server in
      try await server.ask { client in
        let selector = Selector(wrapping: client)
        func report(_ authorization: String?) async -> RPCError.Code? {
          let metadata: Metadata = authorization.map { ["authorization": "\($0)"] } ?? [:]
          return await code {
            _ = try await selector.report(
              .with { ($0.service, $0.address) = ("shop/cart", "10.0.0.1:80") }, metadata: metadata)
          }
        }
        #expect(await report(nil) == .permissionDenied)
        #expect(await report("Bearer good") == nil)
        #expect(await report("bearer bad") == .unauthenticated)
        #expect(await report("good") == .unauthenticated)
      }
    }
  }
}
