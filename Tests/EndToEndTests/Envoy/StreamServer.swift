import ControlPlaneTestSupport
import Foundation

/// A server of HTTP/1 whose answers end when they are told to: a body in pieces, or an upgraded connection that echoes.
final class StreamServer: Sendable {
  private let listener: LoopbackListener
  private let finished: DispatchSemaphore

  /// Where it listens.
  var port: UInt16 { listener.port }

  init() throws {
    let finished = DispatchSemaphore(value: 0)
    self.finished = finished
    listener = try LoopbackListener { descriptor in
      // Whoever goes before its end is not waited for.
      try? Self.serve(LoopbackConnection(descriptor), finished)
    }
  }

  /// Ends an answer.
  func finish() { finished.signal() }

  private static func serve(_ connection: LoopbackConnection, _ finished: DispatchSemaphore) throws {
    let head = try connection.receive(until: "\r\n\r\n")
    guard head.lowercased().contains("upgrade: websocket") else {
      try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntea\r\n")
      finished.wait()
      return try connection.send("0\r\n\r\n")
    }
    try connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    try connection.send(try connection.receive(until: "tea"))
    finished.wait()
  }
}
