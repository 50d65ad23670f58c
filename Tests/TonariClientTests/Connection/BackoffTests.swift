import Testing

@testable import TonariClient

struct BackoffTests {
  @Test("Waits double up to a limit, lose up to half to chance, and begin anew")
  func waits() {
    var backoff = Backoff(first: .milliseconds(10), longest: .seconds(2))
    var random = SystemRandomNumberGenerator()
    for milliseconds in [10, 20, 40, 80, 160, 320, 640, 1280, 2000, 2000] {
      let wait = backoff.next(using: &random)
      #expect(wait <= .milliseconds(milliseconds) && wait >= .milliseconds(milliseconds) / 2)
    }
    for _ in 0..<100 { #expect(backoff.next(using: &random) <= .seconds(2)) }
    backoff.reset()
    #expect(backoff.next(using: &random) <= .milliseconds(10))
  }
}
