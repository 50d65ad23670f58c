import Daemon
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
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
      await answer(.filter, request, context.peer) { body, memory throws(ProtocolError) in
        try webhook.filter(body, at: .now, memory: memory)
      }
    }
    calls.post("prioritize") { request, context in
      await answer(.prioritize, request, context.peer) { body, memory throws(ProtocolError) in
        try webhook.prioritize(body, at: .now, memory: memory)
      }
    }
    calls.post("preempt") { request, context in
      await answer(.preempt, request, context.peer) { body, memory throws(ProtocolError) in
        try webhook.preempt(body, memory: memory)
      }
    }
    calls.post("bind") { request, context in
      await answer(.bind, request, context.peer) { body, _ async throws(ProtocolError) in
        try await webhook.bind(body, at: .now)
      }
    }
    if servesHealth { ExtenderServer.healthRoutes(webhook, health).add(to: router) }
    return router
  }

  // MARK: - Calls

  private func answer(
    _ verb: ExtenderMetrics.Verb, _ request: Request, _ peer: Peer,
    _ decide: (ByteBuffer, RequestMemory) async throws(ProtocolError) -> Answer
  ) async -> Response {
    var duration = Duration.zero
    do throws(ProtocolError) {
      let (body, memory) = try await intake.read(request, of: peer)
      let start = ContinuousClock.now
      let answer = try await decide(body, memory)
      duration = start.duration(to: .now)
      webhook.metrics.answered(verb, in: duration, status: 200)
      return Self.json(.ok, answer, memory)
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

  private static func json(
    _ status: HTTPResponse.Status, _ answer: Answer, _ memory: RequestMemory? = nil
  ) -> Response {
    Response(status: status, headers: [.contentType: "application/json"], body: body(answer, memory))
  }

  /// What is not worth holding memory for while it is sent, in bytes: it fits into the socket's buffer.
  private static let small = 64 << 10

  private static func body(_ answer: Answer, _ memory: RequestMemory?) -> ResponseBody {
    if !answer.isEcho { memory?.shrink(to: answer.count) }
    guard let memory, memory.held > small else {
      return answer.parts.count == 1
        ? ResponseBody(byteBuffer: answer.joined) : ResponseBody(contentsOf: answer.parts)
    }
    return ResponseBody(contentLength: answer.count) { writer in
      defer { memory.shrink(to: 0) }
      try await writer.write(contentsOf: answer.parts)
      // Waits until the peer has taken nearly all of it.
      try await writer.finish(nil)
    }
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
