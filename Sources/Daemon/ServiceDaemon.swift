import Dispatch
import Foundation
package import Logging
package import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Something that reads what it was given, such as a file, again when it is told to.
package protocol Reloading: Sendable {
  /// Reads it again, whether it seems to have changed or not.
  func reload()
}

/// A program that serves until SIGTERM or SIGINT. At SIGHUP those of its services that read files read them again
/// (``Reloading``).
///
/// Its servers then end side by side, each with its own grace for what is under way; its health is answered until they
/// have. Whatever holds them up, the process is gone when ``shutdownLimit`` is over: who is killed after a grace period
/// would leave its sockets and leases behind.
package struct ServiceDaemon: Sendable {
  /// The usual limit; with the 5 seconds of a `preStop` hook below the 30 that Kubernetes grants.
  package static let usualShutdownLimit = Duration.seconds(20)
  /// The exit status where the limit was over.
  package static let lateStatus: Int32 = 1

  private let monitoring: MonitoringServer?
  private let services: [any Service]
  private let shutdownLimit: Duration
  private let logger: Logger

  /// Makes a daemon.
  ///
  /// - Parameters:
  ///   - monitoring: answers for its health; nil where another of its services does.
  ///   - services: what it does; all end when one does.
  ///   - shutdownLimit: after what time from the signal on it is gone.
  package init(
    monitoring: MonitoringServer?, _ services: [any Service],
    shutdownLimit: Duration = ServiceDaemon.usualShutdownLimit,
    logger: Logger
  ) {
    self.monitoring = monitoring
    self.services = services
    self.shutdownLimit = shutdownLimit
    self.logger = logger
  }

  /// Serves until it is ended.
  package func run() async throws {
    Descriptors.log(to: logger)
    Descriptors.raise()
    Descriptors.recover()
    let hangUps = await UnixSignalsSequence(trapping: .sighup)
    let watch = ShutdownWatch(shutdownLimit, logger)
    defer { watch.cancel() }
    // The last is ended first.
    let all: [any Service] = (monitoring.map { [$0] } ?? []) + [SideBySide(services: services, logger: logger)]
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: all.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      // However many come while files are read, they are read once more after it.
      let (wishes, wish) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
      tasks.addTask { for await _ in hangUps { wish.yield() } }
      tasks.addTask { for await _ in wishes { self.reload() } }
      defer { tasks.cancelAll() }
      try await group.run()
    }
  }

  private func reload() {
    let readers = services.compactMap { $0 as? any Reloading }
    logger.notice("SIGHUP: files are read again", metadata: ["files": "\(readers.count)"])
    for reader in readers { reader.reload() }
  }
}

/// Services that run, and end, at the same time.
private struct SideBySide: Service {
  let services: [any Service]
  let logger: Logger

  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in services {
        group.addTask {
          do {
            try await service.run()
          } catch {
            // One that ends with an error does not cut off what the others still answer.
            guard Task.isShuttingDownGracefully else { throw error }
            guard !(error is CancellationError) else { return }
            logger.error("A service did not end well", metadata: ["error": "\(error)"])
          }
          guard Task.isShuttingDownGracefully || Task.isCancelled else {
            throw ServiceGroupError.serviceFinishedUnexpectedly(service: "\(type(of: service))")
          }
        }
      }
      for try await _ in group {}
    }
  }
}

/// Ends the process when its end takes too long. It waits on threads of its own: where tasks get no turn any more, this
/// is what still works.
private final class ShutdownWatch: @unchecked Sendable {
  // Safe: nothing here changes, and a source may be cancelled from anywhere.
  private let sources: [any DispatchSourceSignal]

  init(_ limit: Duration, _ logger: Logger) {
    let queue = DispatchQueue(label: "tonari.shutdown")
    sources = [SIGTERM, SIGINT].map { number in
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        queue.asyncAfter(deadline: .now() + limit / .seconds(1)) {
          logger.critical("The shutdown took too long", metadata: ["limit": "\(limit)"])
          _exit(ServiceDaemon.lateStatus)
        }
      }
      source.resume()
      return source
    }
  }

  func cancel() {
    for source in sources { source.cancel() }
  }
}
