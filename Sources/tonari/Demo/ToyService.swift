import Connections
import Foundation
import Hummingbird
import Model
import ServiceLifecycle
import TonariClient

/// A dozen ``ToyReplica``s and those who send requests to them.
struct ToyService: Sendable {
  /// Requests each second: about half of what the replicas can do that do not fail.
  private static let rate = 480.0

  private let replicas: [ToyReplica]

  init(seed: UInt64) {
    replicas = (0..<12).map { number in
      var manner = ToyReplica.Manner()
      if number < 2 { manner.mean *= 3 }
      manner.fails = number == 2
      return ToyReplica(manner, seed: seed &+ UInt64(truncatingIfNeeded: number))
    }
  }

  /// When requests are sent, in seconds: the times between them are exponentially distributed.
  static func schedule(_ requests: Int, seed: UInt64) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    var time = 0.0
    return (0..<requests).map { _ in
      time += -log(1 - generator.unit()) / rate
      return time
    }
  }

  /// Runs the servers for as long as `body` takes, which gets their addresses.
  func withServers(_ body: @escaping @Sendable ([String]) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var addresses: [String] = []
      for replica in replicas {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = replica.application { port.yield($0) }
        group.addTask { try await server.run() }
        for await port in ports {
          addresses.append("127.0.0.1:\(port)")
          break
        }
      }
      let found = addresses
      group.addTask { try await body(found) }
      // The servers end only when something is wrong with them.
      try await group.next()
      group.cancelAll()
    }
  }

  /// Sends requests in turns.
  func send(_ schedule: [Double], to addresses: [String]) async throws -> LatencyTable.Outcome {
    try await send(schedule) { number, transport in
      await Self.ask(addresses[number % addresses.count], transport)
    }
  }

  /// Sends requests to whom a selector names.
  func send(_ schedule: [Double], through client: SelectorClient) async throws -> LatencyTable.Outcome {
    try await send(schedule) { _, transport in
      let pick = try await client.pick("toy")
      let isAnswered = await Self.ask(pick.address, transport)
      client.complete(pick, isAnswered ? .success : .failure)
      return isAnswered
    }
  }

  /// Sends each request when its time has come, whatever became of those before. What it takes counts from that time on.
  private func send(
    _ schedule: [Double], _ ask: @escaping @Sendable (Int, HTTPTransport) async throws -> Bool
  ) async throws -> LatencyTable.Outcome {
    let transport = HTTPTransport()
    let start = ContinuousClock.now
    return try await withThrowingTaskGroup(of: Double?.self) { group in
      for (number, time) in schedule.enumerated() {
        group.addTask {
          let due = start + .seconds(saturating: time)
          try await Task.sleep(until: due, clock: .continuous)
          return try await ask(number, transport) ? (ContinuousClock.now - due) / .seconds(1) : nil
        }
      }
      var outcome = LatencyTable.Outcome()
      for try await latency in group {
        if let latency { outcome.latencies.append(latency) } else { outcome.failures += 1 }
      }
      return outcome
    }
  }

  private static func ask(_ address: String, _ transport: HTTPTransport) async -> Bool {
    var request = OutgoingRequest(url: "http://\(address)/")
    request.timeout = .seconds(30)
    do {
      let response = try await transport.send(request)
      _ = try await response.body.collect(upTo: 1 << 20)
      return response.status == 200
    } catch {
      return false
    }
  }
}
