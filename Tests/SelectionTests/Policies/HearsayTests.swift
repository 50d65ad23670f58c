import Testing

@testable import Model
@testable import Selection

@Suite("What tonari makes of others' words")
struct HearsayTests {
  private static func selector(concurrency: Int?) -> ReplicaSelector<TonariPolicy> {
    var selector = ReplicaSelector(TonariPolicy(seed: 1), seed: 1)
    selector.replace(with: (0..<4).map { Replica(name: "r\($0)", concurrency: concurrency) }, at: .start)
    return selector
  }

  /// How many times as dear a replica becomes by a report, so many seconds later.
  private func factor(
    _ report: LoadReport, inFlight: Int = 0, concurrency: Int? = 4, after seconds: Double = 0
  ) throws -> Double {
    var selector = Self.selector(concurrency: concurrency)
    let others = selector.table.ids.filter { selector.table.replica($0)?.name != "r0" }
    let request = PickRequest(excluded: [others[0], others[1], others[2]])
    for _ in 0..<inFlight { _ = selector.pick(request, at: .start) }
    let id = try #require(selector.table.id(of: "r0"))
    var silent = selector
    selector.report(report, of: id, at: .start)
    silent.report(LoadReport(), of: id, at: .start)
    let now = Moment.seconds(seconds)
    return selector.policy.cost(id.slot, in: selector.table, at: now)
      / silent.policy.cost(id.slot, in: silent.table, at: now)
  }

  @Test(
    "processors that others use make a replica slower, those that we use do not",
    arguments: [
      (1.0, 0, 4, 5.0), (0.5, 0, 4, 2), (0.5, 2, 4, 1), (1, 2, 4, 2), (7, 0, 4, 5), (1, 0, nil, 5), (1, 1, nil, 1),
    ]
      as [(Double, Int, Int?, Double)])
  func processors(used: Double, inFlight: Int, concurrency: Int?, expected: Double) throws {
    let found = try factor(LoadReport(cpuUtilization: used), inFlight: inFlight, concurrency: concurrency)
    // With our own requests, what they have taken already is mixed in.
    #expect(abs(found - expected) < 0.01, "\(found)")
  }

  @Test("errors make a replica dearer, the more the dearer, up to failing half of the time")
  func errors() throws {
    let found = try [0.0, 0.01, 0.1, 0.5, 1, 2].map {
      try factor(LoadReport(requestsPerSecond: 100, errorsPerSecond: 100 * $0))
    }
    #expect(found[0] == 1 && found[1] > 1.1 && found[1] < 1.5)
    #expect(zip(found, found.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(found[3] == found[5] && found[5] <= 21.01, "\(found)")
    #expect(try factor(LoadReport(errorsPerSecond: 5)) == 1)
  }

  @Test("is forgotten")
  func stale() throws {
    let report = LoadReport(cpuUtilization: 1, requestsPerSecond: 10, errorsPerSecond: 5)
    let found = try (0...20).map { try factor(report, after: Double($0)) }
    #expect(zip(found, found.dropFirst()).allSatisfy { $0 > $1 && $1 >= 1 }, "\(found)")
    #expect(found[20] < 1.1, "\(found)")
  }

  @Test("never draws a crowd: a replica that says how idle it is gets no more than its share")
  func boast() throws {
    let boast = LoadReport(
      inFlight: 0, queued: 0, cpuUtilization: 0.001, latencySeconds: 0.000_001, requestsPerSecond: 1000,
      errorsPerSecond: 0)
    let selector = Self.selector(concurrency: 2)
    let id = try #require(selector.table.id(of: "r0"))
    var counts = [0, 0, 0, 0]
    var served = ServedSelector(selector, seconds: [0.02, 0.02, 0.02, 0.02], cores: 2)
    for k in 0..<2000 {
      served.selector.report(boast, of: id, at: .seconds(Double(k) * 0.004))
      for pick in try served.send(1, every: 0.004) { counts[pick.replica.slot] += 1 }
    }
    #expect(counts[id.slot] < 600, "\(counts)")
  }

  @Test("another selector's pace counts until there is one of our own")
  func pace() throws {
    for concurrency in [4, nil] as [Int?] {
      var knowing = ServedSelector(Self.selector(concurrency: concurrency), seconds: [0.02, 0.02, 0.02, 0.2], cores: 4)
      for _ in try knowing.send(2000, every: 0.004) {}
      let now = Moment.seconds(8)
      var started = Self.selector(concurrency: concurrency)
      for view in knowing.selector.view(at: now) {
        let id = try #require(started.table.id(of: view.replica.name))
        if let pace = view.pace { started.learn(pace, of: id, at: .start) }
      }
      let costs = started.view(at: .start).map(\.cost)
      #expect(costs[3] > 1.5 * costs[0], "\(costs)")
      // It finds out for itself that the slow one is as fast as the others now.
      var served = ServedSelector(started, seconds: [0.02, 0.02, 0.02, 0.02], cores: 4)
      let early = try served.send(50, every: 0.004).count { $0.replica.slot == 3 }
      #expect(early < 8, "\(early)")
      let late = try served.send(4000, every: 0.004).count { $0.replica.slot == 3 }
      #expect(late > 400, "\(late)")
    }
  }

  @Test("a pace that cannot be is ignored")
  func implausible() throws {
    var selector = Self.selector(concurrency: 4)
    let id = try #require(selector.table.id(of: "r0"))
    let before = selector.view(at: .start).map(\.cost)
    for (seconds, concurrency, completions) in [
      (Double.nan, 1.0, 1.0), (0, 1, 1), (-1, 1, 1), (.infinity, 1, 1), (1, 0.5, 1), (1, .nan, 1), (1, 1, 0),
      (1, 1, -3),
      (1, 1, .infinity),
    ] {
      selector.learn(
        ServicePace(seconds: seconds, concurrency: concurrency, completions: completions), of: id, at: .start)
    }
    #expect(selector.view(at: .start).map(\.cost) == before)
  }
}
