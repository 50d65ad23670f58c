import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore
import Synchronization

/// An HTTP server that takes a while: so many requests at a time, the others wait in a queue.
struct ToyReplica: Sendable {
  /// How it works.
  struct Manner: Sendable {
    /// Requests that it works on at a time.
    var concurrency = 2
    /// What a request takes on average; it is exponentially distributed.
    var mean = Duration.milliseconds(20)
    /// Whether it answers 500 at once instead.
    var fails = false
  }

  /// A line of requests before so many doors.
  private actor Doors {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var next = 0

    init(_ free: Int) {
      self.free = free
    }

    func enter() async {
      guard free == 0 else {
        free -= 1
        return
      }
      await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
      guard next < waiting.count else {
        free += 1
        return
      }
      waiting[next].resume()
      next += 1
      if next == waiting.count { (waiting, next) = ([], 0) }
    }
  }

  private final class Chance: Sendable {
    private let generator: Mutex<SeededGenerator>

    init(seed: UInt64) {
      generator = Mutex(SeededGenerator(seed: seed))
    }

    /// A draw from the exponential distribution with mean 1.
    func exponential() -> Double { generator.withLock { -log(1 - $0.unit()) } }
  }

  private let manner: Manner
  private let doors: Doors
  private let chance: Chance

  init(_ manner: Manner, seed: UInt64) {
    self.manner = manner
    doors = Doors(manner.concurrency)
    chance = Chance(seed: seed)
  }

  /// Works on a request. Answers whether it succeeded.
  func work() async -> Bool {
    guard !manner.fails else { return false }
    await doors.enter()
    try? await Task.sleep(for: manner.mean * chance.exponential())
    await doors.leave()
    return true
  }

  /// The server, on a port that is free.
  func application(_ onListening: @escaping @Sendable (Int) -> Void) -> some ApplicationProtocol {
    var logger = Logger(label: "tonari.replica") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .critical
    let router = Router()
    router.get("/") { _, _ in await work() ? HTTPResponse.Status.ok : .internalServerError }
    return Application(
      router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { channel in onListening(channel.localAddress?.port ?? 0) }, logger: logger)
  }
}
