import ControlPlaneTestSupport
import Daemon
import EnvoyProtocol
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Selection
import SwiftProtobuf
import Synchronization
import Testing

@testable import SelectorServer

@Suite("Load that replicas tell by ORCA", .timeLimit(.minutes(1)))
struct OrcaFeedTests {
  /// A replica that tells its load, as long as somebody listens.
  private final class Replica: Xds_Service_Orca_V3_OpenRcaService.SimpleServiceProtocol {
    let asked = Mutex<[Double]>([])
    let listeners = Atomic<Int>(0)

    func streamCoreMetrics(
      request: Xds_Service_Orca_V3_OrcaLoadReportRequest, response: RPCWriter<Xds_Data_Orca_V3_OrcaLoadReport>,
      context: ServerContext
    ) async throws {
      let interval = Double(request.reportInterval.seconds) + Double(request.reportInterval.nanos) * 1e-9
      asked.withLock { $0.append(interval) }
      listeners.add(1, ordering: .relaxed)
      defer { listeners.subtract(1, ordering: .relaxed) }
      try await withRPCCancellationHandler {
        while !context.cancellation.isCancelled {
          try await response.write(
            .with {
              $0.applicationUtilization = 0.75
              $0.rpsFractional = 40
              $0.namedMetrics = ["in_flight": 3]
            })
          try await Task.sleep(for: .milliseconds(20))
        }
      } onCancelRPC: {
      }
    }
  }

  @Test("is asked of no address that somebody registered, unless it is in a range that the operator allows")
  func registered() async throws {
    let replica = Replica()
    try await withServer([replica]) { port in
      let dispatcher = Dispatcher()
      dispatcher.register(
        [ServiceReplica(address: "127.0.0.1:\(port)")], of: "cart", lifetime: .seconds(60), at: .now)
      try await withFeed(OrcaConfiguration(ranges: [AddressRange("10.0.0.0/8")].compactMap { $0 }), dispatcher) { _ in
        // Long enough for a replica that is asked, as the next one shows.
        try await Task.sleep(for: .seconds(2))
        #expect(replica.listeners.load(ordering: .relaxed) == 0)
      }
      try await withFeed(OrcaConfiguration(ranges: [AddressRange("127.0.0.0/8")].compactMap { $0 }), dispatcher) { _ in
        try await eventually("it is asked") { replica.listeners.load(ordering: .relaxed) == 1 }
      }
    }
  }

  /// Serves on a port of its own, which the work gets.
  private func withServer(
    _ services: [any RegistrableRPCService], _ work: @escaping @Sendable (Int) async throws -> Void
  ) async throws {
    let transport = HTTP2ServerTransport.Posix(
      address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext)
    try await withGRPCServer(transport: transport, services: services) { _ in
      try await work(try #require(try await transport.listeningAddress.ipv4?.port))
    }
  }

  private func withFeed(
    _ configuration: OrcaConfiguration, _ dispatcher: Dispatcher, _ work: (OrcaFeed) async throws -> Void
  ) async throws {
    let feed = OrcaFeed(configuration, dispatcher, logger: .silent)
    let running = Task { try await feed.run() }
    defer { running.cancel() }
    try await work(feed)
    running.cancel()
    try await running.value
  }

  private static func load(_ dispatcher: Dispatcher, _ service: String) -> LoadReport? {
    dispatcher.service(service)?.status(at: .now).replicas.first?.view.lastReport
  }

  @Test("is heard from replicas of the services that are asked, from when they come until they go")
  func follows() async throws {
    let replica = Replica()
    try await withServer([replica]) { port in
      let dispatcher = Dispatcher()
      let address = ServiceReplica(address: "127.0.0.1:\(port)")
      dispatcher.set([ServiceReplica(address: "127.0.0.2:\(port)")], of: "other", from: .file, at: .now)
      try await withFeed(OrcaConfiguration(services: ["cart"], interval: .milliseconds(250)), dispatcher) { feed in
        dispatcher.set([address], of: "cart", from: .file, at: .now)
        try await eventually("its load is heard") {
          Self.load(dispatcher, "cart")
            == LoadReport(inFlight: 3, cpuUtilization: 0.75, requestsPerSecond: 40, errorsPerSecond: 0)
        }
        #expect(replica.asked.withLock { $0 } == [0.25])
        #expect(feed.report().fault == nil && feed.report().isReady)
        #expect(Self.load(dispatcher, "other") == nil)
        dispatcher.set([], of: "cart", from: .file, at: .now)
        try await eventually("nobody listens any more") { replica.listeners.load(ordering: .relaxed) == 0 }
      }
    }
  }

  @Test("is not asked for again and again from those that do not know how to tell, or are not there")
  func unknown() async throws {
    try await withServer([]) { port in
      let dispatcher = Dispatcher()
      dispatcher.set([ServiceReplica(address: "127.0.0.1:1")], of: "cart", from: .file, at: .now)
      try await withFeed(OrcaConfiguration(port: port), dispatcher) { feed in
        try await eventually("it is known that it does not tell") { feed.report().fault != nil }
        #expect(feed.report().isReady)
        #expect(feed.report().fault?.hasPrefix("1 replicas do not tell: 127.0.0.1:1: unimplemented") == true)
      }
      try await withFeed(OrcaConfiguration(), dispatcher) { feed in
        try await eventually("it is known that it is not there") { feed.report().fault != nil }
        #expect(feed.report().fault?.contains("unavailable") == true)
      }
    }
  }

  @Test("comes from a bounded number of replicas, and from one that is back")
  func bounded() async throws {
    let (one, other) = (Replica(), Replica())
    let dispatcher = Dispatcher()
    try await withServer([one]) { first in
      try await withServer([other]) { second in
        let ports = [first, second]
        dispatcher.set(ports.map { ServiceReplica(address: "127.0.0.1:\($0)") }, of: "cart", from: .file, at: .now)
        try await withFeed(OrcaConfiguration(mostReplicas: 1), dispatcher) { _ in
          try await eventually("one of them is heard") {
            dispatcher.service("cart")?.status(at: .now).replicas.contains { $0.view.lastReport != nil } == true
          }
          try await Task.sleep(for: .milliseconds(1500))
          #expect(one.listeners.load(ordering: .relaxed) + other.listeners.load(ordering: .relaxed) == 1)
        }
      }
    }
  }
}
