import CDispatch
import Glibc
import Synchronization

/// The file of a Unix socket, to be taken away once.
final class SocketFile: Sendable {
  private let path: String
  /// Holds the file, though nothing can be done with it, so that no other file gets its number before it is compared.
  private let pin: Int32
  private let isRemoved = Atomic(false)

  /// Linux's O_PATH, which Swift's Glibc module leaves out; the same on all its processors that Swift runs on.
  private static let onlyPath: Int32 = 0o10_000_000

  /// The file that is at a path now; nil where there is none.
  init?(_ path: String) {
    pin = open(path, Self.onlyPath | O_NOFOLLOW | O_CLOEXEC)
    guard pin >= 0 else { return nil }
    self.path = path
  }

  deinit {
    close(pin)
  }

  /// Takes the file away unless another one is at its path; does nothing the second time.
  func remove() {
    guard !isRemoved.exchange(true, ordering: .relaxed) else { return }
    var own = stat()
    var found = stat()
    guard fstat(pin, &own) == 0, lstat(path, &found) == 0, own.st_dev == found.st_dev, own.st_ino == found.st_ino
    else { return }
    unlink(path)
  }
}
