import Model
import Selection
import Testing

@Suite("A retry budget")
struct RetryBudgetTests {
  @Test("allows a share of the requests and a few each second", arguments: [(0, 30.0), (10, 50), (100, 230)])
  func share(perSecond: Int, expected: Double) {
    var budget = RetryBudget(share: 0.2, minimumPerSecond: 3, burst: 10, at: .start)
    var retries = 0
    for k in 0..<10_000 {
      let now = Moment.seconds(Double(k) * 0.001)
      if perSecond > 0, k % (1000 / perSecond) == 0 { budget.request(at: now) }
      if budget.retry(at: now) { retries += 1 }
    }
    #expect(abs(Double(retries) - expected - 10) <= 1, "\(retries)")
  }
}
