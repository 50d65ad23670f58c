import ArgumentParser
import Daemon
import Selection
import SelectorServer

/// What peers may hold of a selector.
struct OverloadOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Connections at a time, over all listeners but that of --http. (default: 10000)",
      discussion: """
        Beyond, of whoever holds most a connection goes that never got an answer, or the one that is idle for longest. A \
        host, or a user of this machine, holds half of them at most. Never more than there are file descriptors for.
        """,
      valueName: "count"),
    transform: positive)
  var mostConnections: Int?

  @Option(
    help: ArgumentHelp(
      "Services that are there only because somebody registered replicas. (default: 10000)",
      discussion: "One caller brings half of them at most.", valueName: "count"),
    transform: positive)
  var mostRegisteredServices: Int?

  @Option(
    help: ArgumentHelp("Replicas that one caller has registered at a time. (default: 10000)", valueName: "count"),
    transform: positive)
  var mostRegistrations: Int?

  @Option(
    help: ArgumentHelp(
      "Picks that are not complete, over all services. (default: 1048576)",
      discussion:
        "Beyond, the oldest of a service counts as cancelled with each new one; a service has a quarter at most.",
      valueName: "count"),
    transform: positive)
  var mostOpenPicks: Int?

  @Option(
    help: ArgumentHelp(
      "Watches at a time. (default: 512)", discussion: "A peer has an eighth of them at most.", valueName: "count"),
    transform: positive)
  var mostWatches: Int?

  @Option(
    help: ArgumentHelp(
      "Services with series of their own in /metrics. (default: 1000)",
      discussion: "Those that came first; of the others there are sums.", valueName: "count"),
    transform: positive)
  var mostServicesInMetrics: Int?

  private static func positive(_ text: String) throws -> Int {
    guard let count = Int(text), count > 0, count <= 1 << 30 else {
      throw ValidationError("'\(text)': expected a number from 1 to \(1 << 30)")
    }
    return count
  }

  /// Puts what was said into a dispatcher's options.
  func apply(to options: inout DispatcherOptions) {
    if let mostRegisteredServices { options.mostRegisteredServices = mostRegisteredServices }
    if let mostRegistrations { options.mostRegistrationsOfCaller = mostRegistrations }
    guard let mostOpenPicks else { return }
    options.mostOpenPicks = mostOpenPicks
    options.mostOpenPicksOfService = max(1, mostOpenPicks / 4)
  }

  /// What watchers are told, for all servers together.
  func board(_ dispatcher: Dispatcher) -> WatchBoard {
    let most = mostWatches ?? 512
    return WatchBoard(dispatcher, budget: Budget("watches", total: most, perPeer: max(1, most / 8)))
  }

  /// Who holds which connections, for all servers together.
  func ledger() -> ConnectionLedger {
    let most = Descriptors.connections(atMost: mostConnections ?? 10_000)
    return ConnectionLedger(ConnectionLedger.Limits(total: most, perPeer: (most + 1) / 2))
  }
}
