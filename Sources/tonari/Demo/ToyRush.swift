import Connections
import Daemon
import Foundation
import Model
import Overflow
import Report
import Selection
import ServiceLifecycle

/// A rush at an edge of ``ToyReplica``s that has a neighbour, and at one that has none.
struct ToyRush: Sendable {
  /// What an edge is said to bear, in requests per minute: three fifths of what it can do at most.
  static let capacity = 3600.0

  private static let replicas = 3
  private static let manner = ToyReplica.Manner(concurrency: 1, mean: .milliseconds(30))
  private static let service = "toy"
  /// Seconds from one point of the picture to the next, and those over which a point is a mean.
  private static let (sample, window) = (0.25, 1.0)
  /// After this time a request is given up.
  private static let patience = Duration.seconds(5)

  /// What became of the rush at one edge.
  struct Play: Sendable {
    var outcome: LatencyTable.Outcome
    var series: OverflowSeries
    /// The share of the requests that were served next door.
    var shareOut: Double
    /// Whether the neighbour had some of the rush at its height.
    var overflowed: Bool
    /// Whether the neighbour had nothing in the end.
    var cameBack: Bool
  }

  private struct Answer: Sendable {
    var due: Double
    var isLocal: Bool
    var isShed = false
    /// What it took, in seconds; nil where it failed.
    var seconds: Double?
  }

  private let seconds: Double
  private let seed: UInt64
  /// When each request is sent, in seconds.
  let due: [Double]

  init(seconds: Double, seed: UInt64) {
    (self.seconds, self.seed) = (seconds, seed)
    var generator = SeededGenerator(seed: seed)
    let most = 2 * Self.capacity / 60
    var due: [Double] = []
    var time = 0.0
    while true {
      time -= log(1 - generator.unit()) / most
      guard time < seconds else { break }
      if generator.unit() < Self.height(at: time / seconds) { due.append(time) }
    }
    self.due = due
  }

  /// The demand at a point of the rush, 0…1, as a share of the highest.
  private static func height(at share: Double) -> Double {
    share < 0.4 ? share / 0.4 : share < 0.55 ? 1 : max(0, (0.9 - share) / 0.35)
  }

  /// Plays both at once.
  func play() async throws -> (alone: Play, beside: Play) {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var addresses: [String] = []
      for number in 0..<3 * Self.replicas {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = ToyReplica(Self.manner, seed: seed &+ UInt64(truncatingIfNeeded: number)).application {
          port.yield($0)
        }
        group.addTask { try await server.run() }
        for await port in ports {
          addresses.append("127.0.0.1:\(port)")
          break
        }
      }
      let edges = (0..<3).map { Array(addresses[$0 * Self.replicas..<($0 + 1) * Self.replicas]) }
      async let alone = rush(to: Self.dispatcher(edges[0], beside: [], seed: seed), named: "by itself")
      async let beside = rush(to: Self.dispatcher(edges[1], beside: edges[2], seed: seed), named: "overflowing")
      let plays = await (alone, beside)
      group.cancelAll()
      return plays
    }
  }

  private static func dispatcher(_ own: [String], beside others: [String], seed: UInt64) -> Dispatcher {
    let dispatcher = Dispatcher(DispatcherOptions(seed: seed))
    func replicas(_ addresses: [String], _ cluster: String) -> [ServiceReplica] {
      addresses.map { ServiceReplica(address: $0, cluster: cluster, concurrency: manner.concurrency) }
    }
    dispatcher.set(
      replicas(own, "edge-a") + replicas(others, "edge-b"), of: service, from: .file, at: .now)
    guard !others.isEmpty else { return dispatcher }
    let neighbour = ServiceOverflow.Neighbour(name: "edge-b", cost: 4, capacity: .perMinute(capacity))
    dispatcher.set(
      [service: ServiceOverflow(cluster: "edge-a", capacity: .perMinute(capacity), neighbours: [neighbour])], at: .now)
    return dispatcher
  }

  /// Sends each request when its time has come, to whom the dispatcher names.
  private func rush(to dispatcher: Dispatcher, named name: String) async -> Play {
    let transport = HTTPTransport()
    let ticking = Task {
      while !Task.isCancelled {
        dispatcher.expire(at: .now)
        try? await Task.sleep(for: .milliseconds(200))
      }
    }
    defer { ticking.cancel() }
    dispatcher.expire(at: .now)
    let start = ContinuousClock.now
    let answers = await withTaskGroup(of: Answer.self) { group in
      for time in due {
        group.addTask {
          try? await Task.sleep(until: start + .seconds(saturating: time), clock: .continuous)
          return await Self.ask(dispatcher, due: time, start: start, transport)
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    return play(answers, named: name)
  }

  private static func ask(
    _ dispatcher: Dispatcher, due: Double, start: ContinuousClock.Instant, _ transport: HTTPTransport
  ) async -> Answer {
    let answer = PickAnswer()
    guard let service = dispatcher.service(service),
      service.pick(
        PickQuery(from: Place(node: nil, cluster: "edge-a")), owner: 0, at: .now, into: answer) == .picked
    else { return Answer(due: due, isLocal: true, isShed: true) }
    let isLocal = answer.tier != .remote
    var request = OutgoingRequest(url: "http://\(answer.addressString(0))/", timeout: patience)
    request.proxy = ""
    var status = 0
    if let response = try? await transport.send(request), (try? await response.body.collect(upTo: 1 << 20)) != nil {
      status = response.status
    }
    service.complete(answer.id, status == 200 ? .success : .failure, at: .now)
    let seconds = (ContinuousClock.now - (start + .seconds(saturating: due))) / .seconds(1)
    return Answer(due: due, isLocal: isLocal, seconds: status == 200 ? seconds : nil)
  }

  private func play(_ answers: [Answer], named name: String) -> Play {
    let points = stride(from: Self.sample / 2, to: seconds, by: Self.sample).map { time in
      point(at: time, answers.filter { abs($0.due - time) < Self.window / 2 })
    }
    let isAlone = name == "by itself"
    let latest = answers.filter { $0.due > 0.87 * seconds }
    return Play(
      outcome: LatencyTable.Outcome(
        latencies: answers.compactMap(\.seconds), failures: answers.count { $0.seconds == nil }),
      series: OverflowSeries(
        name: name, neighbours: isAlone ? [] : ["next door"], capacity: Self.capacity, points: points),
      shareOut: Double(answers.count { !$0.isLocal }) / Double(max(1, answers.count)),
      overflowed: answers.contains { !$0.isLocal }, cameBack: latest.allSatisfy(\.isLocal))
  }

  /// - Parameter answers: those in the window around the time.
  private func point(at time: Double, _ answers: [Answer]) -> OverflowSeries.Point {
    let window = min(seconds, time + Self.window / 2) - max(0, time - Self.window / 2)
    func rate(_ count: Int) -> Double { Double(count) * 60 / window }
    let times = answers.compactMap(\.seconds)
    return OverflowSeries.Point(
      time: time, demand: rate(answers.count), local: rate(answers.count { $0.isLocal && !$0.isShed }),
      remote: [rate(answers.count { !$0.isLocal })], shed: rate(answers.count(where: \.isShed)),
      responseTime: times.isEmpty ? nil : times.reduce(0, +) / Double(times.count))
  }
}
