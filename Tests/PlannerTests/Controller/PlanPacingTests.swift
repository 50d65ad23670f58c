import Testing

@testable import Planner

@Suite struct PlanPacingTests {
  /// Settles for 5 s, plans once in 60 s, and at least once in 600 s.
  static let settings: PlanPacing.Settings = {
    var settings = PlanPacing.Settings()
    settings.settling = .seconds(5)
    settings.minimumInterval = .seconds(60)
    settings.maximumAge = .seconds(600)
    settings.trafficThreshold = 0.2
    return settings
  }()

  let start = ContinuousClock.now
  var sample = SampleCluster()

  func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

  /// A pacing that has planned for the sample at time 0.
  func planned() throws -> PlanPacing {
    var pacing = PlanPacing(Self.settings)
    pacing.planned(PlanBasis(try sample.input()), at: start)
    return pacing
  }

  @Test("Nothing is looked at before something changes, and then only when it has settled")
  func settling() {
    var pacing = PlanPacing(Self.settings)
    #expect(pacing.step(at: at(1000)) == .wait(until: nil))
    pacing.noticed(at: at(10))
    pacing.noticed(at: at(13))
    #expect(pacing.step(at: at(14)) == .wait(until: at(15)))
    #expect(pacing.step(at: at(15)) == .look)
    pacing.deferred(at: at(16))
    #expect(pacing.step(at: at(17)) == .wait(until: at(21)))
  }

  @Test("After a plan, a change waits for the least interval; without one, the plan gets old")
  func interval() throws {
    var pacing = try planned()
    #expect(pacing.step(at: at(1)) == .wait(until: at(600)))
    pacing.noticed(at: at(10))
    #expect(pacing.step(at: at(20)) == .wait(until: at(60)))
    #expect(pacing.step(at: at(60)) == .look)
    pacing = try planned()
    pacing.noticed(at: at(100))
    #expect(pacing.step(at: at(100)) == .wait(until: at(105)))
    pacing = try planned()
    #expect(pacing.step(at: at(600)) == .look)
    #expect(pacing.looked(PlanBasis(try sample.input()), isSound: true, at: at(600)) == .age)
  }

  @Test("A look that finds nothing new waits for the next change")
  func nothingNew() throws {
    var pacing = try planned()
    pacing.noticed(at: at(100))
    #expect(pacing.looked(PlanBasis(try sample.input()), isSound: true, at: at(105)) == nil)
    #expect(pacing.step(at: at(200)) == .wait(until: at(600)))
  }

  @Test("A plan that came to nothing is tried again after the least interval")
  func failure() throws {
    var pacing = try planned()
    pacing.planned(nil, at: at(100))
    #expect(pacing.step(at: at(159)) == .wait(until: at(160)))
    #expect(pacing.step(at: at(160)) == .look)
    #expect(pacing.looked(PlanBasis(try sample.input()), isSound: true, at: at(160)) == .unknown)
  }

  @Test("A first look asks for a plan, whatever is there")
  func first() throws {
    let basis = PlanBasis(try sample.input())
    for (isSound, reason) in [(nil, .missing), (true, .unknown), (false, .broken)] as [(Bool?, PlanPacing.Reason)] {
      var pacing = PlanPacing(Self.settings)
      pacing.noticed(at: start)
      #expect(pacing.looked(basis, isSound: isSound, at: at(5)) == reason)
    }
  }

  @Test("A plan that is gone or broken is replaced, though nothing that it was made from has changed")
  func lost() throws {
    for (isSound, reason) in [(nil, .missing), (false, .broken)] as [(Bool?, PlanPacing.Reason)] {
      var pacing = try planned()
      #expect(pacing.looked(PlanBasis(try sample.input()), isSound: isSound, at: at(70)) == reason)
    }
  }

  @Test(
    "What a plan is made from asks for another when it changes",
    arguments: zip(changed, reasons)
  )
  func changes(change: @Sendable (inout SampleCluster) -> Void, reason: PlanPacing.Reason?) throws {
    var pacing = try planned()
    var changed = sample
    change(&changed)
    #expect(pacing.looked(PlanBasis(try changed.input()), isSound: true, at: at(70)) == reason)
  }

  private static let changed: [@Sendable (inout SampleCluster) -> Void] = [
    { $0.workloads["d"] = (1, 100) },
    { $0.workloads["c"] = nil },
    { $0.workloads["c"]?.replicas = 2 },
    { $0.workloads["c"]?.cpu = 1001 },
    { $0.nodes["n3"] = 4 },
    { $0.nodes["n2"] = nil },
    { $0.nodes["n2"] = 8 },
    { $0.traffic = [("a", "b", 300)] },
    { $0.traffic = [("a", "b", 90), ("b", "c", 10)] },
    { $0.traffic = [("a", "b", 75), ("c", "b", 25)] },
    { $0.traffic = [] },
  ]
  private static let reasons: [PlanPacing.Reason?] = [
    .workloads, .workloads, .workloads, .workloads, .nodes, .nodes, .nodes, nil, nil, .traffic(distance: 0.25),
    .traffic(distance: 1),
  ]

  @Test("The distance of two traffics is a metric between 0 and 1 that does not see the volume")
  func distance() throws {
    let traffics: [[(String, String, Double)]] = [
      [], [("a", "b", 5)], [("b", "a", 700)], [("a", "c", 1), ("b", "c", 2)],
      [("a", "b", 1), ("b", "c", 1), ("a", "c", 7)],
    ]
    let bases = try traffics.map { traffic in
      var sample = sample
      sample.traffic = traffic
      return PlanBasis(try sample.input())
    }
    #expect(bases[1].trafficDistance(from: bases[2]) == 0)
    for x in bases {
      #expect(x.trafficDistance(from: x) == 0)
      for y in bases {
        let direct = x.trafficDistance(from: y)
        #expect((0...1).contains(direct))
        #expect(abs(direct - y.trafficDistance(from: x)) < 1e-12)
        for z in bases {
          #expect(direct <= x.trafficDistance(from: z) + z.trafficDistance(from: y) + 1e-12)
        }
      }
    }
  }
}
