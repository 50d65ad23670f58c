import CZlib
import Formats
import Foundation
import Testing

/// A file in a directory of its own, both removed at the end of the test.
private final class TemporaryFile {
  let url: URL

  init(_ bytes: [UInt8], name: String = "dump") throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "tonari-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    url = directory.appending(path: name)
    try Data(bytes).write(to: url)
  }

  deinit {
    try? FileManager.default.removeItem(at: url.deletingLastPathComponent())
  }
}

/// Packs bytes as one gzip member, as gzip(1) does.
private func gzip(_ bytes: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  deflateInit2_(
    &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
  )
  defer { deflateEnd(&stream) }
  var input = bytes
  var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
  input.withUnsafeMutableBufferPointer { input in
    output.withUnsafeMutableBufferPointer { output in
      stream.next_in = input.baseAddress
      stream.avail_in = UInt32(input.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(output.count)
      #expect(deflate(&stream, Z_FINISH) == Z_STREAM_END)
    }
  }
  return Array(output.prefix(Int(stream.total_out)))
}

private let text = Array("source,destination,bytes_per_second\nfrontend,cart,12\n".utf8)

@Suite struct InputFileTests {
  @Test(
    "A file is read whole, packed or not",
    arguments: [
      ("plain", text, text),
      ("empty", [], []),
      ("one byte", [0x1F], [0x1F]),
      ("packed", gzip(text), text),
      ("two members", gzip(text) + gzip(text), text + text),
      ("an empty member", gzip([]) + gzip(text), text),
      ("padded with zeros", gzip(text) + [0, 0, 0], text),
    ]
  )
  func whole(_ what: String, _ stored: [UInt8], _ expected: [UInt8]) throws {
    let file = try TemporaryFile(stored)
    #expect(try InputFile(file.url.path).readAll() == expected)
  }

  @Test("A file larger than a chunk arrives in order and reports its progress")
  func large() throws {
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let file = try TemporaryFile(bytes)
    var read: [UInt8] = []
    var steps: [InputFile.Progress] = []
    try InputFile(file.url.path).read(progress: { steps.append($0) }, { read.append(contentsOf: $0) })
    #expect(read == bytes)
    #expect(steps.count > 1)
    #expect(steps.last?.bytesRead == 1_000_000)
    #expect(steps.last?.bytesTotal == 1_000_000)
  }

  @Test("Zeros that pack a thousandfold come out in pieces of bounded size")
  func bomb() throws {
    let file = try TemporaryFile(gzip([UInt8](repeating: 0, count: 8_000_000)))
    var largest = 0
    var total = 0
    try InputFile(file.url.path).read { chunk in
      largest = max(largest, chunk.count)
      total += chunk.count
    }
    #expect(total == 8_000_000)
    #expect(largest <= 1 << 18)
  }

  @Test("What packs much better than any dump is an error before it has taken long")
  func expansion() throws {
    // Zeros of 20 GB, in the size of a photograph.
    let member = gzip([UInt8](repeating: 0, count: 16 << 20))
    var bomb: [UInt8] = []
    for _ in 0..<1200 { bomb += member }
    let file = try TemporaryFile(bomb)
    var total = 0
    let error = #expect(throws: FileError.self) { try InputFile(file.url.path).read { total += $0.count } }
    #expect(error?.code == .tooLarge)
    #expect(error?.message.contains("200 times as much at most") == true, "\(error?.message ?? "")")
    #expect(total <= 300 << 20)
  }

  @Test(
    "Text in UTF-16 is said to be that",
    arguments: [[0xFF, 0xFE, 0x7B, 0x00], [0xFE, 0xFF, 0x00, 0x7B]] as [[UInt8]], [false, true])
  func powerShell(_ bytes: [UInt8], _ isPacked: Bool) throws {
    let file = try TemporaryFile(isPacked ? gzip(bytes) : bytes)
    let error = #expect(throws: FileError.self) { try InputFile(file.url.path).readAll() }
    #expect(error?.code == .invalid)
    #expect(error?.message.hasPrefix("is text in UTF-16, as PowerShell's > writes it, expected UTF-8") == true)
  }

  @Test(
    "Damaged gzip data is an error that names the file",
    arguments: [
      ("cut in the header", Array(gzip(text).prefix(5)), "truncated"),
      ("cut in the data", Array(gzip(text).dropLast(12)), "truncated"),
      ("cut in the checksum", Array(gzip(text).dropLast(1)), "truncated"),
      ("wrong checksum", gzip(text).dropLast(8) + [1, 2, 3, 4, 5, 6, 7, 8], "damaged"),
      ("not deflate", gzip(text).prefix(10) + [0xFF, 0xFF, 0xFF], "damaged"),
      ("text after the end", gzip(text) + text, "damaged"),
      ("text after padding", gzip(text) + [0, 0] + text, "other data follows"),
    ]
  )
  func damaged(_ what: String, _ stored: [UInt8], _ expected: String) throws {
    let file = try TemporaryFile(stored)
    let error = #expect(throws: FileError.self) { try InputFile(file.url.path).readAll() }
    #expect(error?.code == .corrupt)
    #expect(error?.description.hasPrefix("\(file.url.path): ") == true)
    #expect(error?.message.contains(expected) == true)
  }

  @Test("A missing file, a directory and a file over the limit are errors that say so")
  func unreadable() throws {
    let missing = #expect(throws: FileError.self) { try InputFile("/nonexistent/dump.csv").readAll() }
    #expect(missing?.description == "/nonexistent/dump.csv: cannot be opened: No such file or directory")
    let directory = #expect(throws: FileError.self) { try InputFile("/tmp").readAll() }
    #expect(directory?.description == "/tmp: is a directory, expected a file")
    let file = try TemporaryFile(text)
    let large = #expect(throws: FileError.self) { try InputFile(file.url.path).readAll(limit: 10) }
    #expect(large?.code == .tooLarge)
  }

  @Test("What the consumer throws ends the reading and reaches the caller")
  func consumerThrows() throws {
    struct Stop: Error {}
    let file = try TemporaryFile(gzip(text))
    #expect(throws: Stop.self) { try InputFile(file.url.path).read { _ in throw Stop() } }
  }

  @Test("Standard input has a name of its own")
  func standardInput() {
    #expect(InputFile("-").name == "standard input")
    #expect(InputFile("a.csv").name == "a.csv")
  }
}
