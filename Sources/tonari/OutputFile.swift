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

  /// Puts the text where the file is to be, in one step: a reader sees the file as it was or as it is now. What a link
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
    let draft = "\(target).\(getpid()).draft"
    do throws(Failure) {
      try fill(draft, O_WRONLY | O_CREAT | O_TRUNC, text)
      guard rename(draft, target) == 0 else { throw failure() }
    } catch {
      unlink(draft)
      throw error
    }
  }

  private func fill(_ path: String, _ flags: Int32, _ text: String) throws(Failure) {
    let descriptor = open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { writeBytes(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { throw failure() }
      rest = rest.dropFirst(max(0, count))
    }
  }

  /// The type of what a path leads to; nil where nothing is there.
  private func kind(of path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  private var folder: String {
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
