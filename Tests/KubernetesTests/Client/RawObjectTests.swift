import Foundation
import Testing

@testable import Formats
@testable import Kubernetes
@testable import Model

struct RawObjectTests {
  static func object(_ text: String) throws -> RawObject { try RawObject(json: Array(text.utf8)) }

  @Test("An object's name is found wherever it stands, and nowhere else")
  func head() throws {
    let object = try Self.object(
      """
      {"spec":{"metadata":{"name":"wrong"},"name":"wrong"},"name":"wrong", "metadata" : {"labels":{"name":"wrong",
      "x":"\\"}"},"namespace":"shop","uid":"u-1","ownerReferences":[{"uid":"wrong"}],"resourceVersion":"7",
      "name":"cart"},"status":{"metadata":{}}}
      """)
    #expect(object.key == ObjectKey(namespace: "shop", name: "cart"))
    #expect(object.uid == "u-1")
    #expect(object.resourceVersion == "7")
    #expect(object.key.description == "shop/cart")
    let bare = try Self.object(#"{"metadata":{"name":"node-1","uid":5}}"#)
    #expect(bare.key == ObjectKey(name: "node-1"))
    #expect(bare.uid.isEmpty && bare.resourceVersion.isEmpty)
  }

  @Test(
    "What is no object is refused",
    arguments: ["", "null", "[]", "{", #"{"a":1}}"#, #"{"a":1"#, #"{"a" 1}"#, #"{"metadata":{"name":"a}}"#, "\u{0}"])
  func noObject(text: String) {
    let error = #expect(throws: APIError.self) { try Self.object(text) }
    #expect(error?.code == .invalidResponse)
  }

  @Test("An object is read as a type, and the error names the field that cannot be")
  func decoding() throws {
    let object = try Self.object(#"{"metadata":{"name":"web","namespace":"shop"},"spec":{"nodeName":"n"}}"#)
    #expect(try object.decode(Pod.self).spec.nodeName == "n")
    let error = #expect(throws: APIError.self) {
      try Self.object(#"{"metadata":{"name":"web","namespace":"shop"},"spec":{"nodeName":["n"]}}"#).decode(Pod.self)
    }
    #expect(error?.message.contains("shop/web") == true)
    #expect(error?.message.contains("spec.nodeName") == true)
  }

  @Test("A JSON value is what it was after it was written and read")
  func jsonValue() throws {
    let value: JSONValue = [
      "null": nil, "yes": true, "no": false, "zero": 0, "one": 1, "big": 9_007_199_254_740_993, "part": 0.5,
      "text": "a\"\u{1F600}\n", "list": [1, "two", [nil], [:]], "object": ["a": ["b": []]],
    ]
    #expect(try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value)) == value)
    #expect(value["object"]?["a"]?["b"]?.array == [])
    #expect(value["text"]?["x"] == nil)
    var changed = value
    changed["one"] = nil
    changed["new"] = "field"
    #expect(changed["one"] == nil)
    #expect(changed["new"]?.string == "field")
    #expect(changed["big"]?.integer == 9_007_199_254_740_993)
  }

  @Test("Lines of a watch are events")
  func events() throws {
    func event(_ text: String) throws -> WatchEvent { try WatchEvent(line: Array(text.utf8)) }
    guard
      case .modified(let object) = try event(
        #"{"object":{"metadata":{"name":"a","resourceVersion":"5"}},"type":"MODIFIED"}"#)
    else {
      Issue.record("no MODIFIED")
      return
    }
    #expect(object.key.name == "a")
    let bookmark = try event(#"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"9"}}}"#)
    #expect(bookmark.resourceVersion == "9")
    let gone = #expect(throws: APIError.self) {
      try event(
        #"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#)
    }
    #expect(gone?.isExpired == true)
    for text in ["{}", "x", #"{"type":"ADDED"}"#, #"{"type":"OTHER","object":{}}"#, #"{"type":"ADDED","object":5}"#] {
      let error = #expect(throws: APIError.self, "\(text)") { try event(text) }
      #expect(error?.code == .invalidResponse)
    }
  }

  @Test("Damaged lines of a watch are refused or read, and never crash")
  func fuzz() {
    var generator = SeededGenerator(seed: 4)
    let line = Array(#"{"type":"ADDED","object":{"metadata":{"name":"\u0061","uid":"u"},"spec":[1,{"a":"}"}]}}"#.utf8)
    for _ in 0..<5000 {
      var bytes = line
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        if Bool.random(using: &generator) {
          bytes[index] = Array(#"{}[]",:\0e-"#.utf8).randomElement(using: &generator) ?? 0
        } else {
          bytes.remove(at: index)
        }
      }
      guard case .added(let object)? = try? WatchEvent(line: bytes) else { continue }
      _ = try? object.decode(Pod.self)
      #expect(bytes.contains(Array(object.json)))
    }
  }

  @Test(
    "Times are read and written as Kubernetes writes them",
    arguments: [
      ("2024-02-29T12:34:56.000001Z", "2024-02-29T12:34:56.000001Z", 1_709_210_096_000_001),
      ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z", 0),
      ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z", -500_000),
      ("2000-03-01T01:00:00+01:00", "2000-03-01T00:00:00.000000Z", 951_868_800_000_000),
      ("2100-12-31t23:59:59.123456789z", "2100-12-31T23:59:59.123456Z", 4_133_980_799_123_456),
    ] as [(String, String, Int64)])
  func timestamps(text: String, canonical: String, microseconds: Int64) {
    #expect(Timestamp(text)?.microseconds == microseconds)
    #expect(Timestamp(microseconds: microseconds).description == canonical)
  }

  @Test("Any time is read back as it was written")
  func timestampRoundTrip() {
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<2000 {
      let time = Timestamp(
        microseconds: Int64.random(in: -62_000_000_000_000_000...250_000_000_000_000_000, using: &generator))
      #expect(Timestamp(time.description) == time)
    }
  }

  @Test(
    "What is no time is refused",
    arguments: [
      "", "now", "2024-13-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z",
      "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+1:00", "2024-01-01T00:00:00ZZ",
    ])
  func noTimestamp(text: String) {
    #expect(Timestamp(text) == nil)
  }
}
