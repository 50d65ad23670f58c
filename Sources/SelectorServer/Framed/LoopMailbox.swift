import CEpoll
import Daemon
import Glibc
import Selection
import Synchronization

/// What others tell a loop's thread.
final class LoopMailbox: Sendable {
  /// What is to be done.
  struct Mail {
    /// New connections.
    var sockets: [AcceptedSocket] = []
    /// Connections that make room for others, by descriptor and owner.
    var evicted: [(descriptor: Int32, owner: UInt32)] = []
    /// Where connections are to be taken from now on; the loop closes them.
    var listeners: [FramedListener] = []
    /// Whose connections are to be closed, and where none is to be taken any more.
    var ended: [FramedListener] = []
    /// Whether the server shuts down.
    var isEnding = false
  }

  /// A connection that was let in.
  struct AcceptedSocket {
    var descriptor: Int32
    /// Its number for the dispatcher.
    var owner: UInt32
    var entry: ConnectionLedger.Entry
    /// Where it came in.
    var listener: FramedListener

    /// Who calls.
    func caller(_ policy: AccessPolicy) -> Caller {
      if let pod = listener.pod { return Caller(pod, owner: owner, policy: policy) }
      let address = PeerAddress.of(descriptor)
      return Caller(address.identity, address: address.host, owner: owner, policy: policy)
    }
  }

  /// Is readable once there is mail.
  let descriptor: Int32
  private let mail = Mutex(Mail())
  /// What the loop did, as it said last.
  private let statistics = Mutex(FramedStatistics())

  init() throws(FramedError) {
    descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    guard descriptor >= 0 else {
      throw FramedError(.cannotListen, "cannot make an event descriptor: \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    close(descriptor)
  }

  /// Leaves something for the loop.
  func post(_ change: (inout Mail) -> Void) {
    mail.withLock { change(&$0) }
    eventfd_write(descriptor, 1)
  }

  /// Takes what is there, except that the end stays.
  func take() -> Mail {
    var count: eventfd_t = 0
    eventfd_read(descriptor, &count)
    return mail.withLock { mail in
      defer { (mail.sockets, mail.evicted, mail.listeners, mail.ended) = ([], [], [], []) }
      return mail
    }
  }

  /// Says what the loop did.
  func publish(_ now: FramedStatistics) { statistics.withLock { $0 = now } }

  /// What the loop did.
  var published: FramedStatistics { statistics.withLock { $0 } }
}
