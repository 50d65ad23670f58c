import Connections
import Daemon
package import Kubernetes
import Logging
package import Model
package import Selection
import Synchronization

/// Has the API server say whose a token is (`TokenReview`), for tokens that were made for audience `tonari.dev`.
///
/// Answers are kept for a short time by a hash of the token that this process alone can make; the token itself is neither
/// kept nor logged. There are only so many reviews at a time and in a second, of one peer and of all.
package final class TokenReviewer: TokenReviewing {
  /// The audience that tokens must be made for.
  package static let audience = "tonari.dev"

  /// What can be set.
  package struct Options: Hashable, Sendable {
    /// How long a good token is believed, and so how long one is at most believed that is good no more.
    package var goodLifetime = Duration.seconds(60)
    /// How long a bad one is not asked for again.
    package var badLifetime = Duration.seconds(10)
    /// The most answers that are kept.
    package var mostKept = 10_000
    /// The most reviews at a time.
    package var mostAtATime = 8
    /// Reviews each second, of all peers; so many may also come at once.
    package var perSecond = 50
    /// Reviews each second, of one peer; so many may also come at once.
    package var perSecondOfPeer = 5
    /// The longest token, in bytes.
    package var longestToken = 8 << 10

    /// Makes options.
    package init() {}
  }

  /// A keyed hash of 128 bits (SipHash with what this process alone knows).
  private struct Digest: Hashable {
    var first: Int
    var second: Int

    init(_ token: String) {
      var (one, two) = (Hasher(), Hasher())
      one.combine(1)
      two.combine(2)
      one.combine(token)
      two.combine(token)
      (first, second) = (one.finalize(), two.finalize())
    }
  }

  private struct Known {
    /// Nil where the token is not good.
    var account: Identity.ServiceAccount?
    var until: Moment
  }

  private struct Allowance {
    var left: Double
    var at: Moment

    mutating func take(perSecond: Int, at now: Moment) -> Bool {
      left = min(Double(perSecond), left + Double(perSecond) * max(0, now.seconds(since: at)))
      at = now
      guard left >= 1 else { return false }
      left -= 1
      return true
    }
  }

  private struct State {
    var known: [Digest: Known] = [:]
    var running: [Digest: Task<Identity.ServiceAccount?, any Error>] = [:]
    var all: Allowance?
    var peers: [IPAddress?: Allowance] = [:]
  }

  private static let mostPeers = 10_000

  private let client: APIClient
  private let options: Options
  private let now: @Sendable () -> Moment
  private let state = Mutex(State())

  /// Makes a reviewer, which asks by a client that may create `tokenreviews`.
  package init(
    _ client: APIClient, options: Options = Options(), now: @escaping @Sendable () -> Moment = { .now }
  ) {
    self.client = client
    self.options = options
    self.now = now
  }

  /// The service account that a token is of.
  package func review(_ token: String, from peer: IPAddress?) async throws -> Identity.ServiceAccount {
    let bad = SelectorFault(
      .unauthenticated, "the token is not good: expected one of a service account for audience \(Self.audience)")
    guard !token.isEmpty, token.utf8.count <= options.longestToken,
      token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw bad }
    let digest = Digest(token)
    let now = now()
    let review = try state.withLock { state throws(SelectorFault) -> Task<Identity.ServiceAccount?, any Error>? in
      if let known = state.known[digest], now < known.until { return nil }
      if let running = state.running[digest] { return running }
      try spend(&state, peer, at: now)
      let task = Task { [self] in try await ask(token, digest) }
      state.running[digest] = task
      return task
    }
    guard let review else {
      guard let account = state.withLock({ $0.known[digest]?.account }) else { throw bad }
      return account
    }
    guard let account = try await review.value else { throw bad }
    return account
  }

  private func spend(_ state: inout State, _ peer: IPAddress?, at now: Moment) throws(SelectorFault) {
    let busy = SelectorFault(
      .resourceExhausted, "too many tokens are being reviewed", retryAfterMilliseconds: 1000)
    guard state.running.count < options.mostAtATime else { throw busy }
    if state.peers.count >= Self.mostPeers {
      // Whoever has all of its allowance again need not be remembered.
      state.peers = state.peers.filter { now.seconds(since: $0.value.at) < 1 }
      guard state.peers.count < Self.mostPeers else { throw busy }
    }
    var own = state.peers[peer] ?? Allowance(left: Double(options.perSecondOfPeer), at: now)
    let isAllowed = own.take(perSecond: options.perSecondOfPeer, at: now)
    state.peers[peer] = own
    guard isAllowed else { throw busy }
    var all = state.all ?? Allowance(left: Double(options.perSecond), at: now)
    defer { state.all = all }
    guard all.take(perSecond: options.perSecond, at: now) else { throw busy }
  }

  private func ask(_ token: String, _ digest: Digest) async throws -> Identity.ServiceAccount? {
    defer { state.withLock { $0.running[digest] = nil } }
    let account: Identity.ServiceAccount?
    do {
      let object = try await client.create(
        APIResource(group: "authentication.k8s.io", plural: "tokenreviews", isNamespaced: false),
        TokenReview(spec: .init(token: token, audiences: [Self.audience])))
      account = try object.decode(TokenReview.self).account
    } catch {
      // What the API server says may hold the request.
      throw SelectorFault(.unavailable, "tokens cannot be reviewed at present", retryAfterMilliseconds: 1000)
    }
    let now = now()
    let lifetime = account == nil ? options.badLifetime : options.goodLifetime
    state.withLock { state in
      if state.known.count >= options.mostKept { state.known = state.known.filter { now < $0.value.until } }
      if state.known.count >= options.mostKept { state.known.removeAll() }
      state.known[digest] = Known(account: account, until: now + lifetime)
    }
    return account
  }
}

/// A `TokenReview` of `authentication.k8s.io/v1`, as far as it is needed.
struct TokenReview: Codable {
  struct Spec: Codable {
    var token: String?
    var audiences: [String]?
  }

  struct Status: Codable {
    struct User: Codable {
      var username: String?
    }

    var authenticated: Bool?
    var user: User?
    /// Those of the audiences that were asked for that the token is for. An API server that knows no audiences says none.
    var audiences: [String]?
  }

  var apiVersion = "authentication.k8s.io/v1"
  var kind = "TokenReview"
  var spec: Spec?
  var status: Status?

  /// The service account; nil where the token is not good, is not for this audience, or is somebody else's.
  var account: Identity.ServiceAccount? {
    guard let status, status.authenticated == true, status.audiences?.contains(TokenReviewer.audience) == true,
      let parts = status.user?.username?.split(separator: ":", omittingEmptySubsequences: false), parts.count == 4,
      parts[0] == "system", parts[1] == "serviceaccount", !parts[2].isEmpty, !parts[3].isEmpty
    else { return nil }
    return Identity.ServiceAccount(namespace: String(parts[2]), name: String(parts[3]))
  }
}
