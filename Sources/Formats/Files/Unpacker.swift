import CZlib

/// Passes bytes on as they are, or unpacked where they begin as gzip does (RFC 1952). A file may have several gzip
/// members, one after the other; zero bytes may follow the last.
///
/// What comes out is handed on in pieces of bounded size, so that memory does not grow with how well the data packs; nor
/// does time, because what unpacks to much more than it is said to be (a bomb) ends in an error.
struct Unpacker: ~Copyable {
  private enum State {
    /// The first bytes have not told yet whether this is gzip.
    case undecided
    case plain
    /// Inside a gzip member.
    case packed
    /// After a gzip member, where another may begin.
    case between
    case padding
  }

  private static let magic: [UInt8] = [0x1F, 0x8B]
  private static let pieceSize = 1 << 18
  /// How much gzip data may unpack to, whatever its size.
  private static let freely = 256 << 20
  /// How many times its size it may unpack to beyond that. Dumps of traffic and of clusters pack ten- to fiftyfold,
  /// deflate packs zeros a thousandfold.
  private static let ratio = 200
  /// The largest window that deflate has, and gzip's header and trailer around it.
  private static let windowBits = 15 + 16

  private let file: String
  private var state = State.undecided
  private var head: [UInt8] = []
  /// zlib keeps a pointer to the stream inside its own state, so that it must not move.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 16)
  private var isStreamOpen = false
  private var packed = 0
  private var unpacked = 0

  init(file: String) {
    self.file = file
    stream.initialize(to: z_stream())
  }

  deinit {
    if isStreamOpen { inflateEnd(stream) }
    stream.deallocate()
    piece.deallocate()
  }

  /// Unpacks the next bytes of the file.
  mutating func unpack(
    _ chunk: UnsafeRawBufferPointer,
    _ consume: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard case .undecided = state else { return try pass(chunk, consume) }
    head.append(contentsOf: chunk)
    guard head.count >= Self.magic.count else { return }
    try decide(consume)
  }

  /// Ends the file.
  mutating func finish(_ consume: (UnsafeRawBufferPointer) throws -> Void) throws {
    if case .undecided = state { try decide(consume) }
    if case .packed = state { throw corrupt("its gzip data ends early: the file is truncated") }
  }

  private mutating func decide(_ consume: (UnsafeRawBufferPointer) throws -> Void) throws {
    if head.starts(with: Self.magic) {
      guard tonari_inflate_init(stream, Int32(Self.windowBits)) == Z_OK else {
        throw FileError(code: .notRead, file: file, message: "no memory to unpack its gzip data")
      }
      isStreamOpen = true
      state = .packed
    } else {
      state = .plain
    }
    let bytes = head
    head = []
    try bytes.withUnsafeBytes { try pass($0, consume) }
  }

  private mutating func pass(
    _ chunk: UnsafeRawBufferPointer,
    _ consume: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    if case .plain = state {
      if !chunk.isEmpty { try consume(chunk) }
      return
    }
    packed += chunk.count
    // zlib only reads from here, whatever its types say.
    stream.pointee.next_in = UnsafeMutableRawPointer(mutating: chunk.baseAddress)?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = UInt32(chunk.count)
    while true {
      switch state {
      case .packed:
        guard try inflate(consume) else { return }
      case .between:
        guard let next = stream.pointee.next_in, stream.pointee.avail_in > 0 else { return }
        state = next.pointee == 0 ? .padding : .packed
        if case .packed = state { inflateReset(stream) }
      case .padding:
        guard let next = stream.pointee.next_in else { return }
        let rest = UnsafeBufferPointer(start: next, count: Int(clamping: stream.pointee.avail_in))
        guard rest.allSatisfy({ $0 == 0 }) else { throw corrupt("other data follows its gzip data") }
        return
      case .undecided, .plain:
        return
      }
    }
  }

  /// Unpacks one piece; answers whether there may be more in the chunk.
  private mutating func inflate(_ consume: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
    stream.pointee.next_out = piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(piece.count)
    let result = CZlib.inflate(stream, Z_NO_FLUSH)
    let count = piece.count - Int(clamping: stream.pointee.avail_out)
    unpacked += count
    guard unpacked <= max(Self.freely, Self.ratio * packed) else {
      throw FileError(
        code: .tooLarge, file: file,
        message: "its first \(packed) bytes of gzip data unpack to more than \(unpacked - count), expected "
          + "\(Self.ratio) times as much at most; if it is no mistake, unpack it before")
    }
    if count > 0 { try consume(UnsafeRawBufferPointer(rebasing: piece[..<count])) }
    switch result {
    case Z_STREAM_END:
      state = .between
      return true
    case Z_OK:
      return stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
    case Z_BUF_ERROR:
      return false
    default:
      throw corrupt("its gzip data is damaged (\(stream.pointee.msg.map { String(cString: $0) } ?? "zlib \(result)"))")
    }
  }

  private func corrupt(_ message: String) -> FileError {
    FileError(code: .corrupt, file: file, message: message)
  }
}
