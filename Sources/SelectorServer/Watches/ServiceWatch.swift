package import Daemon
package import Model
package import Selection
package import SelectorProtocol
import SwiftProtobuf

/// What somebody watches, and how far they were told.
package struct ServiceWatch: Sendable {
  /// The most services that are watched by name.
  package static let mostServices = 10_000
  /// The time between two answers of a service where it is not asked for.
  package static let defaultInterval = Duration.seconds(1)
  /// The longest time: what is gone is remembered for longer.
  private static let longestInterval = Duration.seconds(60)

  /// The least time between two answers of a service.
  package let interval: Duration
  private let board: WatchBoard
  private let place: WatchBoard.Place
  /// By the names that are asked for; nil for all.
  private let services: Set<String>?
  /// The names that are asked for by the own names of the services that they mean, and when that was found out.
  private var askedFor: [String: [String]] = [:]
  private var version: UInt64?
  /// Names that are asked for, and of which nothing was told.
  private var untold: [String]
  private var told: UInt64 = 0

  /// Watches what is asked for on a board that others share. Throws where it is out of bounds, or there are too many.
  package init(
    _ request: Tonari_Selector_V1_WatchRequest, _ board: WatchBoard, for peer: Peer
  ) throws(SelectorFault) {
    guard request.services.count <= Self.mostServices else {
      throw SelectorFault(
        .invalidArgument,
        "\(request.services.count) services: expected at most \(Self.mostServices), or none for all")
    }
    guard request.intervalMs == 0 || request.intervalMs >= 10 else {
      throw SelectorFault(.invalidArgument, "interval_ms \(request.intervalMs): expected at least 10")
    }
    guard let place = board.place(for: peer) else {
      throw SelectorFault(
        .resourceExhausted,
        "too many watches: expected at most \(board.budget.perPeer) of a peer and \(board.budget.total) in all")
    }
    self.board = board
    self.place = place
    services = request.services.isEmpty ? nil : Set(request.services)
    untold = services?.sorted() ?? []
    interval = min(
      Self.longestInterval,
      request.intervalMs == 0 ? Self.defaultInterval : .milliseconds(Int64(request.intervalMs)))
  }

  /// Watches alone, and computes when it is asked.
  package init(_ request: Tonari_Selector_V1_WatchRequest, _ dispatcher: Dispatcher) throws(SelectorFault) {
    try self.init(request, WatchBoard(dispatcher, isOnDemand: true), for: Peer("alone"))
  }

  /// What is to be told now: the first time all, then each service that has changed. A service that was asked for by name
  /// and is not there is told as gone.
  package mutating func changes(at now: Moment) -> [Tonari_Selector_V1_WatchResponse] {
    next(bytes: .max, at: now).entries.map(\.response)
  }

  /// The same, some of it at a time.
  mutating func next(bytes: Int, at now: Moment) -> WatchBoard.Changes {
    let renamed = findNames()
    var changes = board.changes(after: told, of: services.map { _ in Set(askedFor.keys) }, bytes: bytes, at: now)
    told = changes.revision
    if services != nil {
      changes.entries = changes.entries.flatMap { entry in
        (askedFor[entry.response.service] ?? []).map(entry.named)
      }
    }
    let names = Set(changes.entries.map(\.response.service))
    for (name, service) in renamed where !names.contains(name) {
      if let entry = board.entry(service) {
        changes.entries.append(entry.named(name))
      } else if board.dispatcher.service(name) == nil {
        changes.entries.append(Self.gone(name, at: now))
      }
    }
    guard !untold.isEmpty, changes.isComplete else { return changes }
    for name in untold {
      guard let isThere = board.has(board.dispatcher.service(name)?.name ?? name) else { return changes }
      if !isThere { changes.entries.append(Self.gone(name, at: now)) }
    }
    untold = []
    return changes
  }

  private static func gone(_ name: String, at now: Moment) -> WatchBoard.Entry {
    let response = Tonari_Selector_V1_WatchResponse.gone(name)
    let bytes: [UInt8] = (try? response.serializedBytes()) ?? []
    return WatchBoard.Entry(revision: 0, response: response, bytes: bytes, hash: 0, gone: now)
  }

  /// Finds out which services are meant. Answers the names that meant another one before, with the one that they mean now.
  private mutating func findNames() -> [(name: String, service: String)] {
    guard let services, version != board.dispatcher.directoryVersion else { return [] }
    let directory = board.dispatcher.directory
    let isFirst = version == nil
    version = directory.version
    let before = askedFor
    askedFor = [:]
    var renamed: [(name: String, service: String)] = []
    for name in services {
      let service = directory[name]?.name ?? name
      askedFor[service, default: []].append(name)
      if !isFirst, before[service]?.contains(name) != true { renamed.append((name, service)) }
    }
    return renamed.sorted { $0.name < $1.name }
  }
}
