import Foundation
import Glibc
import SelectorProtocol
import SwiftProtobuf

@testable import SelectorServer

/// The other end of a framed connection, with blocking calls that give up after ten seconds.
final class FramedPeer {
  let descriptor: Int32
  private var received: [UInt8] = []

  init(_ address: FramedAddress) throws {
    switch address.kind {
    case .unix(let path):
      descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
      try connect(&name)
    case .tcp(_, let port), .tls(_, let port):
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_port = port.bigEndian
      name.sin_addr.s_addr = inet_addr("127.0.0.1")
      try connect(&name)
    }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  deinit {
    close(descriptor)
  }

  private func connect<Address>(_ address: inout Address) throws {
    let length = socklen_t(MemoryLayout<Address>.size)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) }
    }
    guard status == 0 else { throw Frames.Broken(what: String(cString: strerror(errno))) }
  }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { throw Frames.Broken(what: "cannot send: \(String(cString: strerror(errno)))") }
      rest = rest.dropFirst(count)
    }
  }

  func send(_ envelopes: Tonari_Selector_V1_Envelope...) throws {
    try send(envelopes.flatMap { try Frames.bytes($0) })
  }

  /// Sends as much as the connection takes at present; answers how much that is.
  func sendWithoutWaiting(_ bytes: [UInt8]) -> Int {
    bytes.withUnsafeBytes {
      max(0, Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)))
    }
  }

  /// The next answer; nil where the connection has ended.
  func next() throws -> Tonari_Selector_V1_Envelope? {
    while true {
      if let length = Frames.length(received) {
        defer { received.removeFirst(length) }
        return try Frames.envelopes(Array(received.prefix(length))).first
      }
      let more = try receive()
      guard !more.isEmpty else { return nil }
      received += more
    }
  }

  /// What comes next; nothing where the connection has ended.
  func receive() throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count == 0 || (count < 0 && errno == ECONNRESET) { return [] }
    guard count > 0 else { throw Frames.Broken(what: "no answer: \(String(cString: strerror(errno)))") }
    return Array(buffer.prefix(count))
  }

  /// The next answers.
  func next(_ count: Int) throws -> [Tonari_Selector_V1_Envelope] {
    try (0..<count).map { _ in
      guard let answer = try next() else { throw Frames.Broken(what: "the connection has ended") }
      return answer
    }
  }
}
