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

  /// The names in it; one that is no text (UTF-8) is not among them as it is.
  func names() throws(VolumeError) -> [String] { try rawNames().map { String(decoding: $0.dropLast(), as: UTF8.self) } }

  /// The names in it, as bytes with a zero at their ends.
  private func rawNames() throws(VolumeError) -> [[UInt8]] {
    let reading = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard reading >= 0, let stream = fdopendir(reading) else {
      let fault = Self.error(path, "list the folder", errno)
      if reading >= 0 { close(reading) }
      throw fault
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 } + [0] }
      if name != [0x2E, 0], name != [0x2E, 0x2E, 0] { names.append(name) }
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

  /// Takes a folder away with all that is in it, however deep; links in it are not followed.
  ///
  /// A folder in one of its folders is moved up to its own level, and taken away from there: no more than two are open at a
  /// time, and no path is walked back that somebody may have changed meanwhile.
  func removeFolder(_ name: String) throws(VolumeError) {
    guard let top = try folder(name) else { return }
    while try top.removeLevel() {}
    try removeEmptyFolder(name)
  }

  /// Takes what is in it away, and moves the folders of its folders up. Returns whether there were any.
  private func removeLevel() throws(VolumeError) -> Bool {
    var hasMore = false
    for entry in try rawNames() where try !removeFile(entry) {
      let found = Self.call(entry) { tonari_open_entry(descriptor, $0) }
      guard found >= 0 else { throw error(Self.text(entry), "open the folder") }
      let inner = OpenFolder(found, "\(path)/\(Self.text(entry))")
      for deeper in try inner.rawNames() where try !inner.removeFile(deeper) {
        // A name that nobody who writes here can foresee.
        let name = Array("\(UInt64.random(in: .min ... .max))".utf8) + [0]
        let status = Self.call(deeper) { from in Self.call(name) { renameat(inner.descriptor, from, descriptor, $0) } }
        guard status == 0 else { throw inner.error(Self.text(deeper), "move the folder") }
        hasMore = true
      }
      guard Self.call(entry, { unlinkat(descriptor, $0, AT_REMOVEDIR) }) == 0 || errno == ENOENT else {
        throw error(Self.text(entry), "remove the folder")
      }
    }
    return hasMore
  }

  /// Takes an entry away that is no folder; returns false where it is one.
  private func removeFile(_ entry: [UInt8]) throws(VolumeError) -> Bool {
    if Self.call(entry, { unlinkat(descriptor, $0, 0) }) == 0 || errno == ENOENT { return true }
    guard errno == EISDIR else { throw error(Self.text(entry), "remove the file") }
    return false
  }

  /// Calls a function with a name that ends with a zero.
  private static func call(_ name: [UInt8], _ function: (UnsafePointer<CChar>) -> Int32) -> Int32 {
    name.withUnsafeBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { chars in chars.baseAddress.map(function) ?? -1 }
    }
  }

  private static func text(_ name: [UInt8]) -> String { String(decoding: name.dropLast(), as: UTF8.self) }

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
