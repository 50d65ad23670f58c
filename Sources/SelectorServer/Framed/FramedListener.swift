import Glibc

/// A socket that listens.
struct FramedListener: Sendable {
  /// Its descriptor, which does not block.
  let descriptor: Int32
  /// Where it listens, with the port that it got.
  let address: FramedAddress
  /// Which file it is; nil for a port.
  private let file: FileIdentity?

  private struct FileIdentity: Hashable, Sendable {
    var device: dev_t
    var inode: ino_t

    init?(_ path: String) {
      var status = stat()
      guard lstat(path, &status) == 0 else { return nil }
      (device, inode) = (status.st_dev, status.st_ino)
    }
  }

  /// Listens. A socket file that nobody listens on any more is replaced.
  init(_ address: FramedAddress, mode: UInt32?) throws(FramedError) {
    switch address.kind {
    case .unix(let path):
      descriptor = try Self.listen(path, mode)
      file = FileIdentity(path)
      self.address = address
    case .tcp(let host, let port):
      (descriptor, self.address) = try Self.listen(host, port)
      file = nil
    }
  }

  /// Listens no more, and takes its file away unless somebody else put theirs there.
  func close() {
    Glibc.close(descriptor)
    guard case .unix(let path) = address.kind, let file, FileIdentity(path) == file else { return }
    unlink(path)
  }

  private static func error(_ address: String, _ what: String, _ number: Int32) -> FramedError {
    FramedError(.cannotListen, "\(address): cannot \(what): \(String(cString: strerror(number)))")
  }

  // MARK: - Files

  private static func listen(_ path: String, _ mode: UInt32?) throws(FramedError) -> Int32 {
    let name = "unix:\(path)"
    guard path.utf8.count <= FramedAddress.longestPath else {
      throw FramedError(
        .invalidAddress, "path of \(path.utf8.count) bytes: expected at most \(FramedAddress.longestPath)")
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

  /// Calls `bind` or `connect` for a path; answers 0 or what went wrong.
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

  // MARK: - Ports

  private static func listen(_ host: String, _ port: UInt16) throws(FramedError) -> (Int32, FramedAddress) {
    let name = FramedAddress.tcp(host, port).description
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &found)
    guard status == 0 else {
      throw FramedError(.cannotListen, "\(name): cannot find '\(host)': \(String(cString: gai_strerror(status)))")
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
        return (descriptor, .tcp(host, boundPort(descriptor) ?? port))
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
