package import Model
package import Selection
package import SelectorProtocol

extension SelectorMessages {
  /// Answers a request on a framed connection or a session; nil where it wants no answer, having the id 0. A watch is not
  /// answered here, as it has many answers: see ``ServiceWatch``.
  package func answer(
    _ envelope: Tonari_Selector_V1_Envelope, by caller: Caller, at now: Moment, using answer: PickAnswer
  ) -> Tonari_Selector_V1_Envelope? {
    var reply = Tonari_Selector_V1_Envelope()
    reply.id = envelope.id
    do throws(SelectorFault) {
      switch envelope.message {
      case .pick(let request):
        // A pick whose answer nobody wants would stay open.
        guard envelope.id != 0 else { return nil }
        reply.picked = try pick(request, by: caller, at: now, using: answer)
      case .complete(let request): reply.completed = complete(request, by: caller, at: now)
      case .report(let request): reply.reported = try report(request, by: caller, at: now)
      case .register(let request): reply.registered = try register(request, by: caller, at: now)
      case .deregister(let request): reply.deregistered = try deregister(request, by: caller, at: now)
      case .watch, .picked, .completed, .reported, .registered, .deregistered, .watched, .error, nil:
        throw SelectorFault(.unimplemented, "expected a request that is known here")
      }
    } catch {
      reply.error = Tonari_Selector_V1_Error(error)
    }
    return envelope.id == 0 ? nil : reply
  }
}

extension Tonari_Selector_V1_Error {
  /// The message of a fault.
  package init(_ fault: SelectorFault) {
    self.init()
    code = fault.code.number
    message = fault.message
    retryAfterMs = fault.retryAfterMilliseconds
  }
}
