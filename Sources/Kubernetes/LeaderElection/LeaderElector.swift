import Connections
import Formats
import Foundation
package import Logging
package import Model
import Synchronization

/// Lets one of several processes lead at a time, by a lease that the API server keeps.
package final class LeaderElector: Sendable {
  /// Which lease, who we are, and how long things last.
  package struct Configuration: Hashable, Sendable {
    /// The lease's namespace and name.
    package var lease: ObjectKey
    /// Who this process is: no other may be called the same.
    package var identity: String
    /// How long a lease holds after its last renewal.
    package var leaseDuration = Duration.seconds(15)
    /// How long a leader goes on without being able to renew; shorter than `leaseDuration`.
    package var renewDeadline = Duration.seconds(10)
    /// The time between two tries.
    package var retryPeriod = Duration.seconds(2)

    /// Whether a leader that cannot renew has stepped down before anybody else may lead.
    var isSound: Bool { .zero < retryPeriod && retryPeriod < renewDeadline && renewDeadline < leaseDuration }

    /// Makes a configuration with Kubernetes' usual times.
    package init(lease: ObjectKey, identity: String) {
      self.lease = lease
      self.identity = identity
    }
  }

  private struct State {
    var candidacy: Candidacy
    /// The lease as we wrote it last.
    var lease: JSONValue?
  }

  /// Which lease, who we are, and how long things last.
  package let configuration: Configuration
  private let client: APIClient
  private let logger: Logger
  private let state: Mutex<State>

  /// Makes a candidate. It stands for election with ``run(_:)``.
  package init(
    _ configuration: Configuration, client: APIClient,
    logger: Logger = Logger(label: "tonari.kubernetes.leader-election")
  ) {
    self.configuration = configuration
    self.client = client
    var logger = logger
    logger[metadataKey: "lease"] = "\(configuration.lease)"
    logger[metadataKey: "identity"] = "\(configuration.identity)"
    self.logger = logger
    state = Mutex(State(candidacy: Candidacy(configuration)))
  }

  /// Whether this process leads now.
  package var isLeading: Bool { state.withLock { $0.candidacy.isLeading(at: .now) } }

  /// Until when this process leads, if it cannot renew its lease; nil where it does not lead.
  package var leadsUntil: ContinuousClock.Instant? {
    state.withLock { state in
      let candidacy = state.candidacy
      return candidacy.isLeading(at: .now) ? candidacy.leadsUntil : nil
    }
  }

  /// Who leads, as far as is known.
  package var leader: String? { state.withLock { $0.candidacy.holder } }

  /// Stands for election, and does the work while leading.
  ///
  /// The work is cancelled when the lease is lost, and starts anew with the next election. When the task is cancelled,
  /// the work is too, and the lease is renewed until it has ended and released then. When the work ends by itself, the
  /// lease is released, and this ends too.
  ///
  /// - Parameter work: What a leader does. What it throws is thrown here.
  ///
  /// Throws ``APIError`` where the times of the configuration would let two lead at once.
  package func run(_ work: @escaping @Sendable () async throws -> Void) async throws {
    guard configuration.isSound else {
      throw APIError(
        code: .invalidRequest,
        message: "found a retry period of \(configuration.retryPeriod), a renew deadline of "
          + "\(configuration.renewDeadline) and a lease duration of \(configuration.leaseDuration), "
          + "expected each to be longer than the one before",
        mayHaveTakenEffect: false)
    }
    while !Task.isCancelled {
      guard await campaign() else { return }
      logger.notice("This process leads")
      // Not a child: it goes on while cancelled work comes to its end.
      let renewal = Task { await renew() }
      let end = await withTaskGroup(of: WorkEnd.self) { group in
        group.addTask { await .done(Result { try await work() }) }
        group.addTask {
          await renewal.value
          return .lost
        }
        let first = await group.next() ?? .lost
        if case .lost = first { logger.warning("The lease is lost; the work is stopped") }
        renewal.cancel()
        group.cancelAll()
        await group.waitForAll()
        return first
      }
      guard case .done(let result) = end else { continue }
      await Task { await release() }.value
      do { return try result.get() } catch is CancellationError where Task.isCancelled { return }
    }
  }

  private enum WorkEnd {
    case done(Result<Void, any Error>)
    case lost
  }
}

extension Result where Failure == any Error, Success == Void {
  fileprivate init(_ work: () async throws -> Void) async {
    do {
      self = .success(try await work())
    } catch {
      self = .failure(error)
    }
  }
}

// MARK: - The lease

extension LeaderElector {
  /// Tries until this process leads; false in a cancelled task.
  private func campaign() async -> Bool {
    while !Task.isCancelled {
      await tryOnce(within: configuration.renewDeadline / 2)
      if isLeading { return true }
      let jitter = Double.random(in: 1...2.2)
      try? await Task.sleep(for: configuration.retryPeriod * jitter)
    }
    return false
  }

  /// Renews the lease until it is lost, or the task is cancelled.
  private func renew() async {
    while !Task.isCancelled {
      guard let deadline = state.withLock({ $0.candidacy.leadsUntil }) else { return }
      let left = ContinuousClock.now.duration(to: deadline)
      guard left > .zero else { break }
      try? await Task.sleep(for: min(configuration.retryPeriod, left))
      let time = min(ContinuousClock.now.duration(to: deadline), configuration.renewDeadline / 2)
      // A request that is given up may have had its effect, and then the lease could not be handed over.
      await Task { await tryOnce(within: time) }.value
    }
    state.withLock { $0.candidacy.stepDown(at: .now) }
  }

  /// Reads the lease, and writes it where it is ours or to be had. Each of the two requests must end within a time.
  private func tryOnce(within time: Duration) async {
    guard time > .zero else { return }
    do {
      var lease = try await read(within: time)
      let seen = lease.map { LeaseRecord(spec: $0["spec"] ?? [:]) }
      if let record = state.withLock({ $0.candidacy.see(seen, at: .now, time: .now) }) {
        try await write(record, to: &lease, within: time)
      }
    } catch let error as APIError where error.isConflict || error.isAlreadyExists {
      logger.debug("Somebody else was faster", metadata: ["error": "\(error)"])
    } catch {
      if !Task.isCancelled { logger.warning("The lease cannot be had now", metadata: ["error": "\(error)"]) }
    }
  }

  private func read(within time: Duration) async throws -> JSONValue? {
    let lease = configuration.lease
    var call = APICall(method: "GET", path: try client.path(.leases, in: lease.namespace, name: lease.name))
    call.timeout = time
    call.retries = .never
    do {
      return try await client.object(call).decode(JSONValue.self)
    } catch let error as APIError where error.isNotFound {
      return nil
    }
  }

  /// Writes a record, on the condition that the lease has not changed since it was read.
  private func write(_ record: LeaseRecord, to lease: inout JSONValue?, within time: Duration) async throws {
    let key = configuration.lease
    var new =
      lease ?? [
        "apiVersion": .string(APIResource.leases.apiVersion), "kind": "Lease",
        "metadata": ["name": .string(key.name), "namespace": .string(key.namespace)],
      ]
    var spec = new["spec"] ?? [:]
    record.write(to: &spec)
    new["spec"] = spec
    let path = try client.path(.leases, in: key.namespace, name: lease == nil ? nil : key.name)
    var call = APICall(method: lease == nil ? "POST" : "PUT", path: path, body: try client.encoded(new))
    call.isRepeatable = false
    call.timeout = time
    call.retries = .never
    let sentAt = ContinuousClock.now
    let written = try await client.object(call).decode(JSONValue.self)
    lease = written
    state.withLock { state in
      state.candidacy.wrote(written["spec"].map(LeaseRecord.init(spec:)) ?? record, sentAt: sentAt)
      state.lease = written
    }
  }

  /// Hands the lease over, so that others need not wait until it has run out.
  private func release() async {
    let (record, written) = state.withLock { ($0.candidacy.release(at: .now, time: .now), $0.lease) }
    guard let record else { return }
    var lease = written
    do {
      try await write(record, to: &lease, within: configuration.renewDeadline / 2)
      logger.notice("This process has handed the lease over")
    } catch {
      logger.warning("The lease could not be handed over and must run out", metadata: ["error": "\(error)"])
    }
  }
}

extension Timestamp {
  /// What the wall clock says.
  static var now: Timestamp { Timestamp(microseconds: Int64(saturating: Date().timeIntervalSince1970 * 1_000_000)) }
}
