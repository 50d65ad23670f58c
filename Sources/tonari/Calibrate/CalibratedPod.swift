import Connections
import Model
import Overflow

/// A pod that is sent requests at a rate, whatever becomes of them.
struct CalibratedPod: Sendable {
  /// What became of the requests of a step.
  struct Outcome: Sendable {
    /// What each took that succeeded, in seconds, from when it was due.
    var latencies: [Double] = []
    /// How many failed or were given up.
    var errors = 0
    /// Why one of them failed.
    var reason: String?

    /// The figures of the step.
    func step(perMinute: Double) -> Calibration.Step {
      let sorted = latencies.sorted()
      func quantile(_ share: Double) -> Double? {
        sorted.isEmpty ? nil : sorted[min(sorted.count - 1, Int(saturating: share * Double(sorted.count)))]
      }
      return Calibration.Step(
        perMinute: perMinute, requests: sorted.count + errors, errors: errors, medianSeconds: quantile(0.5),
        p95Seconds: quantile(0.95))
    }
  }

  private let request: OutgoingRequest
  private let transport = HTTPTransport()
  private static let mostBody = 16 << 20

  init(url: String, headers: [OutgoingRequest.Header], timeout: Duration) {
    var request = OutgoingRequest(url: url, headers: headers, timeout: timeout)
    // A request that is sent again would count once and load twice.
    request.isRepeatable = false
    self.request = request
  }

  /// Sends requests evenly over a time, and answers what became of them once all are over.
  func load(perMinute: Double, seconds: Double) async -> Outcome {
    let start = ContinuousClock.now
    return await withTaskGroup(of: Result<Double, Fault>.self) { group in
      for number in 0..<Int(saturating: perMinute * seconds / 60) {
        group.addTask { await send(due: start + .seconds(saturating: Double(number) * 60 / perMinute)) }
      }
      var outcome = Outcome()
      for await result in group {
        switch result {
        case .success(let latency): outcome.latencies.append(latency)
        case .failure(let fault):
          outcome.errors += 1
          outcome.reason = fault.reason
        }
      }
      return outcome
    }
  }

  private struct Fault: Error { var reason: String }

  private func send(due: ContinuousClock.Instant) async -> Result<Double, Fault> {
    do {
      try await Task.sleep(until: due, clock: .continuous)
      let response = try await transport.send(request)
      _ = try await response.body.collect(upTo: Self.mostBody)
      guard 200..<300 ~= response.status else { return .failure(Fault(reason: "status \(response.status)")) }
      return .success((ContinuousClock.now - due) / .seconds(1))
    } catch {
      return .failure(Fault(reason: "\(error)"))
    }
  }
}
