import EnvoyProtocol
import Model
import Selection
import SwiftProtobuf
import Synchronization
import Testing

@testable import SelectorServer

@Suite("The boards that Envoys read")
struct EndpointBoardsTests {
  private final class Reader: EndpointReader {
    let told = Mutex<[String]>([])

    func changed(_ names: [String]) { told.withLock { $0 += names.sorted() } }

    /// What it was told since it was asked last.
    func news() -> [String] {
      told.withLock { told in
        defer { told = [] }
        return told
      }
    }
  }

  private let dispatcher = Dispatcher()

  private func set(_ count: Int, of service: String = "a", at second: Double = 0) {
    dispatcher.set(
      (0..<count).map { ServiceReplica(address: "10.0.0.\(1 + $0):80", concurrency: 4) }, of: service, from: .file,
      at: .seconds(second))
  }

  private func endpoints(_ boards: EndpointBoards, _ name: String, from place: Place = .unknown) throws
    -> [Envoy_Config_Endpoint_V3_LocalityLbEndpoints]?
  {
    guard case .assignment(_, let resource) = boards.endpoints(name, seenFrom: place) else { return nil }
    return try Envoy_Config_Endpoint_V3_ClusterLoadAssignment(unpackingAny: resource).endpoints
  }

  @Test("say at the next look who came and went, and nothing while nothing changes")
  func members() throws {
    let boards = EndpointBoards(dispatcher, isReady: { true })
    let reader = Reader()
    try boards.add(reader, ["a", "b"], seenFrom: .unknown, at: .start)
    if case .absent = boards.endpoints("a", seenFrom: .unknown) {} else { Issue.record("there is no service yet") }
    set(2)
    boards.look(at: .seconds(0.1))
    #expect(reader.news() == ["a"])
    #expect(try endpoints(boards, "a")?.flatMap(\.lbEndpoints).count == 2)
    for tick in 2..<60 { boards.look(at: .seconds(Double(tick) / 10)) }
    #expect(reader.news() == [])
    dispatcher.set(.draining, of: "10.0.0.1:80", at: .seconds(6))
    set(1, of: "b", at: 6)
    boards.look(at: .seconds(6))
    #expect(reader.news() == ["a", "b"])
    set(0, at: 6)
    boards.look(at: .seconds(6.1))
    #expect(reader.news() == ["a"])
    #expect(try endpoints(boards, "a")?.isEmpty == true)
    boards.remove(reader, ["a", "b"], seenFrom: .unknown)
    set(1, at: 7)
    boards.look(at: .seconds(7))
    #expect(reader.news() == [])
  }

  @Test("say new weights at most once a second")
  func weights() throws {
    set(3)
    let boards = EndpointBoards(dispatcher, isReady: { true })
    let reader = Reader()
    try boards.add(reader, ["a"], seenFrom: .unknown, at: .start)
    var pushes = 0
    for tick in 1...100 {
      let now = Moment.seconds(Double(tick) / 10)
      for number in 1...3 {
        // One takes ever longer.
        let load = LoadReport(inFlight: number == 1 ? tick / 10 : 1, requestsPerSecond: 100)
        #expect(dispatcher.report(load, of: "10.0.0.\(number):80", at: now) == 1)
      }
      boards.look(at: now)
      pushes += reader.news().count
    }
    #expect((2...10).contains(pushes), "\(pushes)")
    let weights = try endpoints(boards, "a")?.flatMap(\.lbEndpoints).map(\.loadBalancingWeight.value) ?? []
    #expect(weights.count == 3 && 2 * weights[0] < weights[1], "\(weights)")
  }

  @Test("let requests out of a zone that is overrun, as picks would go, and back when it has room")
  func spill() throws {
    dispatcher.set(
      ["a", "a", "b", "b"].enumerated().map { index, zone in
        ServiceReplica(address: "10.0.0.\(1 + index):80", zone: zone, concurrency: 4)
      }, of: "s", from: .file, at: .start)
    let place = Place(node: nil, zone: "a")
    let boards = EndpointBoards(dispatcher, isReady: { true })
    try boards.add(Reader(), ["s"], seenFrom: place, at: .start)
    var tick = 0
    func run(seconds: Int, near: Int) throws -> (priorities: [UInt32], weights: [UInt32]) {
      for _ in 0..<10 * seconds {
        tick += 1
        let now = Moment.seconds(Double(tick) / 10)
        for number in 1...4 {
          dispatcher.report(
            LoadReport(inFlight: number <= 2 ? near : 1), of: "10.0.0.\(number):80", at: now)
        }
        boards.look(at: now)
      }
      let zones = try #require(try endpoints(boards, "s", from: place))
      #expect(zones.map(\.locality.zone) == ["a", "b"])
      return (zones.map(\.priority), zones.map(\.loadBalancingWeight.value))
    }
    #expect(try run(seconds: 60, near: 1).priorities == [0, 1])
    let overrun = try run(seconds: 4, near: 40)
    #expect(overrun.priorities == [0, 0])
    #expect(overrun.weights[1] > 0)
    #expect(try run(seconds: 60, near: 1).priorities == [0, 1])
  }
}
