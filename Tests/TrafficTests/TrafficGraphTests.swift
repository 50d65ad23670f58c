import Model
import Testing

@testable import Traffic

@Suite struct TrafficGraphTests {
  @Test("Rates of one edge add up, and an unknown rate adds nothing")
  func add() {
    var graph = TrafficGraph()
    let a = graph.index(of: TrafficEndpoint(WorkloadName(namespace: "n", name: "a")))
    let b = graph.index(of: TrafficEndpoint(namespace: nil, name: "a"))
    let c = graph.index(of: TrafficEndpoint(namespace: nil, name: "a", isOutside: true))
    #expect([a, b, c] == [0, 1, 2])
    #expect(graph.index(of: TrafficEndpoint(namespace: "n", name: "a")) == a)
    graph.add(source: a, destination: b, bytesPerSecond: nil, requestsPerSecond: 2)
    graph.add(source: a, destination: b, bytesPerSecond: 5, requestsPerSecond: nil)
    graph.add(source: a, destination: b, bytesPerSecond: 5, requestsPerSecond: 1)
    graph.add(source: b, destination: a, bytesPerSecond: nil, requestsPerSecond: nil)
    #expect(lines(graph) == ["n/a → a: 10 B/s, 3/s", "a → n/a: "])
    graph.scale(by: 0.5)
    #expect(lines(graph) == ["n/a → a: 5 B/s, 1.5/s", "a → n/a: "])
  }

  @Test("Graphs add up by the names of their ends")
  func merge() throws {
    var graph = try read("source,destination,requests_per_second\na,b,1\nb,c,2\n").graph
    graph.add(try read("source,destination,requests_per_second\nc,b,4\nb,c,8\n").graph)
    #expect(
      lines(graph) == ["default/a → default/b: 1/s", "default/b → default/c: 10/s", "default/c → default/b: 4/s"]
    )
  }

  @Test(
    "Of what two tools measured of an edge the higher rates count, but packets never before requests",
    arguments: [
      (2, false, 3, false, 3, false), (2, false, 1, false, 2, false), (2, false, 900, true, 2, false),
      (900, true, 2, false, 2, false), (900, true, 901, true, 901, true), (nil, false, 900, true, 900, true),
      (900, true, nil, false, 900, true), (2, false, nil, false, 2, false),
    ] as [(Double?, Bool, Double?, Bool, Double, Bool)]
  )
  func unite(
    _ first: Double?, _ firstCountsPackets: Bool, _ second: Double?, _ secondCountsPackets: Bool, _ expected: Double,
    _ countsPackets: Bool
  ) {
    func graph(_ requests: Double?, _ countsPackets: Bool) -> TrafficGraph {
      var graph = TrafficGraph()
      graph.add(
        source: graph.index(of: TrafficEndpoint(namespace: "n", name: "a")),
        destination: graph.index(of: TrafficEndpoint(namespace: "n", name: "b")),
        bytesPerSecond: nil, requestsPerSecond: requests, countsPackets: countsPackets)
      return graph
    }
    var united = graph(first, firstCountsPackets)
    #expect(united.unite(graph(second, secondCountsPackets)) == 1)
    #expect(lines(united) == ["n/a → n/b: \(Int(expected))/s"])
    #expect(united.edges.map(\.countsPackets) == [countsPackets])
  }

  @Test("Graphs of one traffic are united at the higher rates, by whatever they count it, and so are ends renamed")
  func uniteKinds() {
    func graph(_ requests: Double?, _ bytes: Double?, isOfConnections: Bool = false) -> TrafficGraph {
      var graph = TrafficGraph()
      let ends = ["a", "b"].map { graph.index(of: TrafficEndpoint(namespace: "n", name: $0)) }
      graph.add(
        source: ends[0], destination: ends[1], bytesPerSecond: bytes, requestsPerSecond: requests,
        isOfConnections: isOfConnections)
      return graph
    }
    var united = graph(2, 5)
    #expect(united.unite(graph(3, nil)) == 1)
    #expect(united.unite(graph(nil, 9, isOfConnections: true)) == 1)
    #expect(lines(united) == ["n/a → n/b: 9 B/s, 3/s"])
    // What one tool tells apart stays so.
    var both = graph(2, 5)
    both.add(graph(nil, 7, isOfConnections: true))
    #expect(both.unite(both) == 2)
    #expect(both.edges.map(\.bytesPerSecond) == [5, 7])

    var named = TrafficGraph()
    for (cluster, rate) in [("east", 3.0), ("prod", 4.0)] {
      let ends = ["a", "b"].map { named.index(of: TrafficEndpoint(cluster: cluster, namespace: "n", name: $0)) }
      named.add(source: ends[0], destination: ends[1], bytesPerSecond: nil, requestsPerSecond: rate)
    }
    let renamed = named.renaming { TrafficEndpoint(namespace: $0.namespace, name: $0.name) }
    #expect(lines(renamed) == ["n/a → n/b: 4/s"])
  }
}
