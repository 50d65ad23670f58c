import Dispatch
import Glibc

/// Says when files come into a folder or go from it, as long as the folder is there.
final class FolderWatch {
  /// Yields after changes; several at once yield once.
  let changes: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation
  private let source: any DispatchSourceRead
  private let path: String
  /// Which folder it is.
  private let inode: ino_t

  private static let events = UInt32(IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR)

  /// Watches a folder; nil where it is not there, or the system has no watch left.
  init?(_ path: String) {
    let descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
    guard descriptor >= 0 else { return nil }
    guard inotify_add_watch(descriptor, path, Self.events) >= 0 else {
      close(descriptor)
      return nil
    }
    var status = stat()
    stat(path, &status)
    (self.path, inode) = (path, status.st_ino)
    let (changes, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    (self.changes, self.continuation) = (changes, continuation)
    let source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
    source.setEventHandler {
      // What changed is read off the folder.
      withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
        while read(descriptor, buffer.baseAddress, buffer.count) > 0 {}
      }
      continuation.yield()
    }
    source.setCancelHandler { close(descriptor) }
    source.activate()
    self.source = source
  }

  /// Whether the folder at the path is still the one that is watched.
  var isCurrent: Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_ino == inode
  }

  deinit {
    source.cancel()
    continuation.finish()
  }
}
