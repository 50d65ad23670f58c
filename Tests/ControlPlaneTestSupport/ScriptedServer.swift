import Connections
import Foundation
package import Kubernetes
import Synchronization

/// An HTTP server that answers what a test tells it, byte for byte.
package final class ScriptedServer: Sendable {
  /// A request that has come in.
  package struct Request: Sendable {
    /// The method.
    package var method: String
    /// Path and query.
    package var target: String
    /// The header fields, by name in lower case.
    package var headers: [String: String]
    /// The body.
    package var body: [UInt8]
    /// How many requests came before this one.
    package var index: Int
    /// The connection, from 0.
    package var connection: Int

    /// The target less its query.
    package var path: String { String(target.prefix { $0 != "?" }) }
  }

  /// Where an answer goes.
  package struct Answer {
    fileprivate let connection: Int32

    /// Sends text as it is; false where the client is gone.
    @discardableResult
    package func raw(_ text: String) -> Bool { send(text.utf8, to: connection) }

    /// Sends a whole response.
    package func respond(_ body: String, status: Int = 200, headers: [String: String] = [:]) {
      let fields = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
      raw("HTTP/1.1 \(status) Answer\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// Starts a response of unknown length.
    package func startStream() { raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") }

    /// Sends a part of it; false where the client is gone.
    @discardableResult
    package func chunk(_ text: String) -> Bool { raw("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n") }

    /// Ends it.
    package func endStream() { raw("0\r\n\r\n") }

    /// Waits until the client closes the connection.
    package func waitForClose() { while !receive(from: connection).isEmpty {} }
  }

  /// What becomes of the connection after an answer.
  package enum Then: Sendable {
    /// It waits for the next request.
    case keep
    /// It is closed.
    case close
  }

  private struct Log {
    var requests: [Request] = []
    var connections = 0
  }

  private let log: SharedLog
  private let listener: LoopbackListener

  private final class SharedLog: Sendable {
    let value = Mutex(Log())
  }

  /// Listens on a loopback port that is free. Each connection has a thread of its own.
  package init(_ handle: @escaping @Sendable (Request, Answer) -> Then) throws {
    let log = SharedLog()
    self.log = log
    listener = try LoopbackListener { connection in
      let number = log.value.withLock {
        $0.connections += 1
        return $0.connections - 1
      }
      var rest: [UInt8] = []
      while var request = Self.readRequest(connection, &rest) {
        request.connection = number
        let numbered = log.value.withLock { log in
          request.index = log.requests.count
          log.requests.append(request)
          return request
        }
        if case .close = handle(numbered, Answer(connection: connection)) { return }
      }
    }
  }

  /// The port.
  package var port: UInt16 { listener.port }
  /// The address.
  package var url: String { "http://127.0.0.1:\(port)" }
  /// The requests so far.
  package var requests: [Request] { log.value.withLock { $0.requests } }
  /// How many connections there have been.
  package var connectionCount: Int { log.value.withLock { $0.connections } }

  /// A client of this server that waits very little between tries.
  package func client(attempts: Int = 5, timeout: Duration = .seconds(20)) -> APIClient {
    let backoff = Backoff(shortest: .milliseconds(1), longest: .milliseconds(20))
    return APIClient(
      ClientConfiguration(server: url), retries: RetryPolicy(attempts: attempts, backoff: backoff), timeout: timeout,
      logger: .silent)
  }

  private static func readRequest(_ connection: Int32, _ rest: inout [UInt8]) -> Request? {
    func more() -> Bool {
      let bytes = receive(from: connection)
      rest += bytes
      return !bytes.isEmpty
    }
    let end = Array("\r\n\r\n".utf8)
    while rest.firstRange(of: end) == nil { guard more() else { return nil } }
    guard let head = rest.firstRange(of: end) else { return nil }
    let lines = String(decoding: rest[..<head.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    rest.removeFirst(head.upperBound)
    let words = lines[0].split(separator: " ").map(String.init)
    var request = Request(method: words[0], target: words[1], headers: [:], body: [], index: 0, connection: 0)
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      request.headers[parts[0].lowercased()] = parts.count > 1 ? parts[1] : ""
    }
    let length = request.headers["content-length"].flatMap { Int($0) } ?? 0
    while rest.count < length { guard more() else { return nil } }
    request.body = Array(rest[..<length])
    rest.removeFirst(length)
    return request
  }
}
