import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Stands between a client and a server and can break what is between them. For tests.
package final class TCPProxy: Sendable {
  private struct State {
    var connections: Set<Int32> = []
    var isStalled = false
    /// Connections on which no byte passes any more.
    var frozen: Set<Int32> = []
    var isDown = false
    var accepted = 0
  }

  /// The state, and its signal.
  ///
  /// Unchecked, because the compiler does not know that the condition guards the state.
  private final class Shared: @unchecked Sendable {
    let condition = NSCondition()
    var state = State()
  }

  private let shared = Shared()
  private let listener: LoopbackListener

  /// The port to connect to.
  package var port: UInt16 { listener.port }

  /// How many connections there have been.
  package var connectionCount: Int { shared.condition.withLock { shared.state.accepted } }

  /// Starts to forward to a loopback port.
  package init(to target: UInt16) throws {
    listener = try LoopbackListener { [shared] connection in
      shared.condition.withLock { shared.state.accepted += 1 }
      guard let server = Self.open(target, shared) else { return }
      shared.condition.withLock { _ = shared.state.connections.insert(connection) }
      Self.join(connection, server, shared)
      shared.condition.withLock { shared.state.connections.subtract([connection, server]) }
      close(server)
    }
  }

  /// Forwards between a connection and a loopback port until one of them is closed.
  package static func join(_ connection: Int32, to port: UInt16) throws {
    let server = try LoopbackListener.connect(to: port)
    defer { close(server) }
    join(connection, server, Shared())
  }

  private static func join(_ connection: Int32, _ server: Int32, _ shared: Shared) {
    let back = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      forward(from: server, to: connection, shared)
      back.signal()
    }
    forward(from: connection, to: server, shared)
    back.wait()
  }

  private static func open(_ target: UInt16, _ shared: Shared) -> Int32? {
    guard !shared.condition.withLock({ shared.state.isDown }) else { return nil }
    guard let server = try? LoopbackListener.connect(to: target) else { return nil }
    shared.condition.withLock { _ = shared.state.connections.insert(server) }
    return server
  }

  private static func forward(from source: Int32, to target: Int32, _ shared: Shared) {
    while true {
      let bytes = receive(from: source)
      shared.condition.lock()
      while shared.state.isStalled || shared.state.frozen.contains(source) { shared.condition.wait() }
      shared.condition.unlock()
      if bytes.isEmpty || !send(bytes, to: target) { break }
    }
    // Wakes the other direction too.
    shutdown(source, Int32(SHUT_RDWR))
    shutdown(target, Int32(SHUT_RDWR))
  }

  /// Breaks all connections that there are.
  package func cut() {
    shared.condition.withLock {
      for connection in shared.state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }
  }

  /// Breaks all connections, and every new one at once, until ``restore()``.
  package func takeDown() {
    shared.condition.withLock { shared.state.isDown = true }
    cut()
  }

  /// Lets connections stand but no byte pass, until ``restore()``.
  package func stall() {
    shared.condition.withLock { shared.state.isStalled = true }
  }

  /// Lets no byte pass any more on the connections that there are, until ``restore()``; new ones work.
  package func freeze() {
    shared.condition.withLock { shared.state.frozen = shared.state.connections }
  }

  /// Forwards again.
  package func restore() {
    shared.condition.withLock {
      shared.state.isDown = false
      shared.state.isStalled = false
      shared.state.frozen = []
      shared.condition.broadcast()
    }
  }
}
