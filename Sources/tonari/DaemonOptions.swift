import ArgumentParser
import Daemon
import Logging
import ServiceLifecycle

/// How a daemon ends.
struct DaemonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "After SIGTERM, be gone after this time at the latest. (default: 20s)",
      discussion:
        "What is under way is answered before, usually within a second. Keep it below the pod's grace period.",
      valueName: "duration"),
    transform: Duration.argument
  )
  var shutdownLimit: Duration?

  /// A daemon that ends so.
  func daemon(_ monitoring: MonitoringServer?, _ services: [any Service], _ logger: Logger) -> ServiceDaemon {
    ServiceDaemon(
      monitoring: monitoring, services, shutdownLimit: shutdownLimit ?? ServiceDaemon.usualShutdownLimit, logger: logger
    )
  }
}
