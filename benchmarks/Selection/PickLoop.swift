import AllocationCounter
import Model
import Selection

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Picks and completions, again and again, from replicas that have about one request each in flight.
struct PickLoop<Policy: SelectionPolicy> {
  private var selector: ReplicaSelector<Policy>
  private var outstanding: [Pick] = []
  private var now = Moment.start
  private var oldest = 0
  private static var batch: Int { 256 }

  init(_ policy: Policy, replicas: [Replica]) {
    selector = ReplicaSelector(policy, seed: 1)
    selector.replace(with: replicas, at: .start)
    outstanding.reserveCapacity(replicas.count + Self.batch)
    for _ in replicas { pick(PickRequest()) }
  }

  /// A million picks arrive each second; those with a key have another key each.
  private mutating func pick(_ request: PickRequest) {
    now.nanoseconds += 1000
    var request = request
    if request.key != nil { request.key = UInt64(now.nanoseconds) }
    guard let pick = selector.pick(request, at: now) else { fatalError("no pick from replicas that are all ready") }
    outstanding.append(pick)
  }

  /// Completes the oldest of all.
  private mutating func complete(_ count: Int) {
    for pick in outstanding[oldest..<(oldest + count)] {
      now.nanoseconds += 1000
      selector.complete(pick, .success, at: now)
    }
    oldest += count
    if oldest >= Self.batch {
      outstanding.removeFirst(oldest)
      oldest = 0
    }
  }

  /// The median over rounds of nanoseconds for a pick, and for a completion.
  mutating func nanoseconds(_ request: PickRequest, rounds: Int = 2000) -> (pick: Double, complete: Double) {
    var picks: [Double] = []
    var completions: [Double] = []
    for _ in 0..<rounds {
      let start = processorNanoseconds()
      for _ in 0..<Self.batch { pick(request) }
      let middle = processorNanoseconds()
      complete(Self.batch)
      let end = processorNanoseconds()
      picks.append((middle - start) / Double(Self.batch))
      completions.append((end - middle) / Double(Self.batch))
    }
    return (picks.sorted()[rounds / 2], completions.sorted()[rounds / 2])
  }

  /// How often picks and completions ask for memory.
  mutating func allocations(_ request: PickRequest, rounds: Int = 50) -> Int {
    let before = tonari_allocations()
    for _ in 0..<rounds {
      for _ in 0..<Self.batch { pick(request) }
      complete(Self.batch)
    }
    return tonari_allocations() - before
  }

  /// A request for any replica but one.
  func excluding(_ name: String) -> PickRequest {
    var request = PickRequest()
    if let id = selector.table.id(of: name) { request.excluded.insert(id) }
    return request
  }
}

/// The processor's time that this thread has had: what others on the machine take from it does not count.
func processorNanoseconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}
