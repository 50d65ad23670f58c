import CEpoll
import Daemon
import Glibc
import Model
import Selection

/// A connection of a loop.
final class FramedConnection {
  /// What happened on the socket.
  enum Transfer {
    case bytes(Int)
    /// Nothing at present.
    case later
    /// The peer is gone.
    case end
  }

  let descriptor: Int32
  var session: FrameSession
  /// Answers that the socket did not take.
  var unsent = OutputBuffer(capacity: 0)
  /// What was read and is not answered: the begin of a frame, or frames that wait until the peer reads answers.
  private var rest = OutputBuffer(capacity: 0)
  /// What the loop waits for.
  var interest: UInt32 = 0
  /// Whether nothing more of the peer is answered, and the connection ends once everything is sent.
  var isEnding = false
  /// Whether the peer was told that nothing more comes.
  var isFinished = false

  /// Where it came in.
  let listener: FramedListener
  /// Its place in the books.
  let entry: ConnectionLedger.Entry
  /// Whether nobody but those on this machine is at the other end.
  let isLocal: Bool
  /// Bytes that were counted as held.
  var counted = 0
  /// Whether what was sent is answered, and nothing more can be sent.
  var isDraining = false
  /// When a whole message came last.
  var lastMessage: Moment
  /// When the begin of a message came of which the end has not; nil while there is none.
  var restSince: Moment?
  /// When something was read last of what waits to be sent; nil while nothing waits.
  var unsentSince: Moment?

  init(_ socket: LoopMailbox.AcceptedSocket, _ access: AccessPolicy, at now: Moment) {
    descriptor = socket.descriptor
    entry = socket.entry
    listener = socket.listener
    lastMessage = now
    isLocal = tonari_peer_user(socket.descriptor) >= 0
    session = FrameSession(socket.caller(access), peer: socket.entry.peer)
  }

  /// Bytes that it holds.
  var held: Int { rest.count + unsent.count }

  deinit {
    close(descriptor)
  }

  /// Bytes that are read but not answered.
  var restCount: Int { rest.count }

  /// Puts what remained to the front of a buffer; answers how much that is.
  func takeRest(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = rest.count
    buffer.copyMemory(from: rest.bytes)
    rest.removeAll()
    return count
  }

  /// Keeps what remains.
  func keep(_ bytes: UnsafeRawBufferPointer) {
    rest.append(bytes)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count > 0 { return .bytes(count) }
      if count < 0, errno == EINTR { continue }
      return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? .later : .end
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> Transfer {
    while true {
      let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return .bytes(count) }
      if errno == EINTR { continue }
      return errno == EAGAIN || errno == EWOULDBLOCK ? .later : .end
    }
  }
}
