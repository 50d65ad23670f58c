import Foundation

/// A decoder, and how it is fuzzed: what inputs look like, and what must hold whatever the bytes are.
///
/// To add one, write a file `<Name>Fuzz.swift` with an extension that makes it, and put it into ``all``.
struct Fuzzer: Sendable, CustomStringConvertible {
  /// Of saved inputs, and on the command line.
  let name: String
  /// Words that the format has; changes put them in.
  let words: [String]
  /// The longest input, in bytes.
  let longest: Int
  /// Inputs to begin with, besides the saved ones.
  let seeds: @Sendable () -> [[UInt8]]
  /// Decodes an input. Throws ``Violation`` where something does not hold; a crash, a read past the end and an endless
  /// loop are found by themselves.
  let check: @Sendable (UnsafeRawBufferPointer) throws -> Void

  init(
    _ name: String, words: [String] = [], longest: Int = 16 << 10,
    seeds: @autoclosure @escaping @Sendable () -> [[UInt8]],
    check: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void
  ) {
    self.name = name
    self.words = words
    self.longest = longest
    self.seeds = seeds
    self.check = check
  }

  var description: String { name }

  /// What did not hold.
  struct Violation: Error, CustomStringConvertible {
    var description: String
  }

  /// Throws a violation where something does not hold.
  static func expect(_ holds: Bool, _ message: @autoclosure () -> String) throws {
    guard holds else { throw Violation(description: message()) }
  }
}

// MARK: - Inputs

extension Fuzzer {
  /// The root of the repository.
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized

  /// The contents of files, by their paths in the repository; of a folder all that are in it.
  static func files(_ paths: String...) -> [[UInt8]] {
    paths.flatMap { path in
      let url = root.appending(path: path)
      guard let inside = FileManager.default.enumerator(at: url, includingPropertiesForKeys: [.isRegularFileKey]) else {
        return [contents(url)].compactMap { $0 }
      }
      let all = inside.compactMap { $0 as? URL }.sorted { $0.path < $1.path }
      return all.isEmpty ? [contents(url)].compactMap { $0 } : all.compactMap(contents)
    }
  }

  private static func contents(_ url: URL) -> [UInt8]? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), !isFolder.boolValue else {
      return nil
    }
    return FileManager.default.contents(atPath: url.path).map { [UInt8]($0) }
  }

  /// Inputs that are texts.
  static func texts(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }

  /// The inputs that were saved: those that once found something, and those that together go all ways that are known.
  var saved: [[UInt8]] {
    let url = Self.root.appending(path: "Tests/Fuzz/Corpus/\(name).txt")
    guard let text = try? String(contentsOf: url, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").compactMap { line in
      line.hasPrefix("#") ? nil : Data(base64Encoded: String(line)).map { [UInt8]($0) }
    }
  }

  /// All inputs to begin with.
  var corpus: [[UInt8]] { (saved + seeds()).map { Array($0.prefix(longest)) } }
}

// MARK: - Taking inputs apart

/// Takes the decisions of an input off its front, what is left being the bytes for the decoder.
struct InputReader {
  private(set) var rest: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  /// The next byte; 0 where there is none.
  mutating func byte() -> UInt8 {
    guard let first = rest.first else { return 0 }
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
    return first
  }

  /// The next piece: two bytes of length, big endian, and so many bytes or what there is. Nil at the end.
  mutating func piece() -> [UInt8]? {
    guard rest.count >= 2 else { return nil }
    let length = Int(byte()) << 8 | Int(byte())
    let piece = Array(rest.prefix(length))
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(length))
    return piece
  }

  /// What ``piece()`` takes apart again.
  static func pieces(_ pieces: [[UInt8]]) -> [UInt8] {
    pieces.flatMap { [UInt8($0.count >> 8 & 0xFF), UInt8($0.count & 0xFF)] + $0 }
  }
}
