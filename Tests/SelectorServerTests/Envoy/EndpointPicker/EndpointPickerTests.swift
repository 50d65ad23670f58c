import CertificateTestSupport
import Connections
import Daemon
import EnvoyProtocol
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import Overflow
import Selection
import SelectorProtocol
import ServiceLifecycle
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("The endpoint picker on the wire", .timeLimit(.minutes(2)))
struct EndpointPickerTests {
  private typealias Picker = Envoy_Service_ExtProc_V3_ExternalProcessor
  private typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

  private struct Source: HealthSource {
    var isReady: Bool
    func report() -> HealthReport { HealthReport(name: "replicas", isReady: isReady, fault: nil) }
  }

  private static func serve(
    _ dispatcher: Dispatcher, isReady: Bool = true, authority: String? = nil, tls: TLSFiles? = nil,
    security: HTTP2ClientTransport.Posix.TransportSecurity = .plaintext,
    _ work: @escaping @Sendable (Client) async throws -> Void
  ) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let (ports, port) = AsyncStream<Int>.makeStream()
    let health = [Source(isReady: isReady)]
    let service = PickerServer(
      dispatcher, addresses: [.host("127.0.0.1", port: 0)], tls: tls, health: health, logger: logger,
      onListening: { addresses in
        if case .host(_, let number)? = addresses.first { port.yield(number) }
      })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await service.run() }
      let number = try #require(await ports.first { _ in true })
      try await withGRPCClient(
        transport: .http2NIOPosix(
          target: .ipv4(address: "127.0.0.1", port: number), transportSecurity: security,
          config: .defaults { $0.http2.authority = authority })
      ) { try await work($0) }
      group.cancelAll()
    }
  }

  private static func becomes(_ what: String, _ holds: () -> Bool) async throws {
    for _ in 0..<500 where !holds() { try await Task.sleep(for: .milliseconds(10)) }
    #expect(holds(), "\(what)")
  }

  /// Runs a server on a Unix socket for as long as the work takes.
  private static func serve(on path: String, _ work: @Sendable () async throws -> Void) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let (bound, continuation) = AsyncStream<Void>.makeStream()
    let service = PickerServer(
      Dispatcher(DispatcherOptions()), addresses: [.unix(path: path)], socketMode: 0o600, logger: logger,
      onListening: { _ in continuation.yield() })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { continuation.finish() }
        try await service.run()
      }
      if await bound.first(where: { _ in true }) != nil { try await work() }
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  @Test("A second server on a Unix socket is refused, and the first keeps its clients and its file")
  func twoOnOneSocket() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "p-\(UUID().uuidString.prefix(8)).sock").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await Self.serve(on: path) {
      await #expect(throws: SocketError.self) { try await Self.serve(on: path) {} }
      let health = try await withGRPCClient(
        transport: .http2NIOPosix(target: .unixDomainSocket(path: path), transportSecurity: .plaintext)
      ) { try await Grpc_Health_V1_Health.Client(wrapping: $0).check(.init()) }
      #expect(health.status == .serving)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("At its end a server leaves a socket alone that another one has put in its place")
  func othersSocket() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "p-\(UUID().uuidString.prefix(8)).sock").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await Self.serve(on: path) {
      try FileManager.default.removeItem(atPath: path)
      _ = try ListeningSocket(path: path)
    }
    #expect(FileManager.default.fileExists(atPath: path))
  }

  @Test("Answers request and response of a stream, whatever authority Istio gives it")
  func answers() async throws {
    let dispatcher = Exchanges.dispatcher()
    try await Self.serve(dispatcher, authority: "outbound|9002||tonari-selector.tonari.svc.cluster.local") {
      client in
      let answers = try await Picker.Client(wrapping: client).process(
        metadata: ["x-tonari-service": "shop/cart"],
        requestProducer: { writer in
          try await writer.write(Exchanges.request())
          try await writer.write(Exchanges.response(served: "10.0.0.1:80"))
        },
        onResponse: { response in
          try await response.messages.reduce(into: []) { $0.append($1) }
        })
      #expect(answers.count == 2 && Exchanges.destinations(answers.first).header.count == 3)
    }
    #expect(dispatcher.inFlight == 0 && dispatcher.cart.counts.succeeded == 1)
  }

  @Test("A stream that is reset or ends early leaves nothing in flight")
  func ends() async throws {
    let dispatcher = Exchanges.dispatcher()
    try await Self.serve(dispatcher) { client in
      let picker = Picker.Client(wrapping: client)
      _ = try await picker.process(
        metadata: ["x-tonari-service": "shop/cart"],
        requestProducer: { try await $0.write(Exchanges.request()) },
        onResponse: { response in try await response.messages.reduce(0) { count, _ in count + 1 } })
      try await Self.becomes("ended") { dispatcher.inFlight == 0 && dispatcher.cart.counts.cancelled == 1 }

      // Whoever returns before the stream has ended resets it.
      try await picker.process(
        metadata: ["x-tonari-service": "shop/cart"],
        requestProducer: { writer in
          try await writer.write(Exchanges.request())
          try await Task.sleep(for: .seconds(60))
        },
        onResponse: { response in
          for try await _ in response.messages { break }
          #expect(dispatcher.inFlight == 1)
        })
      try await Self.becomes("reset") { dispatcher.inFlight == 0 && dispatcher.cart.counts.cancelled == 2 }
    }
  }

  @Test(
    "An unknown service is 503 for who knows all services, and an error of the stream for who does not yet")
  func unknown() async throws {
    @Sendable func ask(_ client: Client) async throws -> ProcessingResponse? {
      try await Picker.Client(wrapping: client).process(
        metadata: ["x-tonari-service": "shop/none"],
        requestProducer: { try await $0.write(Exchanges.request()) },
        onResponse: { response in
          for try await message in response.messages { return message }
          return nil
        })
    }
    try await Self.serve(Exchanges.dispatcher()) { client in
      let answer = try await ask(client)
      #expect(answer?.immediateResponse.status.code == 503)
    }
    try await Self.serve(Exchanges.dispatcher(), isReady: false) { client in
      let error = await #expect(throws: RPCError.self) { try await ask(client) }
      #expect(error?.code == .unavailable)
    }
  }

  @Test("By TLS as by plain HTTP/2", .enabled(if: TestCertificates.areAvailable))
  func tls() async throws {
    let certificates = try TestCertificates()
    try certificates.make("server")
    let files = TLSFiles(certificate: certificates.path("server.crt"), key: certificates.path("server.key"))
    let security = HTTP2ClientTransport.Posix.TransportSecurity.tls {
      $0.trustRoots = .certificates([.file(path: certificates.path("server.crt"), format: .pem)])
    }
    let dispatcher = Exchanges.dispatcher()
    try await Self.serve(dispatcher, tls: files, security: security) { client in
      let answers = try await Picker.Client(wrapping: client).process(
        metadata: ["x-tonari-service": "shop/cart"],
        requestProducer: { try await $0.write(Exchanges.request()) },
        onResponse: { response in try await response.messages.reduce(into: []) { $0.append($1) } })
      #expect(Exchanges.destinations(answers.first).header.count == 3)
    }
    #expect(dispatcher.inFlight == 0)
  }

  @Test("Health is told of liveness, readiness and the service's own name")
  func health() async throws {
    for isReady in [true, false] {
      try await Self.serve(Exchanges.dispatcher(), isReady: isReady) { client in
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        for (service, serving) in [
          ("liveness", true), ("readiness", isReady), ("envoy.service.ext_proc.v3.ExternalProcessor", isReady),
          ("", isReady),
        ] {
          let answer = try await health.check(.with { $0.service = service })
          #expect((answer.status == .serving) == serving, "\(service)")
        }
        await #expect(throws: RPCError.self) { try await health.check(.with { $0.service = "other" }) }
      }
    }
  }
}
