import Testing

@testable import Traffic

@Suite struct JSONTests {
  @Test(
    "Wrong JSON is named by line and path",
    arguments: [
      (#"{"data": [{"parent": 1}]}"#, "dump:1: $.data[0].parent: found the number '1', expected a string"),
      (
        "{\"data\": [\n{\"parent\": \"a\", \"child\": \"b\", \"callCount\": -1}]}",
        "dump:2: $.data[0].callCount: found the number '-1', expected a count of 0 or more"
      ),
      (
        "[{\"parent\": \"a\", \"child\": \"b\", \"callCount\": 1},\n\n{\"parent\": \"a\", \"child\": \"b\"}]",
        "dump:3: $[1]: found a dependency without parent, child or callCount, expected all three"
      ),
      (
        #"[{"parent": "a" "child": "b"}]"#,
        "dump:1: $[0].parent: found '\"child\": \"b\"}]', expected a comma or the end of the object"
      ),
      (#"[{"parent" "a"}]"#, "dump:1: $[0].parent: found '\"a\"}]', expected a colon"),
      (#"[{"parent": "\x"}]"#, #"dump:1: $[0].parent: found '"\x"}]', expected an escape that JSON has"#),
      (#"[{"parent": tru}]"#, "dump:1: $[0].parent: found a boolean, expected a string"),
      (#"[{"parent": "a", "callCount": 1.2.3}]"#, "dump:1: $[0].callCount: found '1.2.3}]', expected a number"),
      (
        #"[{"parent": "a", "callCount": "NaN"}]"#,
        "dump:1: $[0].callCount: found the string 'NaN', expected a count of 0 or more"
      ),
      ("\n{\"data\": [\n", "dump:3: found the end inside the JSON value that starts on line 2"),
      ("[{\"parent\": \"a\nb\"}]", "dump:1: found a line end inside a string, expected a quote"),
      ("[] x", "dump:1: found 'x', expected a JSON object or array"),
      (
        "{\"parent\": 1}",
        "dump:1: $: found JSON of no known format, expected one of "
          + "prometheus, kiali, hubble, jaeger-dependencies, jaeger-traces, otlp, alibaba, csv"
      ),
      (
        #"{"status": "success", "data": {"resultType": "scalar", "result": [0, "1"]}}"#,
        #"dump:1: $.data.resultType: found the string 'scalar', expected "vector" or "matrix""#
      ),
      (
        #"{"elements": {"nodes": [{"data": {"id": "a"}}], "edges": [{"data": {"source": "a", "target": "z"}}]}}"#,
        "dump:1: $.elements.edges[0].data.target: found the string 'z', expected the id of a node"
      ),
      (
        #"{"flow": {"verdict": "FORWARDED", "time": "noon"}}"#,
        "dump:1: $.flow.time: found the string 'noon', expected a time such as 2024-05-01T12:00:00.5Z"
      ),
    ]
  )
  func errors(_ text: String, _ expected: String) {
    for chunk in [1, 5, .max] {
      let error = #expect(throws: TrafficError.self) { try read(text, chunk: chunk) }
      #expect(error?.description == expected, "chunks of \(chunk)")
    }
  }

  @Test("Text in UTF-16 without a byte order mark is named as such", arguments: [true, false])
  func utf16(isLittleEndian: Bool) {
    for text in [#"{"data": []}"#, "source,destination\n"] {
      let bytes: [UInt8] = text.utf8.flatMap { (byte: UInt8) -> [UInt8] in isLittleEndian ? [byte, 0] : [0, byte] }
      for chunk in [1, .max] {
        let error = #expect(throws: TrafficError.self) { try read(bytes, chunk: chunk) }
        #expect(
          error?.description == "dump:1: found a zero byte beside each letter, which is text in UTF-16, expected UTF-8")
      }
    }
  }

  @Test("Documents may stand in a row, with or without line ends")
  func concatenated() throws {
    let one = #"{"data": [{"parent": "a", "child": "b", "callCount": 1}]}"#
    #expect(lines(try read(one + one + "\n\r\n" + one).graph) == ["a → b: 3/s"])
  }

  @Test(
    "Strings are unescaped",
    arguments: [
      (#"a\"\\\/\b\f\n\r\tb"#, "a\"\\/\u{8}\u{C}\n\r\tb"),
      (#"\u00e9\u4F60\ud83d\ude00"#, "é你😀"),
      (#"\ud83dx\ude00"#, "\u{FFFD}x\u{FFFD}"),
      ("\u{10348}隣", "\u{10348}隣"),
    ]
  )
  func escapes(_ written: String, _ meant: String) throws {
    let dump = try read(#"[{"\u0070arent": "\#(written)", "child": "b", "callCount": 1}]"#)
    #expect(dump.graph.endpoints.first?.name == meant)
  }

  @Test("Null stands for what is absent")
  func null() throws {
    let text = #"{"flow": {"time": null, "verdict": "FORWARDED", "l4": null, "is_reply": null, "source": null}}"#
    #expect(try read(text).dropped.first?.reason == "source or destination is missing")
  }

  @Test("A document over the limit is an error, however it is cut")
  func limit() {
    let text = "[" + String(repeating: " ", count: 1000) + "]"
    for chunk in [1, .max] {
      let error = #expect(throws: TrafficError.self) {
        try read(text, chunk: chunk, options: .init(documentLimit: 1000))
      }
      #expect(error?.code == .tooLarge)
    }
  }

  @Test("A line of ten megabytes and nesting of a hundred thousand are read in linear time")
  func long() throws {
    let padding = String(repeating: "x\\\"{", count: 2_500_000)
    let flow =
      #"{"flow": {"verdict": "FORWARDED", "Summary": "\#(padding)", "source": {"pod_name": "a"}, "#
      + #""destination": {"pod_name": "b"}}}"#
    #expect(lines(try read(flow, chunk: 65_536).graph) == ["a → b: 1/s"])

    for (open, close) in [("[", "]"), (#"{"trace":"#, "}"), (#"{"data":["#, "]}")] {
      let nested = String(repeating: open, count: 100_000) + "1" + String(repeating: close, count: 100_000)
      for format in TrafficFormat.allCases {
        #expect(throws: TrafficError.self) { try read(nested, chunk: 4096, format: format) }
      }
    }
  }

  @Test(
    "Times of RFC 3339 are read",
    arguments: [
      ("1970-01-01T00:00:00Z", 0),
      ("2024-02-29T12:34:56.5Z", 1_709_210_096.5),
      ("2024-05-01T14:00:00.000000001+02:00", 1_714_564_800),
      ("1969-12-31t23:59:59-00:30", 1_799),
      ("2024-13-01T00:00:00Z", nil), ("2024-05-01T12:00Z", nil), ("2024-05-01T12:00:00", nil),
      ("2024-05-01T12:00:00.Z", nil), ("2024-05-01T12:00:00Zz", nil), ("2024-05-01T12:00:00+02", nil), ("", nil),
    ] as [(String, Double?)]
  )
  func times(_ text: String, _ seconds: Double?) {
    var text = text
    #expect(text.withUTF8 { rfc3339(UnsafeRawBufferPointer($0)) } == seconds)
  }
}
