#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file of text that is read once from start to end, in chunks; `-` is standard input. What is gzip inside is read
/// unpacked. Text in UTF-16, as PowerShell's `>` writes it, is refused.
///
/// Reading blocks the thread that does it.
package struct InputFile: Hashable, Sendable {
  /// How far reading has come.
  package struct Progress: Hashable, Sendable {
    /// Bytes read from the file so far, as they lie there (packed, where it is gzip).
    package var bytesRead: Int
    /// The file's size in bytes; nil where it is not known, as for a pipe.
    package var bytesTotal: Int?
  }

  private static let chunkSize = 1 << 18

  /// The path as it was given; `-` is standard input.
  package let path: String

  /// Makes a file without opening it.
  package init(_ path: String) {
    self.path = path
  }

  /// What the file is called in messages: its path, or `standard input`.
  package var name: String { path == "-" ? "standard input" : path }

  /// Reads the file from start to end.
  ///
  /// - Parameters:
  ///   - progress: Is told after each chunk how far reading has come.
  ///   - consume: Takes the chunks in order. They are valid only during the call. What it throws ends the reading.
  ///
  /// Throws ``FileError`` where the file cannot be opened or read, its gzip data is damaged or unpacks to far more than
  /// its size, or its text is in UTF-16.
  package func read(
    progress: (Progress) -> Void = { _ in },
    _ consume: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let descriptor = try open()
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }

    var state = Progress(bytesRead: 0, bytesTotal: try size(of: descriptor))
    var unpacker = Unpacker(file: name)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkSize, alignment: 16)
    defer { buffer.deallocate() }
    var head: [UInt8] = []
    func take(_ chunk: UnsafeRawBufferPointer) throws {
      if head.count < 2 {
        head += chunk.prefix(2 - head.count)
        if head == [0xFF, 0xFE] || head == [0xFE, 0xFF] {
          throw FileError(
            code: .invalid, file: name,
            message: "is text in UTF-16, as PowerShell's > writes it, expected UTF-8: "
              + "write it with '| Out-File -Encoding utf8'")
        }
      }
      try consume(chunk)
    }
    while true {
      let count = try fill(buffer, from: descriptor)
      guard count > 0 else { break }
      state.bytesRead += count
      try unpacker.unpack(UnsafeRawBufferPointer(rebasing: buffer[..<count]), take)
      progress(state)
    }
    try unpacker.finish(take)
  }

  /// Reads the whole file into memory.
  ///
  /// - Parameter limit: The most bytes, unpacked, that the file may hold.
  ///
  /// Throws ``FileError`` as ``read(progress:_:)`` does, and where the file holds more than the limit.
  package func readAll(limit: Int = 1 << 30) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try read { chunk in
      guard bytes.count + chunk.count <= limit else {
        throw FileError(code: .tooLarge, file: name, message: "holds more than \(limit) bytes")
      }
      bytes.append(contentsOf: chunk)
    }
    return bytes
  }

  private func open() throws(FileError) -> Int32 {
    guard path != "-" else { return STDIN_FILENO }
    let descriptor = openForReading(path)
    guard descriptor >= 0 else { throw failure(.notOpened, "cannot be opened") }
    return descriptor
  }

  /// The size of a regular file.
  private func size(of descriptor: Int32) throws(FileError) -> Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(.notOpened, "cannot be opened") }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(clamping: status.st_size)
    case S_IFDIR: throw FileError(code: .notOpened, file: name, message: "is a directory, expected a file")
    default: return nil
    }
  }

  /// Reads what there is, up to the buffer's size; 0 at the end.
  private func fill(_ buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32) throws(FileError) -> Int {
    while true {
      let count = readBytes(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      guard errno == EINTR else { throw failure(.notRead, "cannot be read") }
    }
  }

  /// An error with the operating system's word for what went wrong.
  private func failure(_ code: FileError.Code, _ what: String) -> FileError {
    FileError(code: code, file: name, message: "\(what): \(String(cString: strerror(errno)))")
  }
}

// The C functions whose names the members above hide.
private func openForReading(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }
private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(descriptor, buffer, count)
}
