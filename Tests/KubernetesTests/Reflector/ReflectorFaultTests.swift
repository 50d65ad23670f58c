import ControlPlaneTestSupport
import Foundation
import Testing

@testable import Connections
@testable import Kubernetes
@testable import Model

/// Reflectors with servers that misbehave as no real one does on demand.
struct ReflectorFaultTests {
  static func reflector(_ server: ScriptedServer, idleTimeout: Duration = .seconds(60)) -> Reflector<String> {
    Reflector(
      .nodes, client: server.client(attempts: 1), idleTimeout: idleTimeout,
      backoff: Backoff(shortest: .milliseconds(1), longest: .milliseconds(5)), logger: .silent
    ) { object in
      if object.key.name == "bad" { throw APIError(code: .invalidResponse, message: "bad") }
      return object.resourceVersion
    }
  }

  static func object(_ name: String, _ version: Int) -> String {
    #"{"metadata":{"name":"\#(name)","resourceVersion":"\#(version)"}}"#
  }

  static func event(_ type: String, _ name: String, _ version: Int) -> String {
    #"{"type":"\#(type)","object":\#(object(name, version))}"# + "\n"
  }

  /// Answers with a list, or with what `watch` does for the watch of that number, from 0; at last with good order.
  static func server(
    _ list: [String] = [object("a", 1)], watches: @escaping @Sendable (Int, ScriptedServer.Answer) -> Bool
  ) throws -> ScriptedServer {
    let count = Counter()
    return try ScriptedServer { request, answer in
      guard request.target.contains("watch=true") else {
        answer.respond(#"{"metadata":{"resourceVersion":"5"},"items":[\#(list.joined(separator: ","))]}"#)
        return .keep
      }
      let number = count.value
      count.increment()
      if watches(number, answer) { return .close }
      answer.startStream()
      answer.chunk(event("ADDED", "last", 100))
      answer.waitForClose()
      return .close
    }
  }

  static func run(_ reflector: Reflector<String>, until isDone: () -> Bool) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await reflector.run() }
      try await eventually("it is done", isDone)
      group.cancelAll()
    }
  }

  static func versions(_ server: ScriptedServer) -> [String] {
    server.requests.compactMap { request in
      request.target.split(separator: "&").first { $0.hasPrefix("resourceVersion=") }.map { String($0.dropFirst(16)) }
    }
  }

  static let faults = ["half", "garbage", "noObject", "unknownType", "html", "500", "silent"]

  @Test("After whatever nonsense a watch told, it goes on from the last good event", arguments: faults)
  func nonsense(fault: String) async throws {
    let server = try Self.server { number, answer in
      guard number < 2 else { return false }
      if fault == "500" {
        answer.respond(APIClientTests.status(500, "InternalError"), status: 500)
        return true
      }
      answer.startStream()
      answer.chunk(Self.event("ADDED", "b\(number)", 10 + number))
      switch fault {
      case "half": answer.chunk(String(Self.event("DELETED", "a", 12).dropLast(20)))
      case "garbage": answer.chunk("\u{1}\u{2}\n")
      case "noObject": answer.chunk(#"{"type":"ADDED","object":[]}"# + "\n")
      case "unknownType": answer.chunk(Self.event("RENAMED", "a", 12))
      case "silent":
        answer.waitForClose()
        return true
      default: answer.chunk("<html>It works!</html>\n")
      }
      answer.endStream()
      return true
    }
    let reflector = Self.reflector(server, idleTimeout: fault == "silent" ? .milliseconds(200) : .seconds(60))
    try await Self.run(reflector) { reflector[ObjectKey(name: "last")] != nil }
    let names = Set(reflector.snapshot.map(\.key.name))
    #expect(names == (fault == "500" ? ["a", "last"] : ["a", "b0", "b1", "last"]))
    #expect(Self.versions(server) == (fault == "500" ? ["5", "5", "5"] : ["5", "10", "11"]))
  }

  @Test("A watch that never makes sense leads to a fresh list")
  func relist() async throws {
    let server = try Self.server { number, answer in
      guard number < 3 else { return false }
      answer.respond(APIClientTests.status(504, "Timeout"), status: 504)
      return true
    }
    let reflector = Self.reflector(server)
    try await Self.run(reflector) { reflector[ObjectKey(name: "last")] != nil }
    #expect(server.requests.filter { !$0.target.contains("watch=true") }.count == 2)
  }

  @Test("A server that answers drop by drop is followed all the same")
  func slowServer() async throws {
    let server = try ScriptedServer { request, answer in
      answer.startStream()
      let text =
        request.target.contains("watch=true")
        ? Self.event("ADDED", "last", 6) : #"{"metadata":{"resourceVersion":"5"},"items":[\#(Self.object("a", 1))]}"#
      for character in text {
        answer.chunk(String(character))
        Thread.sleep(forTimeInterval: 0.001)
      }
      answer.endStream()
      return .keep
    }
    let reflector = Self.reflector(server)
    try await Self.run(reflector) { reflector[ObjectKey(name: "last")] != nil }
    #expect(Set(reflector.snapshot.map(\.key.name)) == ["a", "last"])
  }

  @Test("A bookmark moves the place on from which the next watch starts")
  func bookmark() async throws {
    let server = try Self.server { number, answer in
      guard number < 1 else { return false }
      answer.startStream()
      answer.chunk(#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"42"}}}"# + "\n")
      answer.endStream()
      return true
    }
    let reflector = Self.reflector(server)
    try await Self.run(reflector) { reflector[ObjectKey(name: "last")] != nil }
    #expect(Self.versions(server) == ["5", "42"])
  }

  @Test("An object that cannot be read is left out, also when it could be before")
  func unreadableObject() async throws {
    let server = try Self.server([Self.object("a", 1), Self.object("bad", 2)]) { _, _ in false }
    let reflector = Self.reflector(server)
    try await Self.run(reflector) { reflector[ObjectKey(name: "last")] != nil }
    #expect(Set(reflector.snapshot.map(\.key.name)) == ["a", "last"])
  }

  @Test("An object that has not changed is not made again by a fresh list")
  func reuse() async throws {
    let made = Counter()
    let server = try Self.server([Self.object("a", 1), Self.object("b", 2)]) { number, answer in
      guard number < 2 else { return false }
      answer.startStream()
      answer.chunk(Self.event("BOOKMARK", "", 50))
      answer.chunk(#"{"type":"ERROR","object":\#(APIClientTests.status(410, "Expired"))}"# + "\n")
      answer.endStream()
      return true
    }
    let reflector = Reflector(
      .nodes, client: server.client(attempts: 1),
      backoff: Backoff(shortest: .milliseconds(1), longest: .milliseconds(5)), logger: .silent
    ) { object in
      made.increment()
      return object.resourceVersion
    }
    try await Self.run(reflector) { reflector[ObjectKey(name: "last")] != nil }
    #expect(server.requests.filter { !$0.target.contains("watch=true") }.count == 3)
    #expect(made.value == 3)
  }

  @Test("Who waits for the first list is told of an empty one, and of the end")
  func emptyList() async throws {
    let server = try Self.server([]) { _, answer in
      answer.startStream()
      answer.waitForClose()
      return true
    }
    let reflector = Self.reflector(server)
    #expect(reflector.staleness() == nil)
    let task = Task { await reflector.run() }
    try await reflector.waitUntilSynced()
    #expect(reflector.health.isSynced)
    #expect(reflector.snapshot.count == 0)
    task.cancel()
    await task.value

    let never = Self.reflector(server)
    let waiting = Task { try await never.waitUntilSynced() }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
  }
}
