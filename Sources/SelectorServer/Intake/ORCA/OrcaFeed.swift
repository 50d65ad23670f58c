package import Daemon
import EnvoyProtocol
import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Logging
import Model
package import Selection
import ServiceLifecycle
import SwiftProtobuf
import Synchronization

/// Asks replicas for their load by ORCA (`xds.service.orca.v3.OpenRcaService`), out of band: each tells it at an interval on
/// a stream over plain HTTP/2.
///
/// Only those are asked that Kubernetes or a file names, or that are in ranges of addresses that the operator allows:
/// whoever registers a replica does not send the selector anywhere.
///
/// Replicas that come are asked, those that go are not any more. One that cannot be reached is tried again after longer and
/// longer pauses; one that does not know the method, every few minutes.
package final class OrcaFeed: ServiceLifecycle.Service, HealthSource {
  private static let lookInterval = Duration.seconds(1)
  private static let (shortestPause, longestPause) = (Duration.seconds(1), Duration.seconds(60))

  private let configuration: OrcaConfiguration
  private let dispatcher: Dispatcher
  private let logger: Logger
  private let faults = Mutex<[String: String]>([:])
  private let streams = Atomic<Int>(0)
  private let reports = Atomic<Int>(0)

  /// Makes a feed.
  package init(_ configuration: OrcaConfiguration, _ dispatcher: Dispatcher, logger: Logger) {
    self.configuration = configuration
    self.dispatcher = dispatcher
    self.logger = logger
  }

  /// Never keeps a selector from being ready: it picks without.
  package func report() -> HealthReport {
    let fault = faults.withLock { faults in
      faults.min { $0.key < $1.key }.map { "\(faults.count) replicas do not tell: \($0.key): \($0.value)" }
    }
    return HealthReport(name: "orca", isReady: true, fault: fault)
  }

  /// Adds what it counts to a registry.
  package func register(in registry: MetricsRegistry) {
    registry.collect { [self] in
      var streams = CollectedMetric("tonari_selector_orca_streams", .gauge, "Replicas that tell their load by ORCA.")
      streams.add(self.streams.load(ordering: .relaxed))
      var reports = CollectedMetric("tonari_selector_orca_reports_total", .counter, "Reports of load by ORCA.")
      reports.add(self.reports.load(ordering: .relaxed))
      return [streams, reports]
    }
  }

  /// Asks until the service is to end.
  package func run() async throws {
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        var asked: [String: Task<Void, Never>] = [:]
        while !Task.isCancelled {
          let addresses = self.addresses()
          for (address, asking) in asked where !addresses.contains(address) {
            asking.cancel()
            asked[address] = nil
          }
          for address in addresses where asked[address] == nil {
            let asking = Task { await self.ask(address) }
            asked[address] = asking
            group.addTask {
              await withTaskCancellationHandler {
                await asking.value
              } onCancel: {
                asking.cancel()
              }
            }
          }
          try? await Task.sleep(for: Self.lookInterval)
        }
      }
    }
  }

  /// The replicas to ask.
  private func addresses() -> Set<String> {
    let now = Moment.now
    var addresses: Set<String> = []
    let asked = Set(configuration.services.map { dispatcher.service($0)?.name ?? $0 })
    for service in dispatcher.directory.all where asked.isEmpty || asked.contains(service.name) {
      let known = dispatcher.addresses(of: service.name, from: [.kubernetes, .file])
      addresses.formUnion(
        service.status(at: now).replicas.map(\.replica.address).filter { known.contains($0) || isAllowed($0) })
    }
    guard addresses.count > configuration.mostReplicas else { return addresses }
    // Always the same ones, so that streams last.
    return Set(addresses.sorted().prefix(configuration.mostReplicas))
  }

  private func isAllowed(_ address: String) -> Bool {
    guard !configuration.ranges.isEmpty, let address = IPAddress(ofReplica: address) else { return false }
    return configuration.ranges.contains { $0.contains(address) }
  }

  private func ask(_ address: String) async {
    // Not all at once.
    var pause = Duration.zero
    defer { faults.withLock { $0[address] = nil } }
    while !Task.isCancelled {
      try? await Task.sleep(for: max(pause, .milliseconds(500)) * Double.random(in: 0.5..<1))
      let start = ContinuousClock.now
      do {
        try await listen(to: address)
        pause = Self.shortestPause
      } catch {
        guard !Task.isCancelled else { return }
        let isUnknown = (error as? RPCError)?.code == .unimplemented
        let isNew = faults.withLock { $0.updateValue("\(error)", forKey: address) == nil }
        if isNew {
          logger.info("A replica does not tell its load", metadata: ["replica": "\(address)", "error": "\(error)"])
        }
        let lasted = start.duration(to: .now) > Self.longestPause
        pause = lasted ? Self.shortestPause : min(max(pause * 2, Self.shortestPause), Self.longestPause)
        if isUnknown { pause = configuration.unknownMethodPause }
      }
    }
  }

  private func listen(to address: String) async throws {
    let transport = try HTTP2ClientTransport.Posix(
      target: try target(address), transportSecurity: .plaintext,
      config: .defaults {
        // So that one that vanished without a word is noticed.
        $0.connection.keepalive = .init(time: .seconds(60), timeout: .seconds(20), allowWithoutCalls: false)
      })
    try await withGRPCClient(transport: transport) { client in
      var options = CallOptions.defaults
      options.waitForReady = false
      let (seconds, attoseconds) = self.configuration.interval.components
      let request = Xds_Service_Orca_V3_OrcaLoadReportRequest.with {
        $0.reportInterval = .init(seconds: seconds, nanos: Int32(clamping: attoseconds / 1_000_000_000))
      }
      let replica = Xds_Service_Orca_V3_OpenRcaService.Client(wrapping: client)
      try await replica.streamCoreMetrics(request, options: options) { response in
        let contents = try response.accepted.get()
        self.streams.add(1, ordering: .relaxed)
        defer { self.streams.subtract(1, ordering: .relaxed) }
        for try await part in contents.bodyParts {
          guard case .message(let report) = part else { continue }
          _ = self.faults.withLock { $0.removeValue(forKey: address) }
          self.reports.add(1, ordering: .relaxed)
          if let load = LoadReport(report) { self.dispatcher.report(load, of: address, at: .now) }
        }
      }
    }
  }

  private func target(_ address: String) throws -> any ResolvableTarget {
    let colon = address.lastIndex(of: ":") ?? address.endIndex
    guard let port = configuration.port ?? Int(address[colon...].dropFirst()) else {
      throw RPCError(code: .invalidArgument, message: "'\(address)': expected host:port")
    }
    let host = address[..<colon]
    if host.first == "[", host.last == "]" { return .ipv6(address: String(host.dropFirst().dropLast()), port: port) }
    if host.allSatisfy({ $0.isNumber || $0 == "." }) { return .ipv4(address: String(host), port: port) }
    return .dns(host: String(host), port: port)
  }
}
