import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A connection on this machine on which a test says, and hears, what it wants.
package final class LoopbackConnection: Sendable {
  private let descriptor: Int32
  private let isOpen: Mutex<Bool>

  /// Takes a connection that somebody else closes.
  package init(_ descriptor: Int32) {
    self.descriptor = descriptor
    isOpen = Mutex(false)
  }

  /// Connects to a port. What does not come in twenty seconds does not come at all.
  package init(to port: UInt16) throws {
    descriptor = try LoopbackListener.connect(to: port)
    isOpen = Mutex(true)
    var timeout = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close() }

  /// Sends a text.
  package func send(_ text: String) throws {
    guard ControlPlaneTestSupport.send(text.utf8, to: descriptor) else { throw TestFailure("the other end is gone") }
  }

  /// What comes, up to a text and with it; throws where the other end closes before.
  package func receive(until end: String) throws -> String {
    var text: [UInt8] = []
    while !text.suffix(end.utf8.count).elementsEqual(end.utf8) {
      let next = ControlPlaneTestSupport.receive(from: descriptor, upTo: 1)
      guard !next.isEmpty else { throw TestFailure("found '\(String(decoding: text, as: UTF8.self))' and no '\(end)'") }
      text += next
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Closes it where it was made here.
  package func close() {
    isOpen.withLock { isOpen in
      if isOpen { closeSocket(descriptor) }
      isOpen = false
    }
  }
}

/// The C function that the member above hides.
private func closeSocket(_ descriptor: Int32) { close(descriptor) }
