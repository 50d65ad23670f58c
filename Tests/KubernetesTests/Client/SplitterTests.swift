import Foundation
import Model
import Testing

@testable import Kubernetes

struct SplitterTests {
  /// Cuts bytes into pieces of random lengths, small ones mostly.
  static func pieces(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [[UInt8]] {
    var rest = bytes[...]
    var pieces: [[UInt8]] = []
    while !rest.isEmpty {
      let piece = rest.prefix(Int.random(in: 1...20, using: &generator))
      pieces.append(Array(piece))
      rest = rest.dropFirst(piece.count)
    }
    return pieces
  }

  static func split(_ pieces: [[UInt8]], limit: Int = 1 << 20) throws -> (
    items: [String], version: String?, next: String?
  ) {
    var splitter = ListSplitter(limit: limit)
    var items: [String] = []
    for piece in pieces { items += try splitter.feed(piece).map { String(decoding: $0, as: UTF8.self) } }
    let metadata = try splitter.finish().metadata
    return (items, metadata.resourceVersion, metadata.continue)
  }

  @Test("A list falls into its items and its metadata, however its bytes come in")
  func list() throws {
    let items = [
      #"{"a":1}"#, #"{"items":[{"b":"]}\"{["}]}"#, "{}", #"{"c": [ [], {} ], "d": "\\"}"#, "{\n  \"e\": null\n}",
    ]
    let texts = [
      #"{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"42","continue":"x\"y"},"items":["#
        + items.joined(separator: ",") + "]}",
      "{ \"items\" :\n [ " + items.joined(separator: " ,\n") + " ], \"other\":[\"items\",[1]],"
        + #""metadata":{"continue":"x\"y","resourceVersion":"42"}}"# + "\n",
    ]
    var generator = SeededGenerator(seed: 3)
    for text in texts {
      for _ in 0..<50 {
        let (found, version, next) = try Self.split(Self.pieces(Array(text.utf8), using: &generator))
        #expect(found == items)
        #expect(version == "42")
        #expect(next == "x\"y")
      }
    }
  }

  @Test("A list without items has none", arguments: ["[]", "[ ]", "null"])
  func emptyList(items: String) throws {
    let text = #"{"metadata":{"resourceVersion":"1"},"items":\#(items)}"#
    #expect(try Self.split([Array(text.utf8)]).items.isEmpty)
  }

  @Test(
    "What is no list is refused",
    arguments: [
      "", "garbage", "{", "[]", "null", #"{"metadata":{"resourceVersion":"1"}}"#, #"{"items":[]}"#,
      #"{"metadata":{},"items":[1]}"#, #"{"metadata":{},"items":["a"]}"#, #"{"metadata":{},"items":[[]]}"#,
      #"{"metadata":{},"items":[{}"#, #"{"metadata":{},"items":[{}],"items":[{}]}"#, "}{",
      #"{"metadata":{},"items":"x"#,
      #"{"kind":"Status","metadata":{},"code":500}"#, "<html>no</html>",
    ])
  func noList(text: String) {
    #expect(throws: APIError.self) { try Self.split([Array(text.utf8)]) }
  }

  @Test("An item that is too long is refused before it is in memory")
  func longItem() throws {
    var splitter = ListSplitter(limit: 1000)
    _ = try splitter.feed(Array(#"{"metadata":{},"items":[{"a":""#.utf8))
    #expect(throws: APIError.self) {
      for _ in 0..<12 { _ = try splitter.feed([UInt8](repeating: 0x61, count: 100)) }
    }
  }

  @Test("Damaged lists are refused or read, and never crash")
  func fuzz() {
    var generator = SeededGenerator(seed: 11)
    let text = Array(#"{"metadata":{"resourceVersion":"1"},"items":[{"a":[{}]},{"b":"\"]"}],"x":[1]}"#.utf8)
    for _ in 0..<3000 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = #"{}[]",:\"#.utf8.randomElement(using: &generator)!
        case 1: bytes.remove(at: index)
        default: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        }
      }
      guard let items = try? Self.split(Self.pieces(bytes, using: &generator)).items else { continue }
      for item in items { #expect(item.hasPrefix("{")) }
    }
  }

  @Test("A stream falls into its lines, however its bytes come in")
  func lines() throws {
    var generator = SeededGenerator(seed: 5)
    let lines = ["one", "\r", "twenty-two", String(repeating: "x", count: 100)]
    let text = Array(("\n\n" + lines.joined(separator: "\n") + "\nrest").utf8)
    for _ in 0..<50 {
      var splitter = LineSplitter(limit: 100)
      var found: [String] = []
      for piece in Self.pieces(text, using: &generator) {
        found += try splitter.feed(piece).map { String(decoding: $0, as: UTF8.self) }
      }
      #expect(found == lines)
      #expect(splitter.rest == Array("rest".utf8))
    }
  }

  @Test("A line that is too long is refused")
  func longLine() throws {
    var splitter = LineSplitter(limit: 100)
    _ = try splitter.feed([UInt8](repeating: 0x61, count: 100))
    #expect(throws: APIError.self) { try splitter.feed([0x61]) }
  }
}
