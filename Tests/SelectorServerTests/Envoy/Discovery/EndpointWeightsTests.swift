import Model
import Selection
import Testing

@testable import SelectorServer

@Suite("The weights of endpoints")
struct EndpointWeightsTests {
  private func shares(_ weights: EndpointWeights, _ replicas: [ReplicaStatus]) -> [Double] {
    replicas.map { weights.share(of: $0.replica.address) }
  }

  @Test("are even where nothing is known, and as the replicas' own weights where these differ")
  func even() throws {
    var weights = EndpointWeights()
    var replicas = try ServiceStatus.sample(4).replicas
    weights.follow(replicas, at: .start)
    #expect(shares(weights, replicas).allSatisfy { abs($0 - 1) < 1e-9 })
    replicas = try ServiceStatus.sample([
      ServiceReplica(address: "10.0.0.1:80", weight: 3), ServiceReplica(address: "10.0.0.2:80"),
    ]).replicas
    weights = EndpointWeights()
    weights.follow(replicas, at: .start)
    #expect(abs(weights.share(of: "10.0.0.1:80") - 1.5) < 1e-9)
  }

  @Test("follow a replica that gets slow, or fast again, within a few steps, whatever tells it", arguments: 0..<3)
  func follows(basis: Int) throws {
    var replicas = try ServiceStatus.sample(6, concurrency: 4).replicas
    var weights = EndpointWeights()
    func step(_ second: Int, slowdown: Double) {
      for index in replicas.indices {
        let slow = index == 0 ? slowdown : 1
        switch basis {
        case 0: replicas[index].set(pace: 0.01 * slow)
        case 1:
          replicas[index].set(
            LoadReport(cpuUtilization: 0.4 * slow, requestsPerSecond: 100), at: .seconds(Double(second)))
        default:
          replicas[index].set(
            LoadReport(inFlight: slow > 1 ? 3 : 1, requestsPerSecond: 100), at: .seconds(Double(second)))
        }
      }
      weights.follow(replicas, at: .seconds(Double(second)))
    }
    for second in 0..<5 { step(second, slowdown: 1) }
    #expect(shares(weights, replicas).allSatisfy { abs($0 - 1) < 1e-6 })
    for second in 5..<10 { step(second, slowdown: 2) }
    let slow = shares(weights, replicas)
    #expect(slow[0] < 0.75 * slow[1], "\(slow)")
    for second in 10..<30 { step(second, slowdown: 1) }
    let again = shares(weights, replicas)
    #expect(again[0] > 0.85 * again[1], "\(again)")
  }

  @Test("are of replicas of which less is known as their costs compare with the others'")
  func newcomers() throws {
    var replicas = try ServiceStatus.sample(4, concurrency: 2).replicas
    for index in 0..<3 {
      replicas[index].set(pace: 0.02)
      replicas[index].view.cost = 0.02
    }
    replicas[3].view.cost = 0.04
    var weights = EndpointWeights()
    weights.follow(replicas, at: .start)
    var shares = shares(weights, replicas)
    #expect(abs(shares[3] / shares[0] - 0.5) < 1e-9)
    // One that is warming up gets less.
    replicas[3].view.warmth = 0.1
    weights = EndpointWeights()
    weights.follow(replicas, at: .start)
    shares = self.shares(weights, replicas)
    #expect(shares[3] < 0.1 * shares[0])
  }

  @Test("count a replica that fails for what its successes cost")
  func errors() throws {
    var replicas = try ServiceStatus.sample(2).replicas
    for index in 0..<2 {
      replicas[index].set(
        LoadReport(inFlight: 2, requestsPerSecond: 100, errorsPerSecond: index == 0 ? 50 : 0), at: .start)
    }
    var weights = EndpointWeights()
    weights.follow(replicas, at: .start)
    #expect(weights.share(of: "10.0.0.1:80") < 0.1 * weights.share(of: "10.0.0.2:80"))
  }

  @Test("keep what was known of replicas when nobody says anything any more")
  func silence() throws {
    var replicas = try ServiceStatus.sample(2).replicas
    replicas[0].set(pace: 0.01)
    replicas[1].set(pace: 0.03)
    var weights = EndpointWeights()
    weights.follow(replicas, at: .start)
    for index in 0..<2 { replicas[index].view.pace = nil }
    for second in 1..<50 { weights.follow(replicas, at: .seconds(Double(second))) }
    #expect(abs(weights.share(of: "10.0.0.1:80") / weights.share(of: "10.0.0.2:80") - 3) < 1e-6)
  }

  @Test("are finite and above zero whatever is known")
  func sane() throws {
    var generator = SeededGenerator(seed: 3)
    func any() -> Double {
      [0, -1, .nan, .infinity, 1e-300, 1e300, 0.5, 3].randomElement(using: &generator) ?? 0
    }
    for _ in 0..<300 {
      var replicas = try ServiceStatus.sample(Int.random(in: 1...6, using: &generator)).replicas
      var weights = EndpointWeights()
      for second in 0..<8 {
        for index in replicas.indices {
          replicas[index].view.cost = any()
          if Bool.random(using: &generator) {
            replicas[index].set(
              LoadReport(
                inFlight: Int.random(in: 0...5, using: &generator), cpuUtilization: any(),
                requestsPerSecond: any(), errorsPerSecond: any()), at: .seconds(Double(second)))
          }
          replicas[index].view.pace =
            Bool.random(using: &generator)
            ? ServicePace(seconds: any(), concurrency: any(), completions: any()) : nil
        }
        weights.follow(replicas, at: .seconds(Double(second)))
        for share in shares(weights, replicas) { #expect(share > 0 && share.isFinite) }
      }
    }
  }
}
