package import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Lets connections of NIO in as a ``ConnectionLedger`` says, whatever is spoken on them.
package final class ConnectionGate: Sendable {
  /// Connections that may wait to be taken, as far as the system lets them: beyond, it leaves clients to try again after
  /// seconds.
  package static let backlog: Int32 = 4096
  /// What there is.
  package let ledger: ConnectionLedger
  private let name: String
  private let peer: Peer?

  /// Makes a gate.
  ///
  /// - Parameters:
  ///   - ledger: who holds what; several listeners may share one.
  ///   - name: which listener it is.
  ///   - peer: who alone can be at the other end; nil where several can.
  package init(_ ledger: ConnectionLedger, name: String, peer: Peer? = nil) {
    self.ledger = ledger
    self.name = name
    self.peer = peer
  }

  /// What goes into the pipeline of the channel that listens: accepting pauses while the process has no descriptor left,
  /// and connections that are idle are closed for it.
  package func listenerHandler() -> any ChannelHandler { AcceptPause(ledger) }

  /// Lets a connection in, or closes it. To be called on its event loop, before anything else is in its pipeline. Answers
  /// who is at the other end; throws where the connection had to go.
  @discardableResult
  package func admit(_ channel: any Channel) throws -> Peer {
    let peer = peer ?? Self.peer(of: channel, on: name)
    let process = Self.credentials(of: channel)?.process ?? 0
    guard
      let entry = ledger.admit(peer, process: process, at: Self.now, close: { channel.close(promise: nil) })
    else {
      channel.close(promise: nil)
      throw ChannelError.eof
    }
    channel.closeFuture.whenComplete { [ledger] _ in ledger.leave(entry) }
    try channel.pipeline.syncOperations.addHandler(ActivityNote(entry), position: .first)
    return peer
  }

  /// Who is at the other end: the host of an address, a user of this machine.
  package static func peer(of channel: any Channel, on name: String) -> Peer {
    switch channel.remoteAddress {
    case .v4, .v6: return Peer("\(name) \(network(of: channel.remoteAddress?.ipAddress ?? "unknown"))")
    case .unixDomainSocket, nil: return Peer("\(name) \(credentials(of: channel).map { "uid \($0.user)" } ?? "local")")
    }
  }

  /// An address of IPv4, or the 64 bits of IPv6 that a host has for itself alone.
  private static func network(of address: String) -> String {
    var bytes = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, address, &bytes) == 1 else { return address }
    let isMapped = bytes.prefix(12).elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255])
    guard !isMapped else { return bytes.suffix(4).map { "\($0)" }.joined(separator: ".") }
    return bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":")
  }

  /// `struct ucred`, which Glibc's module leaves out.
  private struct Credentials: Sendable {
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
  }

  /// Nil for what is no socket in the file system.
  private static func credentials(of channel: any Channel) -> Credentials? {
    #if canImport(Glibc)
      switch channel.remoteAddress {
      case .v4, .v6: return nil
      case .unixDomainSocket, nil: break
      }
      // On the event loop the answer is there at once.
      guard let provider = channel as? any SocketOptionProvider, channel.eventLoop.inEventLoop else { return nil }
      var found: Credentials?
      let future: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
        level: .init(rawValue: SOL_SOCKET), name: .init(rawValue: SO_PEERCRED))
      future.assumeIsolated().whenSuccess { found = $0 }
      return found
    #else
      return nil
    #endif
  }

  static var now: Int64 { Int64(clamping: NIODeadline.now().uptimeNanoseconds) }
}

/// Notes when something came, and whether anything was answered. What a server says before a client does is no answer.
private final class ActivityNote: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = IOData

  private let entry: ConnectionLedger.Entry
  private var hasAsked = false

  init(_ entry: ConnectionLedger.Entry) {
    self.entry = entry
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    entry.note(at: ConnectionGate.now)
    hasAsked = true
    context.fireChannelReadComplete()
  }

  func flush(context: ChannelHandlerContext) {
    if hasAsked { entry.noteAnswer(at: ConnectionGate.now) }
    context.flush()
  }
}

/// Stops taking connections for a moment where the process, or the machine, has no more room for one. The socket would be
/// ready again at once, and the event loop do nothing else.
private final class AcceptPause: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias OutboundIn = any Channel

  private static let pause = TimeAmount.milliseconds(100)
  /// How long it waits for connections to be closed that made room.
  private static let breath = TimeAmount.milliseconds(1)
  /// How many connections are closed for each pause.
  private static let evictions = 8

  private let ledger: ConnectionLedger
  private var isPausing = false
  private var wantsRead = false

  init(_ ledger: ConnectionLedger) {
    self.ledger = ledger
  }

  func read(context: ChannelHandlerContext) {
    // Another listener may have found that there are none left.
    if !isPausing, Descriptors.areShort { pause(context, for: Self.pause) }
    if !isPausing, ledger.isCrowded { pause(context, for: Self.breath) }
    guard !isPausing else {
      wantsRead = true
      return
    }
    context.read()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
      return context.fireErrorCaught(error)
    }
    Descriptors.yield()
    guard !isPausing else { return }
    ledger.evict(Self.evictions, at: ConnectionGate.now)
    pause(context, for: Self.pause)
  }

  private func pause(_ context: ChannelHandlerContext, for time: TimeAmount) {
    isPausing = true
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: time) {
      let (handler, context) = bound.value
      guard Descriptors.recover() else {
        handler.ledger.evict(Self.evictions, at: ConnectionGate.now)
        return handler.pause(context, for: Self.pause)
      }
      handler.isPausing = false
      guard handler.wantsRead else { return }
      handler.wantsRead = false
      handler.read(context: context)
    }
  }
}
