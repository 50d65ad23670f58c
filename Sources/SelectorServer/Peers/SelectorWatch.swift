import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Model
package import SelectorProtocol
import Synchronization

/// Watches another process' selector.
package struct SelectorWatch: Sendable {
  private let target: SelectorTarget

  /// Names the selector.
  package init(_ target: SelectorTarget) {
    self.target = target
  }

  /// What there is to know of services, by name, at an interval; ends when the reader does, or throws `RPCError` where the
  /// selector goes away. The first picture comes once the selector has said something, or has had a second to.
  ///
  /// - Parameter services: the services; none for all. One that is not there is told as `gone`.
  package func pictures(
    of services: [String], every interval: Duration
  ) -> AsyncThrowingStream<[Tonari_Selector_V1_WatchResponse], any Error> {
    AsyncThrowingStream { pictures in
      let watching = Task {
        do {
          try await watch(services, every: interval) { pictures.yield($0) }
          pictures.finish()
        } catch {
          pictures.finish(throwing: error)
        }
      }
      pictures.onTermination = { _ in watching.cancel() }
    }
  }

  private func watch(
    _ services: [String], every interval: Duration,
    _ show: @escaping @Sendable ([Tonari_Selector_V1_WatchResponse]) -> Void
  ) async throws {
    let known = Known()
    try await withGRPCClient(transport: try target.transport()) { client in
      let selector = Tonari_Selector_V1_ReplicaSelector.Client(wrapping: client)
      var request = Tonari_Selector_V1_WatchRequest()
      request.services = services
      request.intervalMs = UInt32(saturating: max(10, interval / .milliseconds(1)))
      var options = CallOptions.defaults
      options.waitForReady = false
      try await selector.watch(request, metadata: try target.credentials(), options: options) { response in
        async let ticks: Void = {
          let deadline = ContinuousClock.now + .seconds(1)
          while known.statuses.withLock({ $0.isEmpty }), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(10))
          }
          // The first answers come at once, one for each service.
          try await Task.sleep(for: .milliseconds(100))
          while true {
            show(known.statuses.withLock { $0.values.sorted { $0.service < $1.service } })
            try await Task.sleep(for: interval)
          }
        }()
        for try await status in response.messages {
          let isAskedFor = services.contains(status.service)
          known.statuses.withLock { $0[status.service] = status.gone && !isAskedFor ? nil : status }
        }
        try await ticks
      }
    }
  }

  /// What was heard last of each service.
  private final class Known: Sendable {
    let statuses = Mutex<[String: Tonari_Selector_V1_WatchResponse]>([:])
  }
}
