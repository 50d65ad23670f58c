public import Dispatching
public import Selection
public import SelectorProtocol
import SwiftProtobuf

/// What somebody watches, and what they were told of it last.
public struct ServiceWatch: Sendable {
  /// The most services that are watched by name.
  public static let mostServices = 10_000
  /// The time between two answers of a service where it is not asked for.
  public static let defaultInterval = Duration.seconds(1)

  /// The least time between two answers of a service.
  public let interval: Duration
  private let dispatcher: Dispatcher
  /// None for all.
  private let services: [String]
  /// What was told last, as a hash, so that a watch of many services takes little memory.
  private var told: [String: Int] = [:]

  /// Watches what is asked for. Throws where it is out of bounds.
  public init(_ request: Tonari_Selector_V1_WatchRequest, _ dispatcher: Dispatcher) throws(SelectorFault) {
    guard request.services.count <= Self.mostServices else {
      throw SelectorFault(
        .invalidArgument,
        "\(request.services.count) services: expected at most \(Self.mostServices), or none for all")
    }
    guard request.intervalMs == 0 || request.intervalMs >= 10 else {
      throw SelectorFault(.invalidArgument, "interval_ms \(request.intervalMs): expected at least 10")
    }
    self.dispatcher = dispatcher
    services = Set(request.services).sorted()
    interval = request.intervalMs == 0 ? Self.defaultInterval : .milliseconds(Int64(request.intervalMs))
  }

  /// What is to be told now: the first time all, then each service that has changed. A service that was asked for by name
  /// and is not there is told as gone.
  public mutating func changes(at now: Moment) -> [Tonari_Selector_V1_WatchResponse] {
    let statuses: [ServiceStatus]
    if services.isEmpty {
      statuses = dispatcher.status(at: now)
    } else {
      statuses = services.compactMap { dispatcher.service($0)?.status(at: now) }
    }
    var changes: [Tonari_Selector_V1_WatchResponse] = []
    for status in statuses {
      let response = Tonari_Selector_V1_WatchResponse(status, at: now)
      let hash = response.hashBesideAges
      if told.updateValue(hash, forKey: status.name) != hash { changes.append(response) }
    }
    let present = Set(statuses.map(\.name))
    for name in told.keys.sorted() + services where !present.contains(name) {
      let before = services.isEmpty ? told.removeValue(forKey: name) : told.updateValue(Self.gone, forKey: name)
      guard before != Self.gone else { continue }
      changes.append(
        .with {
          $0.service = name
          $0.gone = true
        })
    }
    return changes
  }

  private static let gone = "gone".hashValue
}

extension Tonari_Selector_V1_WatchResponse {
  /// A hash of all but what changes by itself: the ages of loads, and what others have in flight, which fades.
  fileprivate var hashBesideAges: Int {
    var timeless = self
    for index in timeless.replicas.indices {
      timeless.replicas[index].loadAgeMs = 0
      timeless.replicas[index].others.round()
    }
    return timeless.hashValue
  }
}
