import Foundation
import Model
import Overflow
import Selection
import Testing

struct SplitGovernorTests {
  /// A world in which requests come by chance and a neighbour says every second what it has left.
  private struct World {
    var governor = SplitGovernor()
    var generator: SeededGenerator
    var capacity = 540.0
    var room = 5000.0
    var bursts = 1.0
    var now = 0.0
    var received = 0.0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// A Poisson number, in bursts.
    private mutating func count(_ mean: Double) -> Double {
      let mean = mean / bursts
      if mean > 200 {
        let (u, v) = (max(generator.unit(), 1e-12), generator.unit())
        return max(0, (mean + (-2 * mean * log(u)).squareRoot() * cos(2 * .pi * v)).rounded()) * bursts
      }
      var (product, k) = (generator.unit(), 0.0)
      let limit = exp(-mean)
      while product > limit {
        product *= generator.unit()
        k += 1
      }
      return k * bursts
    }

    mutating func step(_ perMinute: Double) -> Split {
      now += 1
      let count = count(perMinute / 60)
      let out = governor.split.out * count * 60
      var neighbour = Neighbour(name: "b", cost: 4)
      neighbour.headroom = Headroom(
        perMinute: room - received, receivedPerMinute: received, at: .seconds(now - 1), lifetime: .seconds(10))
      received += (out - received) * 0.3
      return governor.decide(
        Observation(demandPerMinute: count * 60, capacityPerMinute: capacity, neighbours: [neighbour]),
        at: .seconds(now))
    }
  }

  @Test(
    "Under steady load the split does not turn round in an hour, however noisy the counts",
    arguments: [(600.0, 1.0), (1080, 1), (1080, 4), (2000, 1), (60_000, 1), (560, 1), (500, 1), (540, 1)])
  func steady(perMinute: Double, bursts: Double) {
    for seed in 1...5 {
      var world = World(seed: UInt64(seed))
      world.bursts = bursts
      world.room = 3 * perMinute
      world.capacity = perMinute > 2000 ? perMinute * 0.6 : 540
      // The begin, in which it learns.
      for _ in 0..<180 { _ = world.step(perMinute) }
      var (turns, direction, before) = (0, 0, world.governor.split.out)
      for _ in 0..<3600 {
        let out = world.step(perMinute).out
        if abs(out - before) > 1e-9 {
          let next = out > before ? 1 : -1
          if direction != 0, next != direction { turns += 1 }
          direction = next
        }
        before = out
      }
      #expect(turns == 0, "seed \(seed): the last share that leaves is \(before)")
      let wanted = max(0, 1 - world.capacity / perMinute)
      #expect(before > wanted - 0.06 && before < wanted + 0.2, "seed \(seed): \(before) leaves of \(wanted)")
    }
  }

  @Test("A step from half to twice the capacity is answered within two seconds", arguments: [540.0, 6000, 60_000])
  func fastOut(capacity: Double) {
    var late = 0
    for seed in 1...100 {
      var world = World(seed: UInt64(seed))
      world.capacity = capacity
      world.room = 10 * capacity
      let early = (0..<120).count { _ in world.step(capacity / 2).out > 0 }
      #expect(early == 0)
      _ = world.step(capacity * 2)
      let out = world.step(capacity * 2).out
      if out < 0.25 { late += 1 }
      let last = world.step(capacity * 2).out
      #expect(last > 0.25, "seed \(seed): only \(last) leaves after three seconds")
      for _ in 0..<30 { _ = world.step(capacity * 2) }
      #expect(abs(world.governor.split.out - 0.5) < 0.12)
    }
    // At nine requests a second chance may hide it for another second.
    #expect(late <= (capacity > 1000 ? 0 : 25))
  }

  @Test("Rushes that come and go do not make it deaf to the next one")
  func rushes() {
    var world = World(seed: 7)
    world.capacity = 7200
    world.room = 20_000
    for _ in 0..<3 {
      for second in 0..<12 { _ = world.step(Double(second) * 1200) }
      for second in 0..<12 { _ = world.step(14_400 - Double(second) * 1200) }
      for _ in 0..<60 { _ = world.step(0) }
      #expect(world.governor.split.out == 0)
      #expect((world.governor.demandPerMinute ?? 0) < 600)
    }
    // Ten a second more each second: five deviations of chance are about five seconds behind.
    for second in 0..<20 { _ = world.step(Double(second) * 600) }
    #expect((world.governor.demandPerMinute ?? 0) > 12 * 600)
    #expect(world.governor.split.out > 0.05)
  }

  @Test("A step without noise is followed exactly, however short the steps of counting", arguments: [0.1, 0.25, 1])
  func exact(seconds: Double) {
    var governor = SplitGovernor()
    for step in 0..<600 {
      let headroom = Headroom(perMinute: 5000, at: .seconds(Double(step)), lifetime: .seconds(10))
      let isRush = step % 200 >= 100
      // The rush begins in the middle of a step.
      let perMinute = step % 200 == 100 ? 690.0 : isRush ? 1080 : 300
      let split = governor.decide(
        Observation(
          demandPerMinute: perMinute, seconds: seconds, capacityPerMinute: 540,
          neighbours: [Neighbour(name: "b", headroom: headroom)]), at: .seconds(Double(step)))
      if step % 200 == 199 { #expect(abs(split.out - 0.5) < 0.001, "rush \(step / 200)") }
      if step % 200 == 99 { #expect(split.out == 0, "calm \(step / 200)") }
    }
  }

  @Test("It comes back slowly, and all of it")
  func slowBack() {
    var world = World(seed: 5)
    for _ in 0..<60 { _ = world.step(1080) }
    var before = world.governor.split.out
    #expect(before > 0.4)
    var steps = 0
    while world.governor.split.out > 0, steps < 300 {
      let out = world.step(300).out
      #expect(out >= before - world.governor.settings.stepBack - 1e-9)
      before = out
      steps += 1
    }
    #expect(world.governor.split == .home(neighbours: 1))
    #expect(steps > 10 && steps < 60)
  }

  @Test("What a neighbour has no room for is taken back at once")
  func headroom() {
    var world = World(seed: 6)
    for _ in 0..<60 { _ = world.step(1080) }
    #expect(world.governor.split.remote[0] > 0.4)
    world.room = 100
    for _ in 0..<4 { _ = world.step(1080) }
    let split = world.governor.split
    #expect(split.remote[0] * 1080 < 200 && split.shed > 0.25)
  }

  @Test("Two edges that send to a third share its room and come to rest")
  func shared() {
    var governors = [SplitGovernor(), SplitGovernor()]
    var sent = [[0.0], [0.0]]
    var history: [Double] = []
    for second in 0..<300 {
      let received = sent.map { $0.last ?? 0 }.reduce(0, +)
      for k in 0..<2 {
        let headroom = Headroom(
          perMinute: 300 - received, receivedPerMinute: received, at: .seconds(Double(second)), lifetime: .seconds(10))
        let neighbour = Neighbour(name: "c", cost: 4, headroom: headroom)
        let split = governors[k].decide(
          Observation(demandPerMinute: 900, capacityPerMinute: 540, neighbours: [neighbour]),
          at: .seconds(Double(second)))
        sent[k].append(split.out * 900)
      }
      history.append(sent.map { $0.last ?? 0 }.reduce(0, +))
    }
    let late = history.suffix(100)
    #expect((late.max() ?? 0) <= 310 && (late.min() ?? 0) >= 250)
    #expect((late.max() ?? 0) - (late.min() ?? 0) < 10)
  }

  @Test("Distress lowers the capacity before its figure says so, and it comes back")
  func distress() {
    var governor = SplitGovernor()
    func step(_ second: Int, _ perMinute: Double) -> Split {
      // It bears 300 in truth.
      let local = governor.split.local * perMinute
      let neighbour = Neighbour(
        name: "b", headroom: Headroom(perMinute: 1000, at: .seconds(Double(second)), lifetime: .seconds(10)))
      return governor.decide(
        Observation(
          demandPerMinute: perMinute, capacityPerMinute: 540, responseSeconds: local > 300 ? 2 : 0.1,
          errorShare: local > 350 ? 0.3 : 0, neighbours: [neighbour]),
        at: .seconds(Double(second)))
    }
    let early = (0..<30).count { step($0, 250).out > 0 }
    #expect(early == 0)
    for second in 30..<60 { _ = step(second, 500) }
    #expect(governor.split.local * 500 < 300 && governor.trustedCapacity < 0.6)
    var worst = 0.0
    for second in 60..<360 { worst = max(worst, step(second, 500).local * 500) }
    #expect(worst < 330)
    for second in 360..<1500 { _ = step(second, 200) }
    #expect(governor.trustedCapacity == 1 && governor.split.out == 0)
  }

  @Test("Errors at little load are no distress")
  func notOfTheLoad() {
    var governor = SplitGovernor()
    for second in 0..<60 {
      let split = governor.decide(
        Observation(
          demandPerMinute: 100, capacityPerMinute: 540, errorShare: 1, neighbours: [Neighbour(name: "b")]),
        at: .seconds(Double(second)))
      #expect(split.out == 0)
    }
    #expect(governor.trustedCapacity == 1)
  }

  @Test("A clock that jumps does no harm")
  func clock() {
    var governor = SplitGovernor()
    let headroom = { (now: Double) in Headroom(perMinute: 1000, at: .seconds(now), lifetime: .seconds(10)) }
    for now in [1.0, 2, 3, 4, 100_000, 100_001, 5, 6, 7, 8] {
      let split = governor.decide(
        Observation(
          demandPerMinute: 1080, capacityPerMinute: 540, neighbours: [Neighbour(name: "b", headroom: headroom(now))]),
        at: .seconds(now))
      #expect(abs(split.out - (now < 4 ? 0 : 0.5)) < 1e-9)
    }
  }
}
