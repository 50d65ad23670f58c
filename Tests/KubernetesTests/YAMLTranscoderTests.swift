import Foundation
import Testing

@testable import Formats
@testable import Kubernetes

@Suite("YAML becomes JSON")
struct YAMLTranscoderTests {
  @Test(
    "as Kubernetes' own tools make it",
    arguments: [
      ("a: 1", #"{"a":1}"#),
      ("a: -1.5e3", #"{"a":-1.5e3}"#),
      ("a: 1.", #"{"a":"1."}"#),
      ("a: 010", #"{"a":"010"}"#),
      ("a: 0x10", #"{"a":"0x10"}"#),
      ("a: 1_000", #"{"a":"1_000"}"#),
      ("a: 12E", #"{"a":"12E"}"#),
      ("a: '1'", #"{"a":"1"}"#),
      ("a: \"1\"", #"{"a":"1"}"#),
      ("a: !!str 1", #"{"a":"1"}"#),
      ("1: 2", #"{"1":2}"#),
      ("true: yes", #"{"true":true}"#),
      ("a: off", #"{"a":false}"#),
      ("a: 'off'", #"{"a":"off"}"#),
      ("a:", #"{"a":null}"#),
      ("a: ~", #"{"a":null}"#),
      ("a: ''", #"{"a":""}"#),
      ("a: 2024-01-01T00:00:00Z", #"{"a":"2024-01-01T00:00:00Z"}"#),
      ("a: \"x\\ty\\\"z\\\\ \\u0001 é\"", #"{"a":"x\u0009y\"z\\ \u0001 é"}"#),
      ("a: |\n  one\n  two\n", #"{"a":"one\u000atwo\u000a"}"#),
      ("a: >-\n  one\n  two\n", #"{"a":"one two"}"#),
      ("- a\n- [b, {c: d}]\n- {}\n- []\n", #"["a",["b",{"c":"d"}],{},[]]"#),
      ("a: &x [1, 2]\nb: *x\nc: {d: *x}\n", #"{"a":[1,2],"b":[1,2],"c":{"d":[1,2]}}"#),
      ("&k a: 1\n*k : 2\n", #"{"a":2}"#),
      ("a: 1\nb: {c: 1, d: 2, c: [3]}\na: 4\n", #"{"a":4,"b":{"c":[3],"d":2}}"#),
      ("<<: [{a: 1, b: 2}, {b: 3}]", #"{"b":2,"a":1}"#),
      ("<<: {<<: {<<: {a: 1}}}", #"{"a":1}"#),
      ("a: &x 1\nb: &x 2\nc: *x\n", #"{"a":1,"b":2,"c":2}"#),
      ("{<<: {a: 1}, b: 2}", #"{"a":1,"b":2}"#),
      ("{<<: {}, b: 2}", #"{"b":2}"#),
      ("{<<: []}", "{}"),
      ("'<<': {a: 1}", #"{"<<":{"a":1}}"#),
      ("- &x {a: {b: 1}, c: 2}\n- <<: *x\n  c: 3\n", #"[{"a":{"b":1},"c":2},{"a":{"b":1},"c":3}]"#),
      ("- &x {a: 1}\n- &y {a: 2, b: 2}\n- <<: [*x, *y]\n", #"[{"a":1},{"a":2,"b":2},{"a":1,"b":2}]"#),
      ("<<: &x {a: &y [1]}\nb: *x\nc: *y\n", #"{"a":[1],"b":{"a":[1]},"c":[1]}"#),
      (
        "- &x {a: 1}\n- &y\n  <<: *x\n  b: &z {c: 2}\n- [*y, *z]\n",
        #"[{"a":1},{"a":1,"b":{"c":2}},[{"a":1,"b":{"c":2}},{"c":2}]]"#
      ),
      ("%YAML 1.1\n---\na: b\n...\n", #"{"a":"b"}"#),
      ("", ""),
    ]
  )
  func documents(yaml: String, expected: String) throws {
    #expect(String(decoding: try json(yaml), as: UTF8.self) == expected)
  }

  @Test("of many fields, with each once")
  func manyFields() throws {
    let yaml = (0..<40).map { "f\($0 % 39): \($0)\n" }.joined()
    let fields = (0..<39).map { #""f\#($0)":\#($0 == 0 ? 39 : $0)"# }
    #expect(String(decoding: try json(yaml), as: UTF8.self) == "{\(fields.joined(separator: ","))}")
  }

  @Test("or is refused, and nothing of it is lost, where what is merged nests too deep")
  func deepMerge() throws {
    let deep = "[" + String(repeating: "[", count: 149) + "1" + String(repeating: "]", count: 150)
    let around = (String(repeating: "[", count: 100), String(repeating: "]", count: 100))
    let yaml = "a: &d \(deep)\nb:\n  <<: {a: b}\n  deep: \(around.0)*d\(around.1)\n  kept: 1\n"
    let error = #expect(throws: YAMLTranscoder.SyntaxError.self) { try json(yaml) }
    #expect(error?.message == "found nesting deeper than 200, expected less")
    #expect(error?.line == 6)
    let list = "a: &d \(deep)\nb:\n  <<: [{x: \(around.0)*d\(around.1)}]\n"
    #expect(throws: YAMLTranscoder.SyntaxError.self) { try json(list) }
  }

  @Test("in time and memory that the text bounds, however mappings are merged", .timeLimit(.minutes(1)))
  func nestedMerges() throws {
    let fields = "{" + (0..<20_000).map { "k\($0): v" }.joined(separator: ", ") + "}"
    func nested(_ open: String) -> String {
      String(repeating: open, count: 190) + fields + String(repeating: "}", count: 190)
    }
    let error = #expect(throws: YAMLTranscoder.SyntaxError.self) { try json(nested("{<<: ")) }
    #expect(error?.message.contains("merged again and again") == true)
    #expect(throws: YAMLTranscoder.SyntaxError.self) { try json(nested("{x: 1, <<: ")) }
    #expect(try json("{<<: {<<: \(fields)}}").count > 200_000)
  }

  @Test("with merge keys as kubectl reads them")
  func merges() throws {
    let yaml = """
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: merged
        labels: &labels {p: "1", q: "2"}
        annotations: &annotations {p: "9", r: "3"}
      data:
        q: before
        <<: [*annotations, *labels]
        p: after
      binaryData:
        <<: *labels
        <<: *annotations
      """
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["kubectl", "annotate", "--local", "-f", "-", "-o", "json", "k=v"]
    let (input, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput) = (input, output)
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data(yaml.utf8))
    try input.fileHandleForWriting.close()
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let expected = try JSONDecoder().decode(Merged.self, from: printed)
    #expect(expected.data["q"] == "2", "kubectl printed \(String(decoding: printed, as: UTF8.self))")
    #expect(try JSONDecoder().decode(Merged.self, from: Data(json(yaml))) == expected)
  }

  private struct Merged: Decodable, Equatable {
    var data: [String: String]
    var binaryData: [String: String]
  }
}
