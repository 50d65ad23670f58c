import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Monitoring
import NIOCore

/// What is answered at which path.
struct ExtenderRoutes: Sendable {
  private let webhook: SchedulerWebhook
  private let health: [any HealthSource]
  private let prefix: String
  private let servesHealth: Bool
  private let intake: RequestIntake

  init(
    _ configuration: ExtenderServer.Configuration, _ webhook: SchedulerWebhook, _ health: [any HealthSource],
    _ intake: RequestIntake
  ) {
    self.webhook = webhook
    self.health = health
    self.intake = intake
    prefix = configuration.prefix
    servesHealth = configuration.servesHealth
  }

  func router() -> Router<PeerContext> {
    let router = Router(context: PeerContext.self)
    let calls = router.group(RouterPath(prefix))
    calls.post("filter") { request, context in
      await answer(.filter, request, context.peer) { body throws(ProtocolError) in try webhook.filter(body, at: .now) }
    }
    calls.post("prioritize") { request, context in
      await answer(.prioritize, request, context.peer) { body throws(ProtocolError) in
        try webhook.prioritize(body, at: .now)
      }
    }
    calls.post("preempt") { request, context in
      await answer(.preempt, request, context.peer) { body throws(ProtocolError) in try webhook.preempt(body) }
    }
    calls.post("bind") { request, context in
      await answer(.bind, request, context.peer) { body async throws(ProtocolError) in
        try await webhook.bind(body, at: .now)
      }
    }
    if servesHealth { ExtenderServer.healthRoutes(webhook, health).add(to: router) }
    return router
  }

  // MARK: - Calls

  private func answer(
    _ verb: ExtenderMetrics.Verb, _ request: Request, _ peer: Peer,
    _ decide: (ByteBuffer) async throws(ProtocolError) -> Answer
  ) async -> Response {
    var duration = Duration.zero
    do throws(ProtocolError) {
      let (answer, _) = try await intake.take(request, of: peer) { body async throws(ProtocolError) in
        let start = ContinuousClock.now
        let answer = try await decide(body)
        duration = start.duration(to: .now)
        return answer
      }
      webhook.metrics.answered(verb, in: duration, status: 200)
      return Self.json(.ok, answer)
    } catch {
      let status: HTTPResponse.Status =
        switch error.code {
        case .tooLarge: .contentTooLarge
        case .busy: .serviceUnavailable
        default: .badRequest
        }
      webhook.metrics.answered(verb, in: duration, status: status.code)
      webhook.logger.warning(
        "A request cannot be answered", metadata: ["call": "\(verb)", "status": "\(status.code)", "error": "\(error)"])
      return Self.json(status, Answer(error: error.message))
    }
  }

  private static func json(_ status: HTTPResponse.Status, _ answer: Answer) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: answer.parts.count == 1 ? ResponseBody(byteBuffer: answer.joined) : ResponseBody(contentsOf: answer.parts))
  }
}

/// A request, and who sent it.
struct PeerContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// Who is at the other end.
  let peer: Peer

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    peer = ConnectionGate.peer(of: source.channel, on: "extender")
  }
}
