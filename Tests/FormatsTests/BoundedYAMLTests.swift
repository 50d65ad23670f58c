import Testing

@testable import Formats

@Suite("YAML from outside") struct BoundedYAMLTests {
  @Test(
    "is refused by the line where it is no YAML, or no text is a key, or too much nests",
    arguments: [
      ("a: [", "f: is not YAML: 2:1: did not find expected node content"),
      ("a: b\n c: d", "f: is not YAML: 2:3: mapping values are not allowed in this context"),
      ("a: 1\n? [b]\n: 2", "f: line 2: found a key that is no text"),
      ("a: &x [b]\n*x : 2", "f: line 2: found a key that is no text"),
      ("a: *x", "f: line 1: found the alias *x, expected an anchor of that name before"),
      ("a: &x [*x]", "f: line 1: found the alias *x, expected an anchor of that name before"),
      (String(repeating: "[", count: 201), "f: line 1: found nesting deeper than 200, expected less"),
      ("", "f: is empty, expected a mapping"),
    ])
  func refused(_ text: String, _ expected: String) {
    #expect(#expect(throws: FileError.self) { try YAMLField(text: text, file: "f") }?.description == expected)
    if !text.isEmpty {
      let error = #expect(throws: FileError.self) { try YAMLField.documents(text: "a: b\n---\n" + text, file: "f") }
      #expect(error?.file == "f")
    }
  }

  @Test("is read with anchors, keys that are aliases of text, and several documents")
  func read() throws {
    let field = try YAMLField(text: "a: &k x\n*k : &l [1, 2]\nc: [*l, *l]", file: "f")
    let fields = try field.fields()
    #expect(fields.keys.sorted() == ["a", "c", "x"])
    #expect(try fields["c"]?.list().map { try $0.list().count } == [2, 2])
    #expect(try YAMLField.documents(text: "a: b\n---\n---\nc: &x d\ne: *x\n", file: "f").count == 2)
    // What one document anchors is not known in the next.
    #expect(throws: FileError.self) { try YAMLField.documents(text: "a: &x b\n---\nc: *x\n", file: "f") }
  }

  @Test("takes time that its length bounds, whatever aliases stand for", .timeLimit(.minutes(1)))
  func bombs() {
    for (open, close) in [("[", "]"), ("{p: ", "}")] {
      func value(_ i: Int) -> String { open == "[" ? "[*a\(i), *a\(i)]" : "{p: *a\(i), q: *a\(i)}" }
      var bomb = "a0: &a0 \(open)x\(close)\n"
      for i in 1..<40 { bomb += "a\(i): &a\(i) \(value(i - 1))\n" }
      for text in [bomb, bomb + "? *a39\n: outside\n", bomb + "b: {? *a39 : 1}\n"] {
        let error = #expect(throws: FileError.self) { try YAMLField(text: text, file: "f") }
        #expect(error?.message.contains("aliases that blow the input up") == true)
      }
    }
  }

  @Test("is not quoted at length in errors")
  func excerpts() {
    let text = "a: \(String(repeating: "x", count: 10_000))\na: 1\n"
    let error = #expect(throws: FileError.self) { try YAMLField(text: text, file: "f") }
    #expect(error?.message.hasPrefix("is not YAML: ") == true)
    #expect((error?.message.count ?? .max) < 1500)
  }
}
