import CMount
import Glibc

/// A folder that is held open, so that what happens to its path does not matter. Names are looked up in it without following
/// links.
final class OpenFolder {
  let descriptor: Int32
  /// What it is called in errors.
  let path: String

  /// Opens a folder by its path, whose links are followed.
  init(_ path: String) throws(VolumeError) {
    descriptor = tonari_open_folder(path)
    self.path = path
    guard descriptor >= 0 else { throw Self.error(path, "open", errno) }
  }

  private init(_ descriptor: Int32, _ path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  static func error(_ path: String, _ what: String, _ number: Int32) -> VolumeError {
    VolumeError(.failed, "\(path): cannot \(what): \(String(cString: strerror(number)))")
  }

  func error(_ name: String, _ what: String) -> VolumeError { Self.error("\(path)/\(name)", what, errno) }

  /// The folder of this name in it; nil where there is nothing of the name. Throws where it is a link or a file.
  func folder(_ name: String) throws(VolumeError) -> OpenFolder? {
    let found = tonari_open_entry(descriptor, name)
    if found < 0, errno == ENOENT { return nil }
    guard found >= 0 else { throw error(name, "open the folder") }
    return OpenFolder(found, "\(path)/\(name)")
  }

  /// The folder of this name in it, which is made where there is none.
  func madeFolder(_ name: String, mode: mode_t) throws(VolumeError) -> OpenFolder {
    if mkdirat(descriptor, name, mode) != 0, errno != EEXIST { throw error(name, "make the folder") }
    guard let folder = try folder(name) else { throw error(name, "open the folder") }
    return folder
  }

  /// Gives it to a user and a group, with a mode.
  func give(to user: uid_t, _ group: gid_t, mode: mode_t) throws(VolumeError) {
    // A descriptor that only stands for a path takes neither; by way of the process's own folder it does.
    let own = "/proc/self/fd/\(descriptor)"
    guard chown(own, user, group) == 0 else { throw Self.error(path, "change the owner", errno) }
    guard chmod(own, mode) == 0 else { throw Self.error(path, "change the mode", errno) }
  }

  /// The names in it.
  func names() throws(VolumeError) -> [String] {
    let reading = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard reading >= 0, let stream = fdopendir(reading) else {
      let fault = Self.error(path, "list the folder", errno)
      if reading >= 0 { close(reading) }
      throw fault
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Takes a file away; what is not there is none.
  func removeFile(_ name: String) throws(VolumeError) {
    if unlinkat(descriptor, name, 0) != 0, errno != ENOENT { throw error(name, "remove the file") }
  }

  /// Takes a folder away that is empty; what is not there is none.
  func removeEmptyFolder(_ name: String) throws(VolumeError) {
    if unlinkat(descriptor, name, AT_REMOVEDIR) != 0, errno != ENOENT { throw error(name, "remove the folder") }
  }

  /// Takes a folder away with all that is in it; links in it are not followed.
  ///
  /// - Parameter depth: how deep folders in it may lie in each other.
  func removeFolder(_ name: String, depth: Int = 16) throws(VolumeError) {
    guard depth > 0 else { throw VolumeError(.failed, "\(path)/\(name): expected folders at most 16 deep") }
    guard let inner = try folder(name) else { return }
    for entry in try inner.names() {
      var status = stat()
      guard fstatat(inner.descriptor, entry, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        try inner.removeFolder(entry, depth: depth - 1)
      } else {
        try inner.removeFile(entry)
      }
    }
    try removeEmptyFolder(name)
  }

  /// Reads a small file; nil where there is none.
  func file(_ name: String, atMost limit: Int) throws(VolumeError) -> [UInt8]? {
    let reading = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    if reading < 0, errno == ENOENT { return nil }
    guard reading >= 0 else { throw error(name, "open the file") }
    defer { close(reading) }
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = bytes.withUnsafeMutableBytes { read(reading, $0.baseAddress, limit) }
    guard count >= 0 else { throw error(name, "read the file") }
    return Array(bytes[..<count])
  }

  /// Puts a file in place in one step, so that nobody sees a part of it.
  func write(_ bytes: [UInt8], to name: String, group: gid_t, mode: mode_t) throws(VolumeError) {
    let draft = ".\(name).draft"
    try removeFile(draft)
    let writing = openat(descriptor, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard writing >= 0 else { throw error(draft, "make the file") }
    defer { close(writing) }
    let count = bytes.withUnsafeBytes { Glibc.write(writing, $0.baseAddress, $0.count) }
    guard count == bytes.count, fchown(writing, uid_t.max, group) == 0, fchmod(writing, mode) == 0,
      fsync(writing) == 0
    else { throw error(draft, "write the file") }
    guard renameat(descriptor, draft, descriptor, name) == 0 else { throw error(name, "put the file in place") }
  }
}
