public import Logging
import NIOCore
public import NIOPosix
import SelectorProtocol
public import ServiceLifecycle
import SwiftProtobuf
import Synchronization

/// Asks a selector which replica gets a request, over one connection that is kept.
///
/// ```swift
/// let client = SelectorClient(.init(addresses: [.unix(path: "/run/tonari/selector.sock")]))
/// // In a ServiceGroup, or a task of its own:
/// try await client.run()
/// // Wherever there is something to send:
/// let answer = try await client.withReplica(of: "shop/cart") { pick in try await send(request, to: pick.address) }
/// ```
///
/// The client watches the services that it is asked for. While no selector answers, it picks by itself from what it heard
/// last: of two replicas the one with fewer of its own requests. Such a pick says so (``Pick/isFallback``).
public final class SelectorClient: Service, Sendable {
  /// How to ask.
  public struct Configuration: Hashable, Sendable {
    /// Selectors, of which one is asked; the next one when it goes away. At least one.
    public var addresses: [SelectorAddress]
    /// How connections to `tls:` addresses are secured.
    public var tls = TLS()
    /// Where the requests come from: the node's name.
    public var node = ""
    /// The zone's name.
    public var zone = ""
    /// The cluster's name.
    public var cluster = ""
    /// How long to wait for an answer, or for a selector where nothing is known of a service.
    public var timeout = Duration.milliseconds(250)
    /// How long to wait for a connection.
    public var connectTimeout = Duration.seconds(1)
    /// The first wait after all selectors were tried in vain; it doubles from one round to the next.
    public var firstWait = Duration.milliseconds(10)
    /// The longest such wait.
    public var longestWait = Duration.seconds(2)
    /// How many picks wait for the selector at a time; others are fallback picks.
    public var mostInFlight = 10_000
    /// The longest message that is taken, in bytes: a service with all its replicas.
    public var longestMessage = 64 << 20

    /// Makes a configuration.
    public init(addresses: [SelectorAddress]) {
      self.addresses = addresses
    }
  }

  /// How connections are secured. Files are read anew for each connection, so that they may be renewed.
  public struct TLS: Hashable, Sendable {
    /// The file with the authorities that vouch for selectors, as PEM; nil for those of the system.
    public var authority: String?
    /// The file with this side's certificate chain, as PEM, for selectors that want one; nil for none.
    public var certificate: String?
    /// The file with the certificate's key, as PEM.
    public var key: String?
    /// The name that a selector's certificate must have; nil for the host of its address.
    public var serverName: String?

    /// Names the files.
    public init(
      authority: String? = nil, certificate: String? = nil, key: String? = nil, serverName: String? = nil
    ) {
      (self.authority, self.certificate, self.key, self.serverName) = (authority, certificate, key, serverName)
    }
  }

  private struct State {
    var connection: SelectorConnection?
    var connections: UInt64 = 0
    var isClosed = false
    var tables = FallbackTables()
    /// Services that were asked for, and those of them that the connection does not watch yet.
    var services: Set<String> = []
    var unwatched: [String] = []
    var isWatchScheduled = false
    /// Those who wait for a connection.
    var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
    var nextWaiting: UInt64 = 0
    var random = SystemRandomNumberGenerator()
  }

  /// Services that are asked for within this time are watched together.
  private static let watchDelay = TimeAmount.milliseconds(20)

  private let configuration: Configuration
  private let group: any EventLoopGroup
  private let logger: Logger
  private let state = Mutex(State())

  /// Makes a client, which asks while it runs.
  public init(
    _ configuration: Configuration, eventLoopGroup: MultiThreadedEventLoopGroup = .singleton,
    logger: Logger = Logger(label: "tonari.client")
  ) {
    precondition(!configuration.addresses.isEmpty, "expected at least one address")
    self.configuration = configuration
    self.logger = logger
    group = eventLoopGroup
  }

  /// Whether enough is known of a service to pick while no selector is in reach.
  public func knows(_ service: String) -> Bool { state.withLock { $0.tables.knows(service) } }

  /// Whether a selector is connected.
  public var isConnected: Bool { state.withLock { $0.connection != nil } }

  // MARK: - Requests

  /// Picks a replica of a service and counts the request as in flight there.
  ///
  /// Throws ``SelectorClientError``, or a `CancellationError` where the task is cancelled.
  public func pick(_ service: String, _ options: PickOptions = PickOptions()) async throws -> Pick {
    note(service)
    let request = request(service, options)
    let clock = ContinuousClock()
    let deadline = clock.now + (options.timeout ?? configuration.timeout)
    while true {
      let start = clock.now
      guard start < deadline else {
        return try fallback(service, options, or: .timedOut, "no selector answered in time")
      }
      let (connection, isClosed) = state.withLock { ($0.connection, $0.isClosed) }
      if isClosed { throw SelectorClientError(.closed, "the client has ended") }
      guard let connection else {
        if let pick = fallback(service, options) { return pick }
        try await waitForConnection(deadline - start)
        continue
      }
      do {
        let answer = try await connection.ask(.pick(request), timeout: deadline - start)
        return try took(answer, service, options, connection)
      } catch SelectorConnection.Failure.lost {
        // The next selector, if it is there in time.
        state.withLock { if $0.connection === connection { $0.connection = nil } }
        continue
      } catch SelectorConnection.Failure.timedOut {
        return try fallback(service, options, or: .timedOut, "the selector did not answer in time")
      } catch SelectorConnection.Failure.full {
        return try fallback(service, options, or: .unavailable, "too many picks wait for the selector")
      }
    }
  }

  /// Says how the request of a pick ended, when all of its response has come; to be called once.
  ///
  /// - Parameters:
  ///   - latency: what the request took; nil for the time since the pick.
  ///   - servedBy: the alternative that served it after the picked replica failed; nil where the picked one did.
  ///   - load: what the replica said of its load in its answer.
  public func complete(
    _ pick: Pick, _ outcome: Pick.Outcome, latency: Duration? = nil, servedBy: String? = nil, load: ReplicaLoad? = nil
  ) {
    let connection = state.withLock { state in
      state.tables.end(pick.address)
      return state.connection
    }
    // A selector that has the pick no more has taken it as cancelled.
    guard let ticket = pick.ticket, let connection, connection.number == ticket.connection else { return }
    let latency = latency ?? (.now - pick.time)
    connection.tell(
      .complete(
        .with {
          $0.pickID = ticket.id
          $0.outcome = Tonari_Selector_V1_Outcome(outcome)
          // fits: a duration is no NaN, and is cut.
          $0.latencyUs = UInt64(max(1, min(latency / .microseconds(1), 1e15)))
          $0.servedBy = servedBy ?? ""
          if let load { $0.load = Tonari_Selector_V1_Load(load) }
        }))
  }

  /// Says that the request of a pick is still under way. The selector gives up picks that nobody completes, usually after a
  /// minute: streams and upgraded connections that last longer say so now and then.
  ///
  /// - Parameter servedBy: the alternative that serves it after the picked replica failed; nil where the picked one does.
  public func renew(_ pick: Pick, servedBy: String? = nil) {
    let connection = state.withLock { $0.connection }
    guard let ticket = pick.ticket, let connection, connection.number == ticket.connection else { return }
    connection.tell(
      .complete(
        .with {
          $0.pickID = ticket.id
          $0.outcome = .underWay
          $0.servedBy = servedBy ?? ""
        }))
  }

  /// Picks a replica, does some work with it and completes the pick: with a failure where the work throws, as cancelled
  /// where it throws a `CancellationError`.
  ///
  /// Throws what ``pick(_:_:)`` and the work throw.
  public func withReplica<Answer>(
    of service: String, _ options: PickOptions = PickOptions(), isolation: isolated (any Actor)? = #isolation,
    _ work: (Pick) async throws -> Answer
  ) async throws -> Answer {
    let pick = try await pick(service, options)
    do {
      let answer = try await work(pick)
      complete(pick, .success)
      return answer
    } catch {
      complete(pick, error is CancellationError ? .cancelled : .failure)
      throw error
    }
  }

  private func request(_ service: String, _ options: PickOptions) -> Tonari_Selector_V1_PickRequest {
    .with {
      $0.service = service
      if !(configuration.node.isEmpty && configuration.zone.isEmpty && configuration.cluster.isEmpty) {
        $0.from.node = configuration.node
        $0.from.zone = configuration.zone
        $0.from.cluster = configuration.cluster
      }
      $0.key.append(contentsOf: options.key)
      $0.excluded = options.excluded
      $0.labels = options.labels
      $0.retry = options.isRetry
      $0.alternatives = UInt32(clamping: options.alternatives)
      $0.hops = UInt32(clamping: options.hops)
    }
  }

  private func took(
    _ answer: Tonari_Selector_V1_Envelope, _ service: String, _ options: PickOptions, _ connection: SelectorConnection
  ) throws -> Pick {
    switch answer.message {
    case .picked(let picked):
      state.withLock { $0.tables.begin(picked.address) }
      return Pick(
        service: service, address: picked.address, tier: Pick.Tier(picked.tier), isPanic: picked.panic,
        isFallback: false, alternatives: picked.alternatives,
        hops: Int(picked.hops), time: .now,
        ticket: Pick.Ticket(id: picked.pickID, connection: connection.number))
    case .error(let error):
      let failure = SelectorClientError(error)
      // A selector that has just begun may know less than was heard before.
      if failure.code == .noService || failure.code == .noReplica,
        state.withLock({ $0.tables.isAhead(of: service) }), let pick = fallback(service, options)
      {
        return pick
      }
      throw failure
    default: throw SelectorClientError(.invalidRequest, "the selector's answer is none to a pick")
    }
  }

  private func fallback(_ service: String, _ options: PickOptions) -> Pick? {
    state.withLock { state in
      guard
        let address = state.tables.pick(
          service, excluded: options.excluded.suffix(4), labels: options.labels, hops: options.hops,
          using: &state.random)
      else { return nil }
      state.tables.begin(address)
      let hops = max(0, options.hops) + (state.tables.isElsewhere(address, of: service) ? 1 : 0)
      return Pick(
        service: service, address: address, tier: .remote, isPanic: false, isFallback: true, alternatives: [],
        hops: hops, time: .now, ticket: nil)
    }
  }

  private func fallback(
    _ service: String, _ options: PickOptions, or code: SelectorClientError.Code, _ message: String
  ) throws -> Pick {
    if let pick = fallback(service, options) { return pick }
    throw SelectorClientError(code, "\(message), and nothing is known of service '\(service)'")
  }

  // MARK: - The connection

  /// Keeps a connection until the client is shut down or its task is cancelled.
  public func run() async throws {
    await withTaskCancellationOrGracefulShutdownHandler {
      await keepConnected()
    } onCancelOrGracefulShutdown: {
      self.close()
    }
    close()
  }

  private func close() {
    let (connection, waiting) = state.withLock { state in
      defer {
        state.connection = nil
        state.waiting = [:]
      }
      state.isClosed = true
      return (state.connection, state.waiting.values)
    }
    connection?.finish()
    for waiting in waiting { waiting.resume() }
  }

  private func keepConnected() async {
    var backoff = Backoff(first: configuration.firstWait, longest: configuration.longestWait)
    var next = 0
    var failures = 0
    while !state.withLock({ $0.isClosed }) {
      let address = configuration.addresses[next]
      do {
        let connection = try await connect(to: address)
        logger.debug("Connected to a selector", metadata: ["address": "\(address)"])
        backoff.reset()
        failures = 0
        await connection.closed()
        state.withLock { if $0.connection === connection { $0.connection = nil } }
        logger.debug("The selector has gone", metadata: ["address": "\(address)"])
      } catch {
        failures += 1
        logger.debug("A selector cannot be reached", metadata: ["address": "\(address)", "error": "\(error)"])
      }
      next = (next + 1) % configuration.addresses.count
      guard failures >= configuration.addresses.count else { continue }
      failures = 0
      var random = SystemRandomNumberGenerator()
      let wait = backoff.next(using: &random)
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
    }
  }

  private func connect(to address: SelectorAddress) async throws -> SelectorConnection {
    let number = state.withLock { state in
      state.connections += 1
      return state.connections
    }
    let connection = try await SelectorConnection.open(
      address, number: number, timeout: configuration.connectTimeout, longestMessage: configuration.longestMessage,
      mostInFlight: configuration.mostInFlight, tls: configuration.tls, group: group)
    do {
      // Something that listens is a selector only once it has answered; no pick has the id 0.
      _ = try await connection.ask(.complete(.init()), timeout: configuration.connectTimeout)
    } catch {
      connection.close()
      throw error
    }
    let (waiting, isClosed) = state.withLock { state in
      defer { state.waiting = [:] }
      guard !state.isClosed else { return (state.waiting.values, true) }
      state.connection = connection
      state.tables.selectorChanged()
      state.unwatched = state.services.sorted()
      return (state.waiting.values, false)
    }
    if isClosed { connection.close() }
    watchUnwatched()
    for waiting in waiting { waiting.resume() }
    return connection
  }

  /// Waits until there is a connection, the client ends or some time is over.
  private func waitForConnection(_ time: Duration) async throws {
    let number = state.withLock { state in
      state.nextWaiting += 1
      return state.nextWaiting
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { waiting in
        let isOver = state.withLock { state in
          guard state.connection == nil, !state.isClosed, !Task.isCancelled else { return true }
          state.waiting[number] = waiting
          return false
        }
        if isOver { return waiting.resume() }
        group.any().scheduleTask(in: .init(time)) { self.wake(number) }
      }
    } onCancel: {
      self.wake(number)
    }
    try Task.checkCancellation()
  }

  private func wake(_ number: UInt64) {
    state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
  }

  // MARK: - What is watched

  /// Sees to it that a service is watched.
  private func note(_ service: String) {
    let mustSchedule = state.withLock { state in
      guard state.services.insert(service).inserted else { return false }
      state.unwatched.append(service)
      defer { state.isWatchScheduled = true }
      return !state.isWatchScheduled
    }
    guard mustSchedule else { return }
    group.any().scheduleTask(in: Self.watchDelay) {
      self.state.withLock { $0.isWatchScheduled = false }
      self.watchUnwatched()
    }
  }

  private func watchUnwatched() {
    let (connection, services) = state.withLock { state -> (SelectorConnection?, [String]) in
      guard let connection = state.connection else { return (nil, []) }
      defer { state.unwatched = [] }
      return (connection, state.unwatched)
    }
    guard let connection, !services.isEmpty else { return }
    connection.watch(.with { $0.services = services }) { [weak self, weak connection] status in
      self?.state.withLock { state in
        guard let connection, state.connection === connection else { return }
        state.tables.learn(status)
      }
    }
  }
}
