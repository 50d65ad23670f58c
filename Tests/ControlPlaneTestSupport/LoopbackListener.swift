import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Takes TCP connections on a loopback port, each on a thread of its own. For tests.
package final class LoopbackListener: Sendable {
  /// The port.
  package let port: UInt16
  private let descriptor: Int32
  private let isOpen = Mutex(true)

  /// Listens.
  ///
  /// - Parameters:
  ///   - port: The port; 0 for any that is free.
  ///   - serve: Serves a connection, whose descriptor is closed afterwards.
  package init(port: UInt16 = 0, serve: @escaping @Sendable (Int32) -> Void) throws {
    let descriptor = try Self.makeSocket()
    self.descriptor = descriptor
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var address = Self.loopback(port)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
    }
    guard isBound == 0, listen(descriptor, 64) == 0 else {
      close(descriptor)
      throw TestFailure("port \(port): \(String(cString: strerror(errno)))")
    }
    var length = size
    _ = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    self.port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread {
      while true {
        let connection = accept(descriptor, nil, nil)
        if connection < 0 {
          if errno == EINTR || errno == ECONNABORTED { continue }
          break
        }
        Self.prepare(connection)
        Thread.detachNewThread {
          serve(connection)
          close(connection)
        }
      }
      close(descriptor)
    }
  }

  deinit { stop() }

  /// Takes no more connections.
  package func stop() {
    isOpen.withLock { isOpen in
      // The thread that accepts closes the descriptor.
      if isOpen { shutdown(descriptor, Int32(SHUT_RDWR)) }
      isOpen = false
    }
  }

  /// The ports that were said to be free.
  private static let given = Mutex<Set<UInt16>>([])

  /// A port that is free at the moment, and that nobody gets by asking the system for any: it lies below those that are
  /// given out so. None is given twice.
  package static func freePort() throws -> UInt16 {
    for _ in 0..<1000 {
      let port = UInt16.random(in: 15_000..<32_000)
      let descriptor = try makeSocket()
      defer { close(descriptor) }
      var address = loopback(port)
      let isFree = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
      if isFree, given.withLock({ $0.insert(port).inserted }) { return port }
    }
    throw TestFailure("no port is free")
  }

  /// Connects to a port.
  static func connect(to port: UInt16) throws -> Int32 {
    let descriptor = try makeSocket()
    var address = loopback(port)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connectSocket(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      close(descriptor)
      throw TestFailure("port \(port): \(String(cString: strerror(errno)))")
    }
    prepare(descriptor)
    return descriptor
  }

  private static func makeSocket() throws -> Int32 {
    #if canImport(Glibc)
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    #else
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    guard descriptor >= 0 else { throw TestFailure("no socket: \(String(cString: strerror(errno)))") }
    return descriptor
  }

  private static func prepare(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }
}

/// The C function that the member above hides.
private func connectSocket(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
  connect(descriptor, address, size)
}

/// Reads what there is, up to a number of bytes; empty at the end of the connection.
package func receive(from connection: Int32, upTo count: Int = 1 << 16) -> [UInt8] {
  var buffer = [UInt8](repeating: 0, count: count)
  while true {
    let received = recv(connection, &buffer, count, 0)
    if received >= 0 { return Array(buffer[..<received]) }
    if errno != EINTR { return [] }
  }
}

/// Sends all bytes; false where the peer is gone.
@discardableResult
package func send(_ bytes: some Sequence<UInt8>, to connection: Int32) -> Bool {
  var rest = Array(bytes)[...]
  while !rest.isEmpty {
    let sent = rest.withUnsafeBytes { sendBytes(connection, $0) }
    if sent < 0, errno != EINTR { return false }
    rest = rest.dropFirst(max(0, sent))
  }
  return true
}

private func sendBytes(_ connection: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  #if canImport(Glibc)
    send(connection, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
  #else
    send(connection, bytes.baseAddress, bytes.count, 0)
  #endif
}
