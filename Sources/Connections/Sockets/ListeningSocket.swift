import CDispatch
import Glibc

/// A socket that listens.
///
/// The file of a Unix socket is replaced where nobody listens on it any more, and refused where somebody does. Whoever takes
/// the descriptor over, as SwiftNIO does, closes it and calls ``removeFile()``; everybody else calls ``close()``.
package struct ListeningSocket: Sendable {
  /// The longest path of a socket, in bytes.
  package static let longestPath = 107

  /// Its descriptor, which does not block and is not inherited.
  package let descriptor: Int32
  /// The port that it got; nil for a Unix socket.
  package let port: UInt16?
  /// Its file; nil for a port.
  private let file: SocketFile?

  /// Listens on a Unix socket.
  ///
  /// - Parameters:
  ///   - path: its file, at most ``longestPath`` bytes long.
  ///   - mode: its permissions, as `0o660`; nil for those that the process gives by itself.
  package init(path: String, mode: UInt32? = nil) throws(SocketError) {
    descriptor = try Self.listen(path, mode)
    port = nil
    file = SocketFile(path)
  }

  /// Listens on a port.
  ///
  /// - Parameters:
  ///   - host: a name or a number.
  ///   - port: the port; 0 for any that is free.
  package init(host: String, port: UInt16) throws(SocketError) {
    let (descriptor, found) = try Self.listen(host, port)
    self.descriptor = descriptor
    self.port = found
    file = nil
  }

  /// Takes its file away unless somebody else put theirs there, and listens no more.
  package func close() {
    removeFile()
    Glibc.close(descriptor)
  }

  /// Takes its file away unless somebody else put theirs there; does nothing the second time.
  package func removeFile() { file?.remove() }

  private static func error(_ address: String, _ what: String, _ number: Int32) -> SocketError {
    SocketError(
      number == EADDRINUSE ? .inUse : .cannotListen,
      "\(address): cannot \(what): \(String(cString: strerror(number)))")
  }
}

// MARK: - Files

extension ListeningSocket {
  private static func listen(_ path: String, _ mode: UInt32?) throws(SocketError) -> Int32 {
    let name = "unix:\(path)"
    guard path.utf8.count <= longestPath else {
      throw SocketError(.invalidAddress, "path of \(path.utf8.count) bytes: expected at most \(longestPath)")
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw error(name, "make a socket", errno) }
    var number = call(Glibc.bind, descriptor, path)
    if number == EADDRINUSE, isAbandoned(path) {
      unlink(path)
      number = call(Glibc.bind, descriptor, path)
    }
    if number == 0, let mode, chmod(path, mode) != 0 { number = errno }
    if number == 0, Glibc.listen(descriptor, SOMAXCONN) != 0 { number = errno }
    guard number == 0 else {
      Glibc.close(descriptor)
      throw error(name, "listen", number)
    }
    return descriptor
  }

  /// Whether there is a socket's file that nobody listens on.
  private static func isAbandoned(_ path: String) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard probe >= 0 else { return false }
    defer { Glibc.close(probe) }
    return call(Glibc.connect, probe, path) == ECONNREFUSED
  }

  /// Calls `bind` or `connect` for a path; returns 0 or what went wrong.
  private static func call(
    _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ descriptor: Int32, _ path: String
  ) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 ? 0 : errno
      }
    }
  }
}

// MARK: - Ports

extension ListeningSocket {
  private static func listen(_ host: String, _ port: UInt16) throws(SocketError) -> (Int32, UInt16) {
    let name = host.contains(":") ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &found)
    guard status == 0 else {
      throw SocketError(.cannotListen, "\(name): cannot find '\(host)': \(String(cString: gai_strerror(status)))")
    }
    defer { freeaddrinfo(found) }
    var number: Int32 = EADDRNOTAVAIL
    var next = found
    while let info = next?.pointee {
      next = info.ai_next
      let type = info.ai_socktype | Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
      let descriptor = socket(info.ai_family, type, info.ai_protocol)
      guard descriptor >= 0 else {
        number = errno
        continue
      }
      var yes: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
      if Glibc.bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, Glibc.listen(descriptor, SOMAXCONN) == 0 {
        return (descriptor, boundPort(descriptor) ?? port)
      }
      number = errno
      Glibc.close(descriptor)
    }
    throw error(name, "listen", number)
  }

  private static func boundPort(_ descriptor: Int32) -> UInt16? {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &address) { bytes in
      guard let start = bytes.baseAddress,
        getsockname(descriptor, start.assumingMemoryBound(to: sockaddr.self), &length) == 0
      else { return nil }
      // The port is at the same place for both families.
      return UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    }
  }
}
