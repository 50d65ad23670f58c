import Foundation

#if canImport(Glibc)
  // Where another file imports Foundation, the compiler may find the system's types in here.
  import CoreFoundation
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that is written as a whole or not at all.
struct OutputFile: Sendable {
  /// Why a file could not be written.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// The path as the user gave it.
  let path: String

  /// Refuses a path that is a folder, or whose folder is not there or cannot be written to.
  func check() throws(Failure) {
    switch kind(of: path) {
    case S_IFDIR:
      throw Failure(description: "\(path): cannot be written: it is a folder")
    case nil, S_IFREG:
      guard access(folder + "/.", W_OK) == 0 else { throw failure(in: folder) }
    default:
      guard access(path, W_OK) == 0 else { throw failure() }
    }
  }

  /// Puts the text where the file is to be, in one step: a reader sees the file as it was or as it is now,
  /// after a loss of power too. What a link
  /// points to is replaced, the link stays. A pipe or a device, such as `/dev/stdout`, is written to, not replaced.
  func write(_ text: String) throws(Failure) {
    if let kind = kind(of: path), kind != S_IFREG {
      try fill(path, O_WRONLY, text)
      return
    }
    var target = path
    if let resolved = realpath(path, nil) {
      target = String(cString: resolved)
      free(resolved)
    }
    removeLeftovers(of: target)
    // Nobody can have put a file or a link of this name there, and O_EXCL would refuse it.
    let draft = "\(target).\(Self.draftName(UInt64.random(in: 0 ... .max)))"
    do throws(Failure) {
      try fill(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, text, like: target)
      guard rename(draft, target) == 0 else { throw failure() }
    } catch {
      unlink(draft)
      throw error
    }
    try keep(folder(of: target))
  }

  /// Makes a change of a folder last through a loss of power. A file system that knows no such thing is no fault.
  private func keep(_ folder: String) throws(Failure) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else { throw failure(in: folder) }
  }

  private static let draftSuffix = ".draft"
  /// A draft that is older was left by a process that was ended while it wrote.
  private static let longestDraft = 3600.0

  private static func draftName(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits + draftSuffix
  }

  /// Removes drafts of the file that are older than any that is written now.
  private func removeLeftovers(of target: String) {
    let folder = folder(of: target)
    guard let entries = opendir(folder) else { return }
    defer { closedir(entries) }
    let name = target.split(separator: "/").last.map(String.init) ?? target
    while let entry = readdir(entries) {
      let found = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard found.hasPrefix(name + "."), found.hasSuffix(Self.draftSuffix) else { continue }
      let number = found.dropFirst(name.count + 1).dropLast(Self.draftSuffix.count)
      guard number.utf8.count == 16, number.allSatisfy(\.isHexDigit) else { continue }
      var status = stat()
      guard lstat("\(folder)/\(found)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
        Self.age(of: "\(folder)/\(found)") ?? 0 > Self.longestDraft
      else { continue }
      unlink("\(folder)/\(found)")
    }
  }

  /// How many seconds ago a file was changed; nil where that is not known.
  private static func age(of path: String) -> Double? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.modificationDate] as? Date).map { -$0.timeIntervalSinceNow }
  }

  /// Writes a text to a file.
  ///
  /// - Parameter other: a file whose mode the new one gets, where it is there.
  private func fill(_ path: String, _ flags: Int32, _ text: String, like other: String? = nil) throws(Failure) {
    let descriptor = open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    var status = stat()
    if let other, stat(other, &status) == 0 { fchmod(descriptor, status.st_mode & 0o7777) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { writeBytes(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { throw failure() }
      rest = rest.dropFirst(max(0, count))
    }
    // What a pipe or a device has cannot be made to last.
    guard flags & O_CREAT == 0 || fsync(descriptor) == 0 else { throw failure() }
  }

  /// The type of what a path leads to; nil where nothing is there.
  private func kind(of path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  private var folder: String { folder(of: path) }

  private func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// An error with the operating system's word for what went wrong.
  private func failure(in folder: String? = nil) -> Failure {
    let reason = String(cString: strerror(errno))
    return Failure(description: "\(path): cannot be written: \(folder.map { "\($0): " } ?? "")\(reason)")
  }
}

// The C function whose name a member above hides.
private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
