import ControlPlaneTestSupport
import Foundation
import Testing

@testable import Connections
@testable import Formats
@testable import Kubernetes
@testable import Model

struct APIClientTests {
  static let pod = #"{"metadata":{"name":"web","namespace":"shop","uid":"u","resourceVersion":"1"},"spec":{}}"#

  static func status(_ code: Int, _ reason: String, retryAfter: Int? = nil) -> String {
    let details = retryAfter.map { #","details":{"retryAfterSeconds":\#($0)}"# } ?? ""
    return #"{"kind":"Status","status":"Failure","code":\#(code),"reason":"\#(reason)","message":"because"\#(details)}"#
  }

  @Test("Requests have the paths, queries and types that the API wants")
  func requests() async throws {
    let server = try ScriptedServer { _, answer in
      answer.respond(Self.pod)
      return .keep
    }
    let client = server.client()
    _ = try await client.get(.nodes, "node:1/2")
    _ = try await client.get(.deployments, "web", in: "shop", subresource: "scale")
    _ = try await client.create(.pods, JSONValue.object([:]), in: "shop")
    _ = try await client.update(.pods, "web", JSONValue.object([:]), in: "shop", subresource: "status")
    _ = try await client.patch(.pods, "web", .json([.test("/a~1b", 1), .remove("/c")]), in: "shop")
    _ = try await client.patch(.pods, "web", .merge(["a": 1]), in: "shop")
    _ = try await client.patch(.pods, "web", .apply(["a": 1], force: true), in: "shop", subresource: "status")
    try await client.delete(.pods, "web", in: "shop", uid: "u", propagation: .foreground, gracePeriod: .seconds(3))
    try await client.bind(ObjectKey(namespace: "shop", name: "web"), uid: "u", to: "node-1")
    let seen = server.requests.map { "\($0.method) \($0.target) \($0.headers["content-type"] ?? "-")" }
    let pods = "/api/v1/namespaces/shop/pods"
    #expect(
      seen == [
        "GET /api/v1/nodes/node%3A1%2F2 -",
        "GET /apis/apps/v1/namespaces/shop/deployments/web/scale -",
        "POST \(pods)?fieldManager=tonari application/json",
        "PUT \(pods)/web/status?fieldManager=tonari application/json",
        "PATCH \(pods)/web?fieldManager=tonari application/json-patch+json",
        "PATCH \(pods)/web?fieldManager=tonari application/merge-patch+json",
        "PATCH \(pods)/web/status?fieldManager=tonari&force=true application/apply-patch+yaml",
        "DELETE \(pods)/web application/json",
        "POST \(pods)/web/binding?fieldManager=tonari application/json",
      ])
    let bodies = try server.requests.suffix(5).map { try RawObject(json: $0.body.isEmpty ? [] : Self.object($0.body)) }
    #expect(try bodies[3].decode(JSONValue.self)["preconditions"]?["uid"]?.string == "u")
    #expect(try bodies[3].decode(JSONValue.self)["gracePeriodSeconds"]?.integer == 3)
    #expect(try bodies[4].decode(JSONValue.self)["target"]?["name"]?.string == "node-1")
  }

  /// JSON that is an object, with a list put into one.
  static func object(_ json: [UInt8]) -> [UInt8] {
    json.first == UInt8(ascii: "[") ? Array(#"{"list":"#.utf8) + json + Array("}".utf8) : json
  }

  @Test("A name or namespace that would lead elsewhere is refused before anything is sent")
  func paths() async throws {
    let server = try ScriptedServer { _, _ in .close }
    let client = server.client()
    for (name, namespace) in [("", "shop"), ("..", "shop"), ("web", ""), ("web", nil)] as [(String, String?)] {
      let error = await #expect(throws: APIError.self) { try await client.get(.pods, name, in: namespace) }
      #expect(error?.code == .invalidRequest)
    }
    let error = await #expect(throws: APIError.self) { try await client.get(.nodes, "node-1", in: "shop") }
    #expect(error?.code == .invalidRequest)
    #expect(server.requests.isEmpty)
  }

  @Test("An error carries the API's status")
  func apiStatus() async throws {
    let server = try ScriptedServer { _, answer in
      answer.respond(
        """
        {"kind":"Status","status":"Failure","code":422,"reason":"Invalid","message":"Pod \\"web\\" is invalid",
        "details":{"name":"web","kind":"Pod","causes":[{"reason":"FieldValueInvalid","field":"spec.x","message":"no"}]}}
        """, status: 422)
      return .keep
    }
    let error = await #expect(throws: APIError.self) {
      try await server.client().create(.pods, JSONValue.object([:]), in: "shop")
    }
    #expect(error?.code == .refused)
    #expect(error?.status?.reason == "Invalid")
    #expect(error?.status?.details?.causes?.first?.field == "spec.x")
    #expect(error?.description.contains("POST /api/v1/namespaces/shop/pods: HTTP 422 Invalid: Pod") == true)
    #expect(server.requests.count == 1)
  }

  @Test(
    "What an error says of itself",
    arguments: [
      (404, "NotFound"), (409, "Conflict"), (409, "AlreadyExists"), (410, "Expired"), (403, "Forbidden"),
      (401, "Unauthorized"),
    ])
  func kinds(code: Int, reason: String) async throws {
    let server = try ScriptedServer { _, answer in
      answer.respond(Self.status(code, reason), status: code)
      return .keep
    }
    let error = try #require(
      await #expect(throws: APIError.self) { try await server.client().get(.pods, "web", in: "shop") })
    #expect(error.isNotFound == (reason == "NotFound"))
    #expect(error.isConflict == (reason == "Conflict"))
    #expect(error.isAlreadyExists == (reason == "AlreadyExists"))
    #expect(error.isExpired == (reason == "Expired"))
    #expect(error.isForbidden == (reason == "Forbidden"))
    #expect(error.isUnauthorized == (reason == "Unauthorized"))
    #expect(server.requests.count == 1)
  }

  @Test("A request that is turned away with 429 is sent again after Retry-After, whatever it is")
  func tooManyRequests() async throws {
    let server = try ScriptedServer { request, answer in
      if request.index == 0 {
        answer.respond("slow down", status: 429, headers: ["Retry-After": "1"])
      } else {
        answer.respond(Self.pod)
      }
      return .keep
    }
    let start = ContinuousClock.now
    _ = try await server.client().create(.pods, JSONValue.object([:]), in: "shop")
    #expect(start.duration(to: .now) >= .seconds(1))
    #expect(server.requests.count == 2)
  }

  @Test("A request is not sent again where the server asks to wait for very long")
  func longRetryAfter() async throws {
    let server = try ScriptedServer { _, answer in
      answer.respond(Self.status(429, "TooManyRequests", retryAfter: 3600), status: 429)
      return .keep
    }
    let error = await #expect(throws: APIError.self) { try await server.client().get(.pods, "web", in: "shop") }
    #expect(error?.retryAfter == .seconds(3600))
    #expect(server.requests.count == 1)
  }

  @Test(
    "What may be repeated is, after any failure that may pass; what may not is sent once",
    arguments: [
      "close", "garbage", "half", "500", "truncated", "notJSON",
    ])
  func repetition(fault: String) async throws {
    let server = try ScriptedServer { request, answer in
      guard request.index % 3 < 2 else {
        answer.respond(Self.pod)
        return .keep
      }
      switch fault {
      case "close": break
      case "garbage": answer.raw("\u{1}\u{2}\u{3}\r\n\r\n")
      case "half": answer.raw("HTTP/1.1 200 OK\r\nContent-Le")
      case "truncated": answer.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"metadata\"")
      case "notJSON": answer.respond("<html>It works!</html>")
      default: answer.respond(Self.status(500, "InternalError"), status: 500)
      }
      return .close
    }
    let client = server.client()
    #expect(try await client.get(.pods, "web", in: "shop").key.name == "web")
    #expect(server.requests.count == 3)
    let error = await #expect(throws: APIError.self) {
      try await client.create(.pods, JSONValue.object([:]), in: "shop")
    }
    #expect(error?.mayHaveTakenEffect == true)
    #expect(server.requests.filter { $0.method == "POST" }.count == 1)
  }

  @Test("A server that is not there yet is tried again, whatever the request is")
  func unreachable() async throws {
    let port = try LoopbackListener.freePort()
    let client = APIClient(
      ClientConfiguration(server: "http://127.0.0.1:\(port)"),
      retries: RetryPolicy(attempts: 1000, backoff: Backoff(shortest: .milliseconds(5), longest: .milliseconds(20))),
      logger: .silent)
    let creation = Task { try await client.create(.pods, JSONValue.object([:]), in: "shop") }
    try await Task.sleep(for: .milliseconds(30))
    let listener = try LoopbackListener(port: port) { connection in
      _ = receive(from: connection)
      send("HTTP/1.1 201 Created\r\nContent-Length: \(Self.pod.utf8.count)\r\n\r\n\(Self.pod)".utf8, to: connection)
    }
    #expect(try await creation.value.key.name == "web")
    listener.stop()
  }

  @Test("A server that is too slow is given up and tried again")
  func slow() async throws {
    let server = try ScriptedServer { request, answer in
      if request.index == 0 {
        answer.waitForClose()
        return .close
      }
      answer.respond(Self.pod)
      return .keep
    }
    let client = server.client(timeout: .milliseconds(100))
    #expect(try await client.get(.pods, "web", in: "shop").key.name == "web")
    #expect(server.connectionCount == 2)
  }

  @Test("A page that breaks off is read again; an item is never there twice")
  func brokenPage() async throws {
    let server = try ScriptedServer { request, answer in
      let items = #"{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}"#
      if request.index == 0 {
        answer.startStream()
        answer.chunk(#"{"metadata":{"resourceVersion":"5"},"items":[\#(items),{"metadata":{"#)
        return .close
      }
      answer.respond(#"{"metadata":{"resourceVersion":"5"},"items":[\#(items)]}"#)
      return .keep
    }
    let list = try await server.client().list(.nodes)
    #expect(list.items.map(\.key.name) == ["a", "b"])
    #expect(list.resourceVersion == "5")
    #expect(server.requests.count == 2)
  }

  @Test("A list whose place expires is read again, in one go")
  func expiredContinue() async throws {
    let server = try ScriptedServer { request, answer in
      if request.target.contains("continue=") {
        answer.respond(Self.status(410, "Expired"), status: 410)
      } else if request.target.contains("limit=") {
        answer.respond(
          #"{"metadata":{"resourceVersion":"5","continue":"a+b/c=="},"items":[{"metadata":{"name":"a"}}]}"#)
      } else {
        answer.respond(
          #"{"metadata":{"resourceVersion":"6"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#)
      }
      return .keep
    }
    let list = try await server.client().list(.nodes, ObjectSelection(labels: "a=b,c!=d"), pageSize: 1)
    #expect(list.items.map(\.key.name) == ["a", "b"])
    #expect(list.resourceVersion == "6")
    #expect(
      server.requests.map(\.target) == [
        "/api/v1/nodes?labelSelector=a%3Db%2Cc%21%3Dd&limit=1",
        "/api/v1/nodes?labelSelector=a%3Db%2Cc%21%3Dd&limit=1&continue=a%2Bb%2Fc%3D%3D",
        "/api/v1/nodes?labelSelector=a%3Db%2Cc%21%3Dd",
      ])
  }

  @Test("What a transform throws comes out at once, as it is")
  func transformFailure() async throws {
    struct Oops: Error {}
    let server = try ScriptedServer { _, answer in
      answer.respond(#"{"metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"a"}}]}"#)
      return .keep
    }
    await #expect(throws: Oops.self) { try await server.client().list(.nodes) { _ -> Int? in throw Oops() } }
    #expect(server.requests.count == 1)
  }

  @Test("Events come one by one, however their lines are cut, and the end of the watch is the end")
  func watch() async throws {
    let server = try ScriptedServer { _, answer in
      answer.startStream()
      answer.chunk(#"{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"6"}}}"# + "\n{\"ty")
      answer.chunk(#"pe":"DELETED","object":{"metadata":{"name":"a","resourceVersion":"7"}}}"# + "\n")
      answer.chunk(#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"# + "\n")
      answer.endStream()
      return .keep
    }
    var seen: [String] = []
    for try await event in try await server.client().watch(.pods, from: "5") { seen.append("\(event.resourceVersion)") }
    #expect(seen == ["6", "7", "9"])
    let target = try #require(server.requests.first?.target)
    #expect(target.hasPrefix("/api/v1/pods?watch=true&resourceVersion=5&allowWatchBookmarks=true&timeoutSeconds="))
  }

  /// What a watch may answer that is no watch, and the error that it is.
  static let brokenWatches: [(String, APIError.Code)] = [
    ("half", .unreachable), ("garbage", .invalidResponse), ("cut", .unreachable), ("silent", .timedOut),
    ("huge", .invalidResponse), ("gone", .refused), ("error", .refused),
  ]

  @Test("A watch that goes wrong ends in an error after the events that were good", arguments: brokenWatches)
  func brokenWatch(fault: String, code: APIError.Code) async throws {
    let event = #"{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"6"}}}"# + "\n"
    let server = try ScriptedServer { _, answer in
      if fault == "gone" {
        answer.respond(Self.status(410, "Gone"), status: 410)
        return .keep
      }
      answer.startStream()
      answer.chunk(event)
      switch fault {
      case "half":
        answer.chunk(String(event.prefix(30)))
        answer.endStream()
      case "garbage": answer.chunk("\u{0}\u{7F}what?\n")
      case "silent": answer.waitForClose()
      case "error": answer.chunk(#"{"type":"ERROR","object":\#(Self.status(410, "Expired"))}"# + "\n")
      case "huge": while answer.chunk(String(repeating: "x", count: 1 << 20)) {}
      default: break
      }
      return .close
    }
    var seen = 0
    let idleTimeout: Duration = fault == "silent" ? .milliseconds(200) : .seconds(60)
    let error = await #expect(throws: APIError.self) {
      for try await _ in try await server.client().watch(.pods, from: "5", idleTimeout: idleTimeout) {
        seen += 1
      }
    }
    #expect(error?.code == code)
    #expect(seen == (fault == "gone" ? 0 : 1))
    #expect(error?.isExpired == (fault == "gone" || fault == "error"))
    #expect(server.requests.count == 1)
  }

  @Test("An eviction that a disruption budget forbids is not tried again")
  func eviction() async throws {
    let server = try ScriptedServer { _, answer in
      answer.respond(Self.status(429, "TooManyRequests", retryAfter: 1), status: 429)
      return .keep
    }
    let error = await #expect(throws: APIError.self) {
      try await server.client().evict(ObjectKey(namespace: "shop", name: "web"))
    }
    #expect(error?.status?.code == 429)
    #expect(server.requests.count == 1)
  }
}
