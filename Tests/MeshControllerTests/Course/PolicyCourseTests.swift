import Model
import Overflow
import Testing

@testable import Fleet
@testable import MeshController

@Suite("The course of a policy")
struct PolicyCourseTests {
  static func policy(_ change: (inout OverflowPolicy.Spec) -> Void = { _ in }) -> OverflowPolicy {
    var spec = OverflowPolicy.Spec(
      service: "cart", capacity: .perMinute(540),
      neighbours: [.init(name: "edge-b", host: "cart.edge-b.example", cost: 4)],
      route: .init(kind: .virtualService, name: "cart"))
    change(&spec)
    return OverflowPolicy(key: ObjectKey(namespace: "shop", name: "cart"), spec: spec)
  }

  /// A course that goes on by a second at a time.
  struct Walk {
    var policy: OverflowPolicy
    var course: PolicyCourse
    var now = 100.0
    var room: Double? = 10_000
    var pods: Int?
    var unseen: Set<String> = []

    init(_ policy: OverflowPolicy = PolicyCourseTests.policy(), split: Split? = nil) {
      self.policy = policy
      course = PolicyCourse(policy, split: split)
    }

    mutating func step(_ demand: Double?, seconds: Double = 1) -> PolicyCourse.Decision {
      now += seconds
      let headrooms = room.map { ["edge-b": Headroom(perMinute: $0, at: .seconds(now), lifetime: .seconds(10))] } ?? [:]
      var measurement = demand.map { DemandMeasurement(demandPerMinute: $0) }
      measurement?.unseen = unseen
      return course.step(
        policy, PolicyCourse.Inputs(measurement: measurement, readyPods: pods, headrooms: headrooms), at: .seconds(now))
    }

    mutating func steps(_ count: Int, _ demand: Double?) -> PolicyCourse.Decision {
      for _ in 1..<count { _ = step(demand) }
      return step(demand)
    }
  }

  @Test("A neighbour has no more room than the policy knows it to bear, whatever it says")
  func claims() {
    var spec = OverflowPolicy.Spec(
      service: "cart", capacity: .perMinute(540), neighbours: [.init(name: "edge-b", host: "cart.edge-b.example")])
    for (capacity, room) in [(Capacity.perMinute(300), 300.0), (nil, 1e9)] as [(Capacity?, Double)] {
      spec.neighbours[0].capacity = capacity
      let policy = OverflowPolicy(key: ObjectKey(namespace: "shop", name: "cart"), spec: spec)
      var course = PolicyCourse(policy, split: nil)
      let said = Headroom(perMinute: 1e9, at: .seconds(1), lifetime: .seconds(10))
      let decision = course.step(
        policy, .init(measurement: DemandMeasurement(demandPerMinute: 1080), headrooms: ["edge-b": said]),
        at: .seconds(1))
      #expect(decision.neighbours[0].headroom?.perMinute == room)
    }
  }

  @Test("Until something is measured, what is there stays; then a split that is found goes on")
  func beginning() {
    var walk = Walk(split: Split(local: 0.5, remote: [0.5]))
    let waiting = walk.steps(10, nil)
    #expect(waiting.phase == .waiting && !waiting.isToBeWritten)
    for _ in 0..<20 {
      let decision = walk.step(1080)
      #expect(decision.isToBeWritten && abs(decision.split.local - 0.5) < 1e-9)
    }
  }

  @Test("Without measurements weights stay, and go home after the time that the policy says")
  func silence() {
    var walk = Walk()
    #expect(abs(walk.steps(10, 1080).split.local - 0.5) < 1e-9)
    for _ in 0..<59 {
      let decision = walk.step(nil)
      #expect(decision.phase == .holding && !decision.isToBeWritten)
    }
    let home = walk.step(nil)
    #expect(home.phase == .home && home.isToBeWritten && home.split == .home(neighbours: 1))
    #expect(abs(walk.steps(10, 1080).split.local - 0.5) < 1e-9)
  }

  @Test("What goes to a neighbour unseen is reckoned by the weights, and is no measurement once it should be seen")
  func unseen() {
    var walk = Walk()
    walk.unseen = ["edge-b"]
    var decision = walk.step(540)
    var phases: [PolicyCourse.Phase] = []
    // Only what stays is seen of five times what the cluster bears.
    for _ in 0..<30 {
      decision = walk.step(2700 * decision.split.local)
      phases.append(decision.phase)
      if decision.phase == .holding { break }
    }
    #expect(phases.count > 2 && phases.dropLast().allSatisfy { $0 == .steering }, "\(phases)")
    #expect(decision.phase == .holding && abs(decision.split.local - 0.2) < 0.01, "\(decision)")
    #expect(decision.missing?.contains("neighbour edge-b") == true)
    // At home all is seen, and it stays there all the same.
    let home = walk.steps(120, 2700)
    #expect(home.phase == .home && home.missing != nil)
    walk.unseen = []
    #expect(abs(walk.steps(10, 2700).split.local - 0.2) < 0.01)
  }

  @Test("Nothing is meant for a neighbour that the route does not have")
  func unreachable() {
    let walk = Walk(Self.policy { $0.neighbours.append(.init(name: "edge-c", host: "cart.edge-c.example", cost: 20)) })
    var course = walk.course
    var decision: PolicyCourse.Decision?
    for second in 1...10 {
      let rooms = ["edge-b", "edge-c"].map {
        ($0, Headroom(perMinute: 10_000, at: .seconds(Double(second)), lifetime: .seconds(10)))
      }
      var inputs = PolicyCourse.Inputs(
        measurement: DemandMeasurement(demandPerMinute: 1080), headrooms: Dictionary(uniqueKeysWithValues: rooms))
      inputs.unreachable = ["edge-b"]
      decision = course.step(walk.policy, inputs, at: .seconds(Double(second)))
    }
    #expect(decision?.split.remote.first == 0)
    #expect(abs((decision?.split.remote.last ?? 0) - 0.5) < 1e-9, "\(decision as Any)")
  }

  @Test("Nobody is sent home where nobody is at home")
  func nobodyHome() {
    var walk = Walk()
    walk.pods = 3
    _ = walk.steps(10, 1080)
    walk.pods = 0
    #expect(!walk.steps(500, nil).isToBeWritten)
    walk.pods = 1
    #expect(walk.step(nil).phase == .home)
  }

  @Test("A clock that jumps ahead sends nobody home before some rounds went by")
  func jump() {
    var walk = Walk()
    _ = walk.steps(10, 1080)
    #expect(walk.step(nil, seconds: 86_400).phase == .holding)
    #expect(walk.steps(10, nil).phase == .holding)
    #expect(abs(walk.steps(5, 1080).split.local - 0.5) < 1e-9)
    // Backwards too: time stands still then.
    #expect(walk.step(nil, seconds: -5000).phase == .holding)
    #expect(abs(walk.steps(5, 1080).split.local - 0.5) < 0.01)
  }

  @Test(
    "A measurement that cannot be true is none",
    arguments: [Double.nan, .infinity, -1, 1e300, 540 * 25])
  func garbage(demand: Double) {
    var walk = Walk()
    let before = walk.steps(10, 540).split
    for _ in 0..<2 {
      let decision = walk.step(demand)
      #expect(decision.phase == .holding && decision.split == before)
    }
  }

  @Test("A leap that stays is believed")
  func leap() {
    var walk = Walk()
    _ = walk.steps(10, 540)
    let decision = walk.steps(10, 540 * 25)
    #expect(decision.phase == .steering && decision.split.local < 0.05)
  }

  @Test("Capacity by pods follows them, and is not guessed where they are not known")
  func pods() {
    var walk = Walk(Self.policy { $0.capacity = .perPod(perMinute: 180) })
    #expect(walk.steps(10, 1080).phase == .waiting)
    walk.pods = 3
    #expect(abs(walk.steps(10, 1080).split.local - 0.5) < 1e-9)
    walk.pods = 6
    #expect(walk.steps(60, 1080).split.local > 0.9)
    walk.pods = 0
    #expect(walk.steps(10, 1080).split.local < 1e-9)
  }

  @Test("A neighbour that fails gets nothing at once")
  func failing() {
    var walk = Walk()
    _ = walk.steps(10, 1080)
    walk.now += 1
    let decision = walk.course.step(
      walk.policy,
      .init(
        measurement: DemandMeasurement(demandPerMinute: 1080, outcomes: ["edge-b": .init(requests: 9, failures: 9)])),
      at: .seconds(walk.now))
    #expect(decision.split.remote == [0])
    #expect(decision.failing == ["edge-b"])
  }

  @Test("What a neighbour is known to have stands for what it does not say")
  func neighbourCapacity() {
    var walk = Walk(Self.policy { $0.neighbours[0].capacity = .perMinute(300) })
    walk.room = nil
    let decision = walk.steps(30, 1080)
    #expect(abs(decision.split.remote[0] * 1080 - 300) < 12, "\(decision.split)")
    var unknown = Walk()
    unknown.room = nil
    #expect(unknown.steps(30, 1080).split.remote[0] * 1080 < 61)
  }

  @Test("When neighbours come and go, the others keep their shares")
  func neighbours() {
    var walk = Walk()
    _ = walk.steps(10, 1080)
    walk.policy.spec.neighbours.insert(.init(name: "edge-c", host: "cart.edge-c.example"), at: 0)
    #expect(walk.step(1080).split.remote == [0, 0.5])
    walk.policy.spec.neighbours.remove(at: 1)
    #expect(walk.step(1080).split == Split(local: 1, remote: [0]))
  }

  @Test("Whatever comes, a split that is to be written is one")
  func property() {
    var generator = SeededGenerator(seed: 12)
    for _ in 0..<60 {
      var walk = Walk()
      for _ in 0..<200 {
        walk.room = Bool.random(using: &generator) ? Double.random(in: -500...2000, using: &generator) : nil
        walk.pods = [nil, 0, 1, 3].randomElement(using: &generator) ?? nil
        let demands: [Double?] = [nil, 0, 100, 600, 1080, 1e9, .nan, -3, .infinity, 5e10]
        let decision = walk.step(
          demands.randomElement(using: &generator) ?? nil,
          seconds: [0, 1, 1, 1, 30, 1e5, -10].randomElement(using: &generator) ?? 1)
        let split = decision.split
        let shares = [split.local, split.shed] + split.remote
        #expect(shares.allSatisfy { $0 >= 0 && $0 <= 1 }, "\(split)")
        #expect(abs(shares.reduce(0, +) - 1) < 1e-9, "\(split)")
        let weights = MeshWeights(split)
        #expect(weights.local >= 0 && weights.remote.allSatisfy { $0 >= 0 })
        #expect(weights.local + weights.remote.reduce(0, +) == 1000)
      }
    }
  }
}
