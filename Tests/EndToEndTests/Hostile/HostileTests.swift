import Foundation
import Testing

/// Hostile peers against the built executable, as `benchmarks/Hostile` has them, and what an innocent client sees.
///
/// Machines differ, and this one is busy with the attackers, too: it is held that an innocent client is served, that its p99
/// is at most twice that of before, or of a client of a daemon beside that nobody attacks, and that memory stays bounded.
/// The times of a calm machine are in `benchmarks/README.md`.
@Suite("Hostile peers", .serialized, .timeLimit(.minutes(5)))
struct HostileTests {
  /// An attack, and what is held under it.
  struct Attack: CustomTestStringConvertible {
    var name: String
    /// The share of it that is enough to show it.
    var scale = 1.0
    /// By how much the daemon's memory may grow, in MiB.
    var memory: Int
    /// The share of an innocent client's requests that may fail: more than none only where it is of the attacker's user, and
    /// the daemon has no descriptor left for either.
    var failures = 0.0
    /// What an innocent client's p99 may be more than twice that of a calm client, in milliseconds: a debug build that shares
    /// two processors has hiccups of its own. Three times that where its requests are so few that it is one hiccup.
    var noise = 100.0
    /// Whether it takes all descriptors that there are.
    var isShort = false

    var testDescription: String { name }
  }

  private struct Client: Decodable {
    var requests: Int
    var failures: Int
    var p50_ms: Double
    var p99_ms: Double
    var max_ms: Double
    var faults: [String: Int]
  }

  private struct Outcome: Decodable {
    var alive: Bool
    var before: [String: Client]
    var during: [String: Client]
    var after: [String: Client]
    /// What clients of a daemon saw at the same time that nobody attacked.
    var beside: [String: Client]
    var resident_before: Int
    var resident_most: Int
  }

  private struct Ending: Decodable {
    var seconds: Double
    var status: Int32
    var asked: [String: Int]?
    var unanswered: [String: Int]?
    var faults: [String]?
  }

  /// What an innocent client waits for at most, in milliseconds. Before, it waited for ever.
  private static let longestWait = 5000.0
  /// The same where descriptors are short, and listeners pause.
  private static let longestPause = 2500.0

  private static let program = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "benchmarks/Hostile/hostile.py")

  private func run<Answer: Decodable>(_ arguments: [String], _ type: Answer.Type) throws -> Answer {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      ["python3", Self.program.path, "--tonari", TonariProcess.executable.path, "--json", "--seconds", "1.5"]
      + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0, let answer = try? JSONDecoder().decode(type, from: data) else {
      throw Failure(description: "\(arguments): \(String(decoding: data, as: UTF8.self))")
    }
    return answer
  }

  private struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  @Test(
    "do not keep innocent clients from being served, nor fill the memory",
    arguments: [
      Attack(name: "half_bodies", memory: 64), Attack(name: "half_heads", memory: 64),
      Attack(name: "watches", memory: 128), Attack(name: "grpc_watches", memory: 160),
      Attack(name: "picker_streams", memory: 96), Attack(name: "picker_window", memory: 96),
      Attack(name: "picker_resets", memory: 64), Attack(name: "grpc_resets", memory: 96),
      Attack(name: "picker_continuations", memory: 64), Attack(name: "grpc_continuations", memory: 64),
      Attack(name: "picker_pings", memory: 64), Attack(name: "grpc_pings", memory: 64),
      // A new connection waits in the system's queue behind those of the attacker.
      Attack(name: "idle", memory: 96, noise: 600), Attack(name: "half_frames", memory: 64),
      Attack(name: "descriptors_flood", memory: 64, failures: 0.03, isShort: true),
      Attack(name: "abandoned", scale: 0.05, memory: 96),
      Attack(name: "names", scale: 0.1, memory: 128),
      Attack(name: "renewed", scale: 0.2, memory: 96), Attack(name: "port_names", scale: 0.4, memory: 128),
    ])
  func attacks(_ attack: Attack) throws {
    let outcome = try run(["--scale", "\(attack.scale)", attack.name], Outcome.self)
    #expect(outcome.alive)
    let growth = (outcome.resident_most - outcome.resident_before) >> 20
    #expect(growth <= attack.memory, "memory grew by \(growth) MiB")
    for (name, before) in outcome.before {
      let during = try #require(outcome.during[name])
      let after = try #require(outcome.after[name])
      let allowed = Int(attack.failures * Double(during.requests))
      #expect(during.failures <= allowed, "\(name): \(during.failures) of \(during.requests): \(during.faults)")
      let longest = attack.isShort ? Self.longestPause : Self.longestWait
      #expect(during.max_ms <= longest, "\(name) waited for \(during.max_ms) ms")
      #expect(after.failures == 0, "\(name) after it: \(after.faults)")
      // A scrape tells of more services then, and is bounded by the number that have series.
      // Where descriptors are short, listeners pause.
      guard name != "metrics", !attack.isShort else { continue }
      let beside = try #require(outcome.beside[name])
      let noise = during.requests < 300 ? 3 * attack.noise : attack.noise
      #expect(
        during.p99_ms <= 2 * max(before.p99_ms, beside.p99_ms) + noise,
        "\(name): p99 \(during.p99_ms) ms, before \(before.p99_ms) ms, of the daemon beside \(beside.p99_ms) ms")
    }
  }

  @Test("A selector that ends under load leaves no pick unanswered, whatever it was asked by", arguments: 1...3)
  func ending(_ round: Int) throws {
    let ending = try run(["sigterm"], Ending.self)
    #expect(ending.status == 0)
    #expect(ending.seconds < 20)
    for kind in ["framed", "grpc", "picker"] {
      #expect(try #require(ending.asked?[kind]) > 0)
      #expect(try #require(ending.unanswered?[kind]) == 0, "\(kind): \(ending.faults ?? [])")
    }
  }

  @Test("An extender that waits for a body ends all the same, well within its grace period")
  func endingWithHalfBody() throws {
    let ending = try run(["sigterm_bodies"], Ending.self)
    #expect(ending.status == 0)
    #expect(ending.seconds < 20)
  }
}
