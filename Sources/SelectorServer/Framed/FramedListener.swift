import Connections
import Selection
import Synchronization

/// A socket on which a loop takes connections.
final class FramedListener: Sendable {
  private let socket: ListeningSocket
  /// Where it listens, with the port that it got.
  let address: FramedAddress
  /// Whose socket it is; nil for one that several share.
  let pod: NodePod?
  /// Whether no connection is to be served any more: one that was taken may still be on its way to its loop.
  private let over = Atomic(false)

  /// Its descriptor, which does not block.
  var descriptor: Int32 { socket.descriptor }

  /// Listens. A socket file that nobody listens on any more is replaced.
  init(_ address: FramedAddress, mode: UInt32?, pod: NodePod? = nil) throws(FramedError) {
    do throws(SocketError) {
      switch address.kind {
      case .unix(let path):
        socket = try ListeningSocket(path: path, mode: mode)
        self.address = address
      case .tcp(let host, let port):
        socket = try ListeningSocket(host: host, port: port)
        self.address = .tcp(host, socket.port ?? port)
      case .tls:
        throw SocketError(
          .invalidAddress, "\(address): expected unix:/path or tcp:host:port, since there is no certificate")
      }
      self.pod = pod
    } catch {
      throw FramedError(error.code == .invalidAddress ? .invalidAddress : .cannotListen, error.message)
    }
  }

  /// Takes its file away unless somebody else put theirs there, and listens no more.
  func close() { socket.close() }

  /// Whether no connection is to be served any more.
  var isOver: Bool { over.load(ordering: .acquiring) }

  /// Takes its file away, and has no connection served any more; the loop closes it.
  func end() {
    socket.removeFile()
    over.store(true, ordering: .releasing)
  }
}
