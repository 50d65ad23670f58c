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
  private let intake: RequestIntake

  init(_ configuration: ExtenderServer.Configuration, _ webhook: SchedulerWebhook, _ health: [any HealthSource]) {
    self.webhook = webhook
    self.health = health
    prefix = configuration.prefix
    intake = RequestIntake(
      largest: configuration.largestRequest, memory: configuration.memoryForRequests,
      timeout: configuration.requestTimeout)
  }

  func router() -> Router<BasicRequestContext> {
    let router = Router()
    let calls = router.group(RouterPath(prefix))
    calls.post("filter") { request, _ in
      await answer(.filter, request) { body throws(ProtocolError) in try webhook.filter(body, at: .now) }
    }
    calls.post("prioritize") { request, _ in
      await answer(.prioritize, request) { body throws(ProtocolError) in try webhook.prioritize(body, at: .now) }
    }
    calls.post("preempt") { request, _ in
      await answer(.preempt, request) { body throws(ProtocolError) in try webhook.preempt(body) }
    }
    calls.post("bind") { request, _ in
      await answer(.bind, request) { body async throws(ProtocolError) in try await webhook.bind(body, at: .now) }
    }
    HealthRoutes(webhook.metrics.registry, health, stalenessLabel: "tonari_extender_staleness_seconds").add(to: router)
    return router
  }

  // MARK: - Calls

  private func answer(
    _ verb: ExtenderMetrics.Verb, _ request: Request,
    _ decide: (ByteBuffer) async throws(ProtocolError) -> Answer
  ) async -> Response {
    var duration = Duration.zero
    do throws(ProtocolError) {
      let (answer, _) = try await intake.take(request) { body async throws(ProtocolError) in
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
