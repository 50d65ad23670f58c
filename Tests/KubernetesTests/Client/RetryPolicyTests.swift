import Model
import Testing

@testable import Connections
@testable import Kubernetes

struct RetryPolicyTests {
  /// A failure, whether the request is repeatable, and whether it is tried again.
  struct Case: Sendable, CustomStringConvertible {
    var error: APIError
    var isRepeatable = false
    var isRetried: Bool

    var description: String { "\(error) repeatable: \(isRepeatable)" }
  }

  static func refusal(_ status: Int, retryAfter: Duration? = nil) -> APIError {
    APIError(code: .refused, message: "\(status)", status: APIStatus(code: status), retryAfter: retryAfter)
  }

  static let cases = [
    Case(error: APIError(code: .unreachable, message: "not sent", mayHaveTakenEffect: false), isRetried: true),
    Case(error: APIError(code: .unreachable, message: "sent"), isRetried: false),
    Case(error: APIError(code: .unreachable, message: "sent"), isRepeatable: true, isRetried: true),
    Case(error: APIError(code: .timedOut, message: "sent"), isRetried: false),
    Case(error: APIError(code: .timedOut, message: "sent"), isRepeatable: true, isRetried: true),
    Case(error: APIError(code: .invalidResponse, message: "garbage"), isRetried: false),
    Case(error: APIError(code: .invalidResponse, message: "garbage"), isRepeatable: true, isRetried: true),
    Case(error: APIError(code: .notTrusted, message: "", mayHaveTakenEffect: false), isRetried: false),
    Case(error: APIError(code: .notAuthenticated, message: "", mayHaveTakenEffect: false), isRetried: false),
    Case(error: APIError(code: .invalidRequest, message: "", mayHaveTakenEffect: false), isRetried: false),
    Case(error: refusal(429), isRetried: true),
    Case(error: refusal(429, retryAfter: .seconds(5)), isRetried: true),
    Case(error: refusal(429, retryAfter: .seconds(500)), isRetried: false),
    Case(error: refusal(503), isRetried: false),
    Case(error: refusal(503), isRepeatable: true, isRetried: true),
    Case(error: refusal(503, retryAfter: .seconds(1)), isRetried: true),
    Case(error: refusal(500), isRetried: false),
    Case(error: refusal(500), isRepeatable: true, isRetried: true),
    Case(error: refusal(504, retryAfter: .seconds(1)), isRetried: false),
    Case(error: refusal(502), isRepeatable: true, isRetried: true),
    Case(error: refusal(400), isRepeatable: true, isRetried: false),
    Case(error: refusal(401), isRepeatable: true, isRetried: false),
    Case(error: refusal(403), isRepeatable: true, isRetried: false),
    Case(error: refusal(404), isRepeatable: true, isRetried: false),
    Case(error: refusal(409), isRepeatable: true, isRetried: false),
    Case(error: refusal(410), isRepeatable: true, isRetried: false),
    Case(error: refusal(422), isRepeatable: true, isRetried: false),
  ]

  @Test("What may pass is tried again, and only where that does no harm", arguments: cases)
  func retries(_ test: Case) {
    var policy = RetryPolicy()
    var generator = SeededGenerator(seed: 1)
    let delay = policy.delay(after: test.error, attempt: 1, isRepeatable: test.isRepeatable, using: &generator)
    #expect((delay != nil) == test.isRetried)
    if let asked = test.error.retryAfter, let delay { #expect(delay >= asked) }
  }

  @Test("After the last attempt, nothing is tried again")
  func attempts() {
    var policy = RetryPolicy(attempts: 3)
    var generator = SeededGenerator(seed: 1)
    let delays = (1...4).map {
      policy.delay(after: Self.refusal(429), attempt: $0, isRepeatable: true, using: &generator) != nil
    }
    #expect(delays == [true, true, false, false])
  }

  @Test("Waits stay between the shortest and the longest, grow on the whole, differ, and start again after a success")
  func backoff() {
    var generator = SeededGenerator(seed: 7)
    var sums = [Double](repeating: 0, count: 12)
    for _ in 0..<200 {
      var backoff = Backoff()
      for index in sums.indices {
        let wait = backoff.next(using: &generator)
        #expect(wait >= .milliseconds(800) && wait <= .seconds(30))
        sums[index] += wait / .seconds(1)
      }
    }
    for index in 1..<6 { #expect(sums[index] > sums[index - 1]) }
    #expect(sums[11] / 200 > 10)
    var backoff = Backoff()
    let waits = (0..<10).map { _ in backoff.next(using: &generator) }
    #expect(Set(waits).count > 5)
    backoff.reset()
    #expect(backoff.next(using: &generator) <= .milliseconds(2400))
  }
}
