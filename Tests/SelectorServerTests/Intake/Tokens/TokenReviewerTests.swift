import Connections
import ControlPlaneTestSupport
import Foundation
import Kubernetes
import Model
import Overflow
import Selection
import Testing

@testable import Daemon
@testable import SelectorServer

@Suite(
  "Reviews of tokens by a real API server", .enabled(if: ControlPlane.isWanted, Comment(rawValue: ControlPlane.hint)),
  .timeLimit(.minutes(5)))
struct TokenReviewerTests {
  private struct TokenRequest: Codable {
    struct Spec: Codable {
      var audiences: [String]?
      var expirationSeconds = 600
    }

    struct Status: Codable {
      var token: String
    }

    var apiVersion = "authentication.k8s.io/v1"
    var kind = "TokenRequest"
    var spec: Spec
    var status: Status?
  }

  private struct Account: Encodable {
    struct Metadata: Encodable {
      var name: String
    }

    var apiVersion = "v1"
    var kind = "ServiceAccount"
    var metadata: Metadata
  }

  private static let accounts = APIResource(plural: "serviceaccounts")

  /// Makes a service account of its own, and a token of it for some audiences; nil for the API server's own.
  private func token(_ client: APIClient, audiences: [String]?) async throws -> (token: String, name: String) {
    let name = "cart-\(UUID().uuidString.prefix(8).lowercased())"
    _ = try await client.create(Self.accounts, Account(metadata: .init(name: name)), in: "default")
    let answer = try await client.create(
      Self.accounts, TokenRequest(spec: .init(audiences: audiences)), in: "default", subresource: "token", of: name)
    return (try #require(try answer.decode(TokenRequest.self).status?.token), name)
  }

  private func fault(_ reviewer: TokenReviewer, _ token: String, from peer: String? = nil) async -> SelectorFault.Code?
  {
    do {
      _ = try await reviewer.review(token, from: peer.flatMap { IPAddress($0) })
      return nil
    } catch {
      return (error as? SelectorFault)?.code
    }
  }

  @Test("tell whose a token for this audience is, and refuse those for another and those that are none")
  func reviews() async throws {
    let client = APIClient(try await ControlPlane.shared.configuration(), logger: .silent)
    let reviewer = TokenReviewer(client)
    let good = try await token(client, audiences: [TokenReviewer.audience])
    let account = try await reviewer.review(good.token, from: nil)
    #expect(account == Identity.ServiceAccount(namespace: "default", name: good.name))
    let both = try await token(client, audiences: [TokenReviewer.audience, "https://kubernetes.test"])
    #expect(try await reviewer.review(both.token, from: nil).name == both.name)
    #expect(await fault(reviewer, try await token(client, audiences: nil).token) == .unauthenticated)
    #expect(await fault(reviewer, try await token(client, audiences: ["other.dev"]).token) == .unauthenticated)
    #expect(await fault(reviewer, good.token + "x", from: "10.0.0.1") == .unauthenticated)
    // An administrator's, which is no service account's.
    #expect(await fault(reviewer, ControlPlane.adminToken, from: "10.0.0.2") == .unauthenticated)
    for none in ["", "two words", String(repeating: "a", count: 10_000), "line\nfeed"] {
      #expect(await fault(reviewer, none, from: "10.0.0.3") == .unauthenticated)
    }
  }

  @Test("are remembered for a time, and then asked for anew")
  func remembered() async throws {
    let client = APIClient(try await ControlPlane.shared.configuration(), logger: .silent)
    let good = try await token(client, audiences: [TokenReviewer.audience])
    var options = TokenReviewer.Options()
    options.perSecondOfPeer = 1
    options.goodLifetime = .seconds(60)
    let reviewer = TokenReviewer(client, options: options, now: { .seconds(1) })
    for _ in 0..<20 { #expect(await fault(reviewer, good.token) == nil, "one review is enough for all") }
    options.goodLifetime = .zero
    let forgetful = TokenReviewer(client, options: options, now: { .seconds(1) })
    #expect(await fault(forgetful, good.token) == nil)
    #expect(await fault(forgetful, good.token) == .resourceExhausted)
  }

  @Test("of one peer leave some for the others")
  func budget() async throws {
    let client = APIClient(try await ControlPlane.shared.configuration(), logger: .silent)
    var options = TokenReviewer.Options()
    options.perSecondOfPeer = 3
    let reviewer = TokenReviewer(client, options: options, now: { .seconds(1) })
    var codes: [SelectorFault.Code?] = []
    for number in 0..<5 { codes.append(await fault(reviewer, "bad-\(number)", from: "10.0.0.1")) }
    #expect(codes == [.unauthenticated, .unauthenticated, .unauthenticated, .resourceExhausted, .resourceExhausted])
    #expect(await fault(reviewer, "bad-9", from: "10.0.0.2") == .unauthenticated)
    #expect(await fault(reviewer, "bad-0", from: "10.0.0.1") == .unauthenticated, "a bad one is remembered too")
  }

  @Test("that cannot be made leave a caller unknown, whatever it says")
  func unreachable() async throws {
    let nobody = APIClient(
      try await ControlPlane.shared.configuration(token: ControlPlane.nobodyToken), retries: .never, logger: .silent)
    #expect(await fault(TokenReviewer(nobody), "any") == .unavailable, "it may not create tokenreviews")
  }
}
