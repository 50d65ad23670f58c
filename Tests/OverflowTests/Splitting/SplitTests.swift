import Model
import Overflow
import Testing

struct SplitTests {
  private static func neighbour(_ name: String, _ cost: Double, _ room: Double?) -> Neighbour {
    Neighbour(
      name: name, cost: cost,
      headroom: room.map { Headroom(perMinute: $0, at: .start, lifetime: .seconds(10)) })
  }

  @Test("RPMmax stays and the rest goes out, as the original split had it")
  func original() {
    for (demand, capacity) in [(600.0, 540.0), (1080, 540), (1080, 390), (541, 540)] {
      let split = Split(
        demand: demand, capacity: capacity, neighbours: [Self.neighbour("b", 4, 10_000)], at: .start)
      #expect(abs(split.local - capacity / demand) < 1e-12)
      #expect(abs(split.remote[0] - (demand - capacity) / demand) < 1e-12)
    }
  }

  @Test(
    "The excess fills neighbours by cost, up to their room",
    arguments: [
      (50.0, [50.0, 0, 0], 0.0), (150, [100, 50, 0], 0), (500, [100, 200, 60], 140),
    ])
  func waterfall(excess: Double, taken: [Double], shed: Double) {
    let neighbours = [Self.neighbour("near", 4, 100), Self.neighbour("far", 20, 200), Self.neighbour("who", 20, nil)]
    let split = Split(demand: 100 + excess, capacity: 100, neighbours: neighbours, at: .start)
    for (k, taken) in taken.enumerated() { #expect(abs(split.remote[k] * (100 + excess) - taken) < 1e-9) }
    #expect(abs(split.shed * (100 + excess) - shed) < 1e-9)
  }

  @Test("Neighbours of the same cost fill in proportion to their room")
  func proportion() {
    let split = Split(
      demand: 200, capacity: 140, neighbours: [Self.neighbour("a", 4, 100), Self.neighbour("b", 4, 200)], at: .start)
    #expect(abs(split.remote[0] * 200 - 20) < 1e-9 && abs(split.remote[1] * 200 - 40) < 1e-9)
  }

  @Test("Shares are never below 0 and sum to 1, whatever is said")
  func sums() {
    var generator = SeededGenerator(seed: 11)
    let odd: [Double] = [0, -5, .nan, .infinity, -.infinity, 1e300]
    func number() -> Double {
      generator.unit() < 0.2 ? odd[generator.below(odd.count)] : generator.unit() * 1000
    }
    var governor = SplitGovernor()
    for step in 0..<5000 {
      let neighbours = (0..<generator.below(5)).map { k -> Neighbour in
        var neighbour = Neighbour(
          name: "\(k)", cost: Double(1 + generator.below(3)),
          headroom: generator.unit() < 0.5
            ? nil
            : Headroom(
              perMinute: number(), receivedPerMinute: number(), at: .seconds(generator.unit() * 20 - 10),
              lifetime: .seconds(5)),
          limitPerMinute: generator.unit() < 0.5 ? nil : number(), sentPerMinute: number())
        neighbour.health.note(requests: 5, failures: generator.below(6), at: .start)
        return neighbour
      }
      let (demand, capacity) = (number(), number())
      let splits = [
        Split(demand: demand, capacity: capacity, neighbours: neighbours, at: .seconds(1)),
        governor.decide(
          Observation(
            demandPerMinute: demand, seconds: generator.unit() < 0.1 ? number() : 1, capacityPerMinute: capacity,
            responseSeconds: number(), errorShare: number(), neighbours: neighbours),
          at: .seconds(Double(step) + (generator.unit() < 0.01 ? generator.unit() * 1e6 - 5e5 : 0))),
      ]
      for split in splits {
        #expect(split.remote.count == neighbours.count)
        for share in [split.local, split.shed] + split.remote { #expect(share >= -1e-12 && share <= 1 + 1e-9) }
        #expect(abs(split.local + split.shed + split.out - 1) < 1e-9)
        let weights = MeshWeights(split)
        #expect(weights.local >= 0 && weights.remote.allSatisfy { $0 >= 0 })
        #expect(weights.local + weights.remote.reduce(0, +) == 1000)
        #expect(abs(Double(weights.local) / 1000 - split.local - split.shed) < 0.001 + 1e-9)
      }
    }
  }

  @Test("Weights are whole, sum to what they are to sum to, and are within one of their share")
  func weights() {
    #expect(MeshWeights(Split(local: 0.5, remote: [0.5]), total: 100) == MeshWeights(local: 50, remote: [50]))
    #expect(MeshWeights(Split(local: 1 / 3.0, remote: [1 / 3.0, 1 / 3.0]), total: 100).local == 34)
    #expect(MeshWeights(Split(local: 0.2, remote: [0.3], shed: 0.5), total: 10) == MeshWeights(local: 7, remote: [3]))
    #expect(MeshWeights(Split(local: 0, remote: [0, 0])) == MeshWeights(local: 1000, remote: [0, 0]))
    #expect(MeshWeights(Split(local: .nan, remote: [.nan])) == MeshWeights(local: 1000, remote: [0]))
    #expect(MeshWeights(local: 1, remote: [3]).split == Split(local: 0.25, remote: [0.75]))
  }

  @Test("Any thousand requests in a row are within a percentage point of the shares", arguments: [2, 3, 7, 20])
  func picker(count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    var weights = (0..<count).map { _ in generator.unit() }
    weights[0] = 0
    let sum = weights.reduce(0, +)
    var picker = SplitPicker(weights: weights)
    var picks: [Int] = []
    var within = Array(repeating: 0, count: count)
    for k in 0..<20_000 {
      guard let next = picker.next() else {
        Issue.record("nothing was picked")
        return
      }
      picks.append(next)
      within[next] += 1
      if k >= 1000 { within[picks[k - 1000]] -= 1 }
      guard k >= 999 else { continue }
      for (weight, count) in zip(weights, within) { #expect(abs(Double(count) / 1000 - weight / sum) < 0.01) }
    }
    picker.set(weights: [0, 0])
    let none = picker.next()
    #expect(none == nil)
  }
}
