import Model
import Selection
import SelectorProtocol

@testable import SelectorServer

extension Caller {
  /// Somebody who may do everything, always the same.
  static let open = Caller(.local, owner: 0, policy: .open)
}

/// What somebody asks who may do everything.
extension SelectorMessages {
  func pick(
    _ request: Tonari_Selector_V1_PickRequest, owner: UInt32, at now: Moment, using answer: PickAnswer
  ) throws(SelectorFault) -> Tonari_Selector_V1_PickResponse {
    try pick(request, by: Caller.open.numbered(owner), at: now, using: answer)
  }

  func complete(
    _ request: Tonari_Selector_V1_CompleteRequest, at now: Moment
  ) -> Tonari_Selector_V1_CompleteResponse {
    complete(request, by: .open, at: now)
  }

  func report(
    _ request: Tonari_Selector_V1_ReportRequest, at now: Moment
  ) throws(SelectorFault) -> Tonari_Selector_V1_ReportResponse {
    try report(request, by: .open, at: now)
  }

  func register(
    _ request: Tonari_Selector_V1_RegisterRequest, at now: Moment
  ) throws(SelectorFault) -> Tonari_Selector_V1_RegisterResponse {
    try register(request, by: .open, at: now)
  }

  func deregister(
    _ request: Tonari_Selector_V1_DeregisterRequest, at now: Moment
  ) throws(SelectorFault) -> Tonari_Selector_V1_DeregisterResponse {
    try deregister(request, by: .open, at: now)
  }

  func answer(
    _ envelope: Tonari_Selector_V1_Envelope, owner: UInt32, at now: Moment, using answer: PickAnswer
  ) -> Tonari_Selector_V1_Envelope? {
    self.answer(envelope, by: Caller.open.numbered(owner), at: now, using: answer)
  }
}
