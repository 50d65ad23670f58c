import SelectorProtocol

extension Pick.Tier {
  init(_ tier: Tonari_Selector_V1_Tier) {
    switch tier {
    case .node: self = .node
    case .zone: self = .zone
    case .cluster: self = .cluster
    case .remote, .UNRECOGNIZED: self = .remote
    }
  }
}

extension Tonari_Selector_V1_Outcome {
  init(_ outcome: Pick.Outcome) {
    switch outcome {
    case .success: self = .success
    case .failure: self = .failure
    case .cancelled: self = .cancelled
    }
  }
}

extension Tonari_Selector_V1_Load {
  init(_ load: ReplicaLoad) {
    self.init()
    if let value = load.inFlight { inFlight = value }
    if let value = load.queued { queued = value }
    cpuUtilization = load.cpuUtilization ?? 0
    // fits: a duration is no NaN, and is cut.
    if let latency = load.latency { latencyUs = UInt64(max(0, min(latency / .microseconds(1), 1e15))) }
  }
}

extension SelectorClientError {
  init(_ error: Tonari_Selector_V1_Error) {
    let code: Code =
      switch error.code {
      case 5: .noService
      case 8: error.retryAfterMs > 0 ? .noRoom : .noRetryLeft
      case 14: .noReplica
      default: .invalidRequest
      }
    let retryAfter: Duration? = error.retryAfterMs > 0 ? .milliseconds(Int64(error.retryAfterMs)) : nil
    self.init(code, error.message, retryAfter: retryAfter)
  }
}
