import Model
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import Overflow
@testable import Selection
@testable import SelectorServer

@Suite("Selectors of one cluster")
struct SharedCapacityTests {
  /// Two selectors that tell each other what comes, asked at two rates for a time; answers how many requests each served
  /// in its own cluster.
  private func load(_ edges: [Edge], perMinute: [Double], for seconds: Double, linked: Bool = true) -> [Int] {
    var (served, due) = ([0, 0], [edges[0].now.seconds, edges[1].now.seconds])
    let end = due[0] + seconds
    var nextDigest = due[0]
    while true {
      let next = min(due[0], due[1], nextDigest)
      guard next < end else { return served }
      for edge in edges { edge.advance(to: .seconds(next)) }
      if next == nextDigest {
        nextDigest += 0.1
        guard linked else { continue }
        for (number, edge) in edges.enumerated() {
          edges[1 - number].dispatcher.hear(
            edge.dispatcher.digest(of: "selector-\(number)", at: edge.now), at: edge.now)
        }
      }
      let number = due[0] <= due[1] ? 0 : 1
      guard due[number] == next else { continue }
      let verdict = edges[number].pick()
      if verdict.isLocal { served[number] += 1 }
      edges[number].service?.complete(verdict.id, .success, latencySeconds: 0.02, at: edges[number].now)
      due[number] += 60 / perMinute[number]
    }
  }

  private func edges() -> [Edge] {
    (0..<2).map { seed in
      let edge = Edge(Edge.policy(), seed: UInt64(seed))
      edge.hear(60_000, of: "near")
      return edge
    }
  }

  @Test(
    "admit together what the cluster bears, each by its part of what comes",
    arguments: [(900.0, 300.0), (600, 600), (3000, 60)])
  func share(_ one: Double, _ other: Double) {
    let edges = edges()
    _ = load(edges, perMinute: [one, other], for: 10)
    let served = load(edges, perMinute: [one, other], for: 60)
    #expect(abs(Double(served[0] + served[1]) - 600) < 20, "\(served)")
    #expect(abs(Double(served[0]) - 600 * one / (one + other)) < 30, "\(served)")
  }

  @Test("send nobody away while all that comes to them together is borne, however it is spread")
  func underCapacity() {
    let edges = edges()
    _ = load(edges, perMinute: [60, 60], for: 5)
    let served = load(edges, perMinute: [500, 60], for: 30)
    #expect(served[0] + served[1] >= 275, "of 280: \(served)")
  }

  @Test("share the capacity equally before anything came")
  func equally() {
    let edges = edges()
    _ = load(edges, perMinute: [0.001, 0.001], for: 5)
    for edge in edges {
      edge.advance(to: .seconds(6))
      #expect(abs((edge.status?.admittedPerMinute ?? 0) - 300) < 10)
    }
  }

  @Test("go on alone when the other is gone")
  func alone() {
    let edges = edges()
    _ = load(edges, perMinute: [900, 900], for: 5)
    let served = load(edges, perMinute: [900, 0.001], for: 60, linked: false)
    #expect(served[0] > 560)
  }

  @Test("take nonsense in a digest for nothing", arguments: [Double.nan, -5, .infinity])
  func nonsense(_ rate: Double) throws {
    let edge = edges()[0]
    var arrivals = Tonari_Selector_V1_Arrivals()
    arrivals.perMinute = rate
    arrivals.receivedPerMinute = rate
    var service = Tonari_Selector_V1_ServiceDigest()
    service.service = "shop/cart"
    service.arrivals = arrivals
    var digest = Tonari_Selector_V1_Digest()
    digest.selector = "other"
    digest.services = [service]
    edge.dispatcher.hear(digest, at: edge.now)
    _ = edge.load(perMinute: 300, for: 2)
    let status = try #require(edge.status)
    #expect(status.demandPerMinute.isFinite && status.admittedPerMinute.isFinite && status.admittedPerMinute >= 0)
  }

  /// A cluster whose service has many ports beside its own name.
  private func edge(ports: Int) -> Edge {
    let edge = Edge(Edge.policy())
    for port in 0..<ports {
      edge.dispatcher.register(
        [ServiceReplica(address: "here-0:\(1000 + port)", zone: "z", cluster: "here")], of: "shop/cart:p\(port)",
        lifetime: .seconds(3600), at: edge.now)
    }
    return edge
  }

  @Test("Ports that nobody asks for take nothing from those that somebody does")
  func idlePorts() {
    let edge = edge(ports: 20)
    _ = edge.load(perMinute: 60, for: 5)
    #expect(abs((edge.status?.admittedPerMinute ?? 0) - 600) < 10, "\(edge.status?.admittedPerMinute ?? 0)")
    // All that the service bears is there at once for a port to which it suddenly comes.
    let served = edge.load(perMinute: 540, for: 10).map(\.isLocal)
    #expect(served.count { $0 } >= served.count - 2, "\(served)")
  }

  @Test("Plans of thousands of ports cost what they are, not that times their number")
  func manyPorts() {
    let edge = edge(ports: 4000)
    let time = ContinuousClock().measure {
      for second in 1...10 { edge.dispatcher.expire(at: .seconds(Double(second))) }
    }
    #expect(edge.dispatcher.overflows(at: .seconds(10)).count == 4001)
    // With a look at all ports for each of them this takes minutes.
    #expect(time < .seconds(20), "\(time)")
  }

  @Test("What another selector says of many ports is one other selector's, all together")
  func peerPorts() throws {
    let edge = edge(ports: 9)
    edge.dispatcher.hear(
      .with { digest in
        digest.selector = "other"
        digest.services = (["shop/cart"] + (0..<9).map { "shop/cart:p\($0)" }).map { name in
          Tonari_Selector_V1_ServiceDigest.with {
            $0.service = name
            $0.arrivals.perMinute = 20
          }
        }
      }, at: edge.now)
    edge.advance(to: .seconds(2.5))
    let status = try #require(edge.status)
    #expect(abs(status.demandPerMinute - 200) < 1)
    #expect(abs(status.admittedPerMinute - 200) < 10, "half of what is left: \(status.admittedPerMinute)")
  }

  @Test(
    "Ports of one service bear its capacity once, all together", arguments: [(1200.0, 1200.0), (3000, 60), (60, 60)])
  func ports(_ one: Double, _ other: Double) throws {
    let edge = Edge(Edge.policy())
    edge.dispatcher.set(
      (0..<3).map { ServiceReplica(address: "here-\($0):81", node: "here-node-\($0)", zone: "z", cluster: "here") }
        + [ServiceReplica(address: "near-0:81", cluster: "near")],
      of: "shop/cart:grpc", from: .file, at: edge.now)
    edge.hear(60_000, of: "near")
    let services = try ["shop/cart", "shop/cart:grpc"].map { try #require(edge.dispatcher.service($0)) }
    let rates = [one, other]
    let answer = PickAnswer()
    func load(_ seconds: Double) -> [Int] {
      var served = [0, 0]
      var due = [edge.now.seconds, edge.now.seconds]
      let end = due[0] + seconds
      while let next = due.min(), next < end {
        edge.advance(to: .seconds(next))
        let k = due[0] <= due[1] ? 0 : 1
        due[k] += 60 / rates[k]
        var query = PickQuery()
        query.from = edge.dispatcher.options.place
        guard services[k].pick(query, owner: 0, at: edge.now, into: answer) == .picked else { continue }
        if answer.hops == 0 { served[k] += 1 }
        services[k].complete(answer.id, .success, latencySeconds: 0.02, at: edge.now)
      }
      return served
    }
    _ = load(10)
    let served = load(60)
    let expected = min(600, one + other)
    #expect(abs(Double(served[0] + served[1]) - expected) < 25, "\(served)")
    #expect(abs(Double(served[0]) - expected * one / (one + other)) < 40, "\(served)")
    let statuses = edge.dispatcher.overflows(at: edge.now)
    #expect(statuses.count == 2)
    for status in statuses.values {
      #expect(abs(status.demandPerMinute - one - other) < 0.1 * (one + other) + 10, "\(status.demandPerMinute)")
    }
  }
}
