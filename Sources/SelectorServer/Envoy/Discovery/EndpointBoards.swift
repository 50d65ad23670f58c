import EnvoyProtocol
import GRPCCore
import Model
import Selection
import SwiftProtobuf
import Synchronization

/// Who is told that there is something else to tell of a resource.
protocol EndpointReader: AnyObject, Sendable {
  /// Is told, from any thread.
  func changed(_ names: [String])
}

/// The boards that somebody reads, each kept once for all Envoys of a place.
final class EndpointBoards: Sendable {
  private struct Key: Hashable {
    var name: String
    var place: Place
  }

  /// A board with its readers; lives inside the mutex.
  fileprivate final class Entry {
    let name: String
    var board: EndpointBoard
    var service: DispatchedService?
    var standing: ServiceStanding?
    var endpoints = DiscoveredEndpoints.pending
    var readers: [ObjectIdentifier: any EndpointReader] = [:]
    /// For how long nothing has happened to the service.
    var quietSeconds = 0

    init(_ name: String, _ board: EndpointBoard, _ service: DispatchedService?) {
      self.name = name
      self.board = board
      self.service = service
    }
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    /// Of the directory that the entries' services were found in.
    var version: UInt64 = 0
    var ticks = 0
    var isReady = false
  }

  /// The time between two looks at who is there; weights are looked at once a second.
  static let interval = Duration.milliseconds(100)
  private static let ticksForWeights = 10
  /// A service to which nothing happens is looked at once in so many seconds.
  private static let quietInterval = 10
  private static let mostBoards = 500_000

  private let dispatcher: Dispatcher
  private let isReady: @Sendable () -> Bool
  private let state = Mutex(State())

  init(_ dispatcher: Dispatcher, isReady: @escaping @Sendable () -> Bool) {
    self.dispatcher = dispatcher
    self.isReady = isReady
  }

  /// What there is to tell of a resource.
  func endpoints(_ name: String, seenFrom place: Place) -> DiscoveredEndpoints {
    state.withLock { $0.entries[Key(name: name, place: place)]?.endpoints ?? .pending }
  }

  /// Tells a reader from now on, who learns at once what there is.
  ///
  /// Throws where there are too many boards.
  func add(_ reader: some EndpointReader, _ names: [String], seenFrom place: Place, at now: Moment) throws(RPCError) {
    try state.withLock { state throws(RPCError) in
      guard state.entries.count + names.count <= Self.mostBoards else {
        throw RPCError(code: .resourceExhausted, message: "expected at most \(Self.mostBoards) resources by place")
      }
      state.isReady = state.isReady || isReady()
      var statuses: [ObjectIdentifier: ServiceStatus] = [:]
      for name in names {
        let key = Key(name: name, place: place)
        let entry =
          state.entries[key]
          ?? Entry(name, EndpointBoard(name, seenFrom: place, dispatcher.options.selection.spill), find(name))
        entry.readers[ObjectIdentifier(reader)] = reader
        if state.isReady, case .pending = entry.endpoints { _ = refresh(entry, &statuses, at: now) }
        state.entries[key] = entry
      }
    }
  }

  /// Tells a reader no more; who has no reader is forgotten.
  func remove(_ reader: some EndpointReader, _ names: some Sequence<String>, seenFrom place: Place) {
    state.withLock { state in
      for name in names {
        let key = Key(name: name, place: place)
        state.entries[key]?.readers[ObjectIdentifier(reader)] = nil
        if state.entries[key]?.readers.isEmpty == true { state.entries[key] = nil }
      }
    }
  }

  /// Looks at what has changed. To be called at the interval.
  func look(at now: Moment) {
    var news: [ObjectIdentifier: (reader: any EndpointReader, names: [String])] = [:]
    state.withLock { state in
      guard !state.entries.isEmpty else { return }
      state.isReady = state.isReady || isReady()
      guard state.isReady else { return }
      state.ticks += 1
      let version = dispatcher.directoryVersion
      let isOtherDirectory = version != state.version
      state.version = version
      var statuses: [ObjectIdentifier: ServiceStatus] = [:]
      for entry in state.entries.values {
        if isOtherDirectory { entry.service = find(entry.name) }
        guard isDue(entry, tick: state.ticks), refresh(entry, &statuses, at: now) else { continue }
        for (id, reader) in entry.readers { news[id, default: (reader, [])].names.append(entry.name) }
      }
    }
    // Readers have locks of their own, under which they ask.
    for (reader, names) in news.values { reader.changed(names) }
  }

  /// How many boards there are.
  var count: Int { state.withLock { $0.entries.count } }

  /// Whether there is anything to look at: who is there has changed, or it is time for weights.
  private func isDue(_ entry: Entry, tick: Int) -> Bool {
    let standing = entry.service?.standing
    if entry.isPending || entry.standing?.members != standing?.members { return true }
    guard tick % Self.ticksForWeights == 0, let standing else { return false }
    entry.quietSeconds = entry.standing?.activity == standing.activity ? entry.quietSeconds + 1 : 0
    return entry.quietSeconds % Self.quietInterval == 0
  }

  private func find(_ name: String) -> DispatchedService? { ServiceNames.service(name, in: dispatcher) }

  /// Answers whether there is something else to tell.
  private func refresh(
    _ entry: Entry, _ statuses: inout [ObjectIdentifier: ServiceStatus], at now: Moment
  ) -> Bool {
    entry.standing = entry.service?.standing
    var changed = entry.isPending
    if let service = entry.service {
      let status = statuses[ObjectIdentifier(service)] ?? service.status(at: now)
      statuses[ObjectIdentifier(service)] = status
      changed = entry.board.follow(status, at: now) || changed
    } else {
      changed = entry.board.clear() || changed
    }
    guard changed else { return false }
    entry.endpoints = entry.board.assignment.map(DiscoveredEndpoints.init) ?? .absent
    return true
  }
}

extension EndpointBoards.Entry {
  fileprivate var isPending: Bool {
    if case .pending = endpoints { true } else { false }
  }
}

extension DiscoveredEndpoints {
  /// An assignment with the version that its contents give.
  init(_ assignment: Envoy_Config_Endpoint_V3_ClusterLoadAssignment) {
    // Messages without maps are always written the same; one that cannot be written is too large for any Envoy.
    let bytes: [UInt8] = (try? assignment.serializedBytes()) ?? []
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let resource = SwiftProtobuf.Google_Protobuf_Any.with {
      $0.typeURL = endpointType
      $0.value = .init(bytes)
    }
    self = .assignment(version: String(hash, radix: 16), resource)
  }
}
