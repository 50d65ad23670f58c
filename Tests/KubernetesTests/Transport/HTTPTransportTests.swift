import ControlPlaneTestSupport
import Testing

@testable import Connections
@testable import Kubernetes

struct HTTPTransportTests {
  @Test("Requests arrive as they were made, and answers as they were given")
  func exchange() async throws {
    let server = try ScriptedServer { request, answer in
      let seen = request.headers["x-mark"] ?? ""
      answer.respond(String(decoding: request.body, as: UTF8.self), status: 201, headers: ["X-Seen": seen])
      return .keep
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
      let response = try await HTTPTransport().send(
        OutgoingRequest(
          method: method, url: "\(server.url)/a?b=c", headers: [.init("X-Mark", "here")], body: Array("text".utf8)))
      #expect(response.status == 201)
      #expect(response.head["x-seen"] == "here")
      #expect(try await response.body.collect(upTo: 10) == Array("text".utf8))
      #expect(server.requests.last?.method == method)
      #expect(server.requests.last?.target == "/a?b=c")
    }
  }

  @Test("A connection serves one request after the other")
  func reuse() async throws {
    let server = try ScriptedServer { _, answer in
      answer.respond("ok")
      return .keep
    }
    let transport = HTTPTransport()
    for _ in 0..<5 {
      let response = try await transport.send(OutgoingRequest(url: server.url))
      _ = try await response.body.collect(upTo: 10)
    }
    #expect(server.requests.count == 5)
    #expect(server.connectionCount == 1)
  }

  @Test("Many requests are under way at once on one thread")
  func many() async throws {
    let server = try ScriptedServer { request, answer in
      answer.respond(request.target)
      return .keep
    }
    let transport = HTTPTransport()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<100 {
        group.addTask {
          let response = try await transport.send(OutgoingRequest(url: "\(server.url)/\(number)"))
          #expect(try await response.body.collect(upTo: 10) == Array("/\(number)".utf8))
        }
      }
      try await group.waitForAll()
    }
  }

  @Test("A reader that lags behind holds the sender up, and loses nothing")
  func backPressure() async throws {
    let megabyte = String(repeating: "x", count: 1 << 20)
    let sent = Counter()
    let server = try ScriptedServer { _, answer in
      answer.startStream()
      for _ in 0..<64 {
        guard answer.chunk(megabyte) else { break }
        sent.increment()
      }
      answer.endStream()
      return .keep
    }
    let response = try await HTTPTransport().send(OutgoingRequest(url: server.url, delivery: .streamed, timeout: nil))
    // Buffers here and in the kernel fill up, and then nothing moves any more.
    var before = -1
    try await eventually("the sender is held up") {
      defer { before = sent.value }
      try await Task.sleep(for: .milliseconds(100))
      return sent.value > 0 && sent.value == before
    }
    #expect(sent.value < 60)
    var count = 0
    for try await chunk in response.body { count += chunk.count }
    #expect(count == 64 << 20)
  }

  @Test("A cancelled task gives its exchange up at once", arguments: [false, true])
  func cancellation(inBody: Bool) async throws {
    let closed = Counter()
    let arrived = Counter()
    let server = try ScriptedServer { _, answer in
      if inBody {
        answer.startStream()
        answer.chunk("part")
      }
      arrived.increment()
      answer.waitForClose()
      closed.increment()
      return .close
    }
    let transport = HTTPTransport()
    let task = Task {
      let response = try await transport.send(OutgoingRequest(url: server.url, timeout: nil))
      for try await _ in response.body {}
    }
    try await eventually("the request arrives") { arrived.value == 1 }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    try await eventually("the connection is closed") { closed.value == 1 }
  }

  @Test("A body that nobody reads to its end is given up")
  func droppedBody() async throws {
    let closed = Counter()
    let server = try ScriptedServer { _, answer in
      answer.startStream()
      answer.chunk("part")
      answer.waitForClose()
      closed.increment()
      return .close
    }
    let transport = HTTPTransport()
    #expect(try await transport.send(OutgoingRequest(url: server.url, timeout: nil)).status == 200)
    try await eventually("the connection is closed") { closed.value == 1 }
    _ = transport
  }

  @Test("A transport that is let go closes its connections")
  func release() async throws {
    let closed = Counter()
    let server = try ScriptedServer { _, answer in
      answer.respond("ok")
      answer.waitForClose()
      closed.increment()
      return .close
    }
    do {
      let response = try await HTTPTransport().send(OutgoingRequest(url: server.url))
      _ = try await response.body.collect(upTo: 10)
    }
    try await eventually("the connection is closed") { closed.value == 1 }
  }

  @Test("A request that may not be repeated reaches the server once, even when a kept connection breaks under it")
  func brokenConnection() async throws {
    let server = try ScriptedServer { request, answer in
      if request.target == "/break" { return .close }
      answer.respond("ok")
      return .keep
    }
    for isRepeatable in [false, true] {
      let transport = HTTPTransport()
      let first = try await transport.send(OutgoingRequest(url: server.url))
      _ = try await first.body.collect(upTo: 10)
      let count = server.requests.count
      let error = await #expect(throws: TransportError.self) {
        try await transport.send(
          OutgoingRequest(method: "POST", url: "\(server.url)/break", body: [1, 2], isRepeatable: isRepeatable))
      }
      #expect(error?.code == .broken)
      #expect(error?.mayHaveReachedServer == true)
      #expect(server.requests.count - count == (isRepeatable ? 2 : 1))
    }
  }

  @Test("What keeps a response from coming is told")
  func errors() async throws {
    let port = try LoopbackListener.freePort()
    let refused = await #expect(throws: TransportError.self) {
      try await HTTPTransport().send(OutgoingRequest(url: "http://127.0.0.1:\(port)"))
    }
    #expect(refused?.code == .notConnected)
    #expect(refused?.mayHaveReachedServer == false)

    let silent = try ScriptedServer { _, answer in
      answer.waitForClose()
      return .close
    }
    let late = await #expect(throws: TransportError.self) {
      try await HTTPTransport().send(OutgoingRequest(url: silent.url, timeout: .milliseconds(50)))
    }
    #expect(late?.code == .timedOut)
    #expect(late?.mayHaveReachedServer == true)
    let idle = await #expect(throws: TransportError.self) {
      try await HTTPTransport().send(OutgoingRequest(url: silent.url, timeout: nil, idleTimeout: .milliseconds(200)))
    }
    #expect(idle?.code == .timedOut)

    let garbage = try ScriptedServer { _, answer in
      answer.raw("SSH-2.0-OpenSSH_9.2\r\n")
      return .close
    }
    let noHTTP = await #expect(throws: TransportError.self) {
      try await HTTPTransport().send(OutgoingRequest(url: garbage.url))
    }
    #expect(noHTTP?.code == .invalidResponse)

    for url in ["", "no url at all", "file:///etc/passwd", "http://[", "ftp://127.0.0.1/"] {
      let invalid = await #expect(throws: TransportError.self, "\(url)") {
        try await HTTPTransport().send(OutgoingRequest(url: url))
      }
      #expect(invalid?.code == .invalidRequest)
    }
    let injected = await #expect(throws: TransportError.self) {
      try await HTTPTransport().send(
        OutgoingRequest(url: silent.url, headers: [.init("Authorization", "Bearer a\r\nX-Other: b")]))
    }
    #expect(injected?.code == .invalidRequest)
    #expect(injected?.message.contains("Bearer") == false)
  }

  @Test("A head without end, and a body longer than allowed, are refused")
  func bounds() async throws {
    let server = try ScriptedServer { request, answer in
      if request.target == "/body" {
        answer.respond(String(repeating: "x", count: 1000))
      } else {
        answer.raw("HTTP/1.1 200 OK\r\n")
        while answer.raw("X-Long: \(String(repeating: "x", count: 10_000))\r\n") {}
      }
      return .close
    }
    let head = await #expect(throws: TransportError.self) {
      try await HTTPTransport().send(OutgoingRequest(url: server.url))
    }
    #expect(head?.code == .invalidResponse)
    let body = await #expect(throws: TransportError.self) {
      try await HTTPTransport().send(OutgoingRequest(url: "\(server.url)/body")).body.collect(upTo: 999)
    }
    #expect(body?.code == .invalidResponse)
  }

  @Test("Interim heads and trailers are passed over")
  func interimHeads() async throws {
    let server = try ScriptedServer { _, answer in
      answer.raw("HTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      answer.chunk("ok")
      answer.raw("0\r\nX-B: late\r\n\r\n")
      return .close
    }
    let response = try await HTTPTransport().send(OutgoingRequest(url: server.url))
    #expect(response.status == 200)
    #expect(response.head["X-A"] == nil)
    #expect(try await response.body.collect(upTo: 2) == Array("ok".utf8))
    #expect(response.head["X-B"] == nil)
  }
}
