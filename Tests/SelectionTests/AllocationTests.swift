import AllocationCounter
import Selection
import Testing

#if DEBUG
  private let isOptimized = false
#else
  private let isOptimized = true
#endif

@Suite("Picks on the heap")
struct AllocationTests {
  /// Answers how often picks and completions ask for memory.
  private func allocations<Policy: SelectionPolicy>(_ policy: Policy, replicas count: Int) throws -> Int {
    var selector = ReplicaSelector(policy, seed: 1)
    selector.replace(
      with: (0..<count).map { Replica(name: "r\($0)", node: "n\($0 % 7)", concurrency: 4, labels: 1) }, at: .start)
    let near = PickRequest(from: Place(node: "n3"))
    var retry = PickRequest(labels: 1)
    retry.excluded.insert(try #require(selector.table.id(of: "r1")))
    let requests = [PickRequest(), near, retry, PickRequest(key: 5)]
    var now = Moment.start
    var failed = 0
    let before = tonari_allocations()
    for _ in 0..<300 {
      for request in requests {
        now.nanoseconds += 1_000_000
        guard let pick = selector.pick(request, at: now) else {
          failed += 1
          continue
        }
        selector.complete(pick, .success, at: now)
      }
    }
    let after = tonari_allocations()
    #expect(failed == 0)
    return after - before
  }

  @Test(
    "allocate nothing, at any size and with every kind of request",
    .enabled(
      if: isOptimized, "code that is not optimized boxes values: run it with -c release -Xswiftc -enable-testing"),
    arguments: PolicyCase.allCases, [10, 100, 1000])
  func none(policy: PolicyCase, count: Int) throws {
    #expect(try policy.with { try allocations($0, replicas: count) } == 0)
  }

  @Test("would be counted")
  func counter() {
    let before = tonari_allocations()
    let array = Array(repeating: before, count: 1000)
    #expect(tonari_allocations() > array[999])
  }
}
