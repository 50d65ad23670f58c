package import Daemon
import EnvoyProtocol
package import GRPCCore
package import Model
package import Selection
import SwiftProtobuf
import Synchronization

/// Hears from Envoys what they send where (LRS): for each endpoint the requests in flight, and those issued and failed.
///
/// All that Envoys have at an endpoint counts together as its load in all services that have it. An Envoy whose stream ends
/// takes its part away.
package final class LoadReportingService: RegistrableRPCService {
  private let dispatcher: Dispatcher
  private let now: @Sendable () -> Moment
  private let loads = Mutex(ReportedLoads())
  private let next = Atomic<UInt64>(0)
  private let streams = Atomic<Int>(0)
  private let reports = Atomic<Int>(0)

  /// Makes the service.
  ///
  /// - Parameters:
  ///   - dispatcher: what learns the loads.
  ///   - now: the clock, the same for all that ask the dispatcher.
  package init(_ dispatcher: Dispatcher, now: @escaping @Sendable () -> Moment = { .now }) {
    self.dispatcher = dispatcher
    self.now = now
  }

  /// Adds the method of `LoadReportingService`.
  package func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    Methods(service: self).registerMethods(with: &router)
  }

  /// What a caller needs for the method.
  package static let capabilities: [MethodDescriptor: Capability] = [
    Envoy_Service_LoadStats_V3_LoadReportingService.Method.StreamLoadStats.descriptor: .report
  ]

  /// Adds what it counts to a registry.
  package func register(in registry: MetricsRegistry) {
    registry.collect { [self] in
      var streams = CollectedMetric("tonari_selector_lrs_streams", .gauge, "Streams of Envoys that report load.")
      streams.add(self.streams.load(ordering: .relaxed))
      var reports = CollectedMetric("tonari_selector_lrs_reports_total", .counter, "Envoys' reports of load.")
      reports.add(self.reports.load(ordering: .relaxed))
      return [streams, reports]
    }
  }

  private func listen(
    to requests: RPCAsyncSequence<Envoy_Service_LoadStats_V3_LoadStatsRequest, any Error>,
    _ writer: RPCWriter<Envoy_Service_LoadStats_V3_LoadStatsResponse>
  ) async throws {
    let envoy = next.add(1, ordering: .relaxed).newValue
    streams.add(1, ordering: .relaxed)
    defer {
      streams.subtract(1, ordering: .relaxed)
      tell { $0.forget(envoy, at: $1, picks: self.dispatcher.picks) }
    }
    var isAnswered = false
    for try await request in requests {
      if !isAnswered {
        try await writer.write(
          .with {
            $0.sendAllClusters = true
            $0.loadReportingInterval = .init(seconds: 1)
            $0.reportEndpointGranularity = true
          })
        isAnswered = true
      }
      reports.add(1, ordering: .relaxed)
      tell { $0.hear(request.clusterStats, from: envoy, at: $1, picks: self.dispatcher.picks) }
    }
  }

  private func tell(_ change: (inout ReportedLoads, Moment) -> [String: ReportedLoads.News]) {
    let now = now()
    let changed = loads.withLock { change(&$0, now) }
    for (address, news) in changed {
      dispatcher.report(news.load, of: address, at: now)
      dispatcher.note(successes: news.successes, failures: news.failures, of: address, at: now)
    }
  }

  private struct Methods: Envoy_Service_LoadStats_V3_LoadReportingService.StreamingServiceProtocol {
    let service: LoadReportingService

    func streamLoadStats(
      request: StreamingServerRequest<Envoy_Service_LoadStats_V3_LoadStatsRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Envoy_Service_LoadStats_V3_LoadStatsResponse> {
      StreamingServerResponse { writer in
        try await context.serve { try await service.listen(to: request.messages, writer) }
        return [:]
      }
    }
  }
}
