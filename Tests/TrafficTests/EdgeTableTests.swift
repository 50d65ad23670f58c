import Testing

@testable import Traffic

@Suite struct EdgeTableTests {
  @Test(
    "Rows become edges",
    arguments: [
      (
        "both rates",
        "source,destination,bytes_per_second,requests_per_second\nshop/a,shop/b,12.5,3\n",
        ["shop/a → shop/b: 12.5 B/s, 3/s"]
      ),
      ("no line end at the end", "source,destination,bytes_per_second\na,b,1", ["default/a → default/b: 1 B/s"]),
      ("columns in another order", "requests_per_second,destination,source\n7,b,a\n", ["default/a → default/b: 7/s"]),
      ("upper case", "Source,DESTINATION,Requests_Per_Second\na,b,7\n", ["default/a → default/b: 7/s"]),
      ("Windows", "\u{FEFF}source,destination,bytes_per_second\r\na,b,1\r\n\r\n", ["default/a → default/b: 1 B/s"]),
      ("comments", "# who\nsource,destination,bytes_per_second\n#a,\"b\na,b,1\n#", ["default/a → default/b: 1 B/s"]),
      ("space", "\n source , destination,bytes_per_second\n a ,\tb , 1 \n", ["default/a → default/b: 1 B/s"]),
      (
        "quotes", "source,destination,bytes_per_second\n\"shop/a\",\"x\"\"\n,y\",\"1\"\n",
        ["shop/a → default/x\"\n,y: 1 B/s"]
      ),
      (
        "an empty rate is unknown", "source,destination,bytes_per_second,requests_per_second\na,b,,2\na,b,,\n",
        ["default/a → default/b: 2/s"]
      ),
      (
        "rows add up", "source,destination,bytes_per_second\na,b,1\nb,a,4\na,b,2\n",
        ["default/a → default/b: 3 B/s", "default/b → default/a: 4 B/s"]
      ),
      (
        "numbers", "source,destination,bytes_per_second\na,b,1.5e3\na,b,+.5\na,b,2.\n",
        ["default/a → default/b: 1502.5 B/s"]
      ),
      ("only a header", "source,destination,bytes_per_second\n", []),
    ]
  )
  func edges(_ what: String, _ text: String, _ expected: [String]) throws {
    for chunk in [1, 2, 3, 7, .max] {
      let dump = try read(text, chunk: chunk)
      #expect(lines(dump.graph) == expected, "chunks of \(chunk)")
      #expect(dump.format == .csv)
    }
  }

  @Test(
    "Wrong input is named by its line",
    arguments: [
      ("", "dump: found no content, expected a traffic dump"),
      (" \n ", "dump: found no content, expected a traffic dump"),
      (
        "\nhello world\n",
        "dump:2: found 'hello world', expected JSON, or a CSV header with the columns source and destination "
          + "or traceid, um and dm"
      ),
      (
        "source,destination\na,b\n",
        "dump:1: found the header 'source,destination', "
          + "expected a column bytes_per_second or requests_per_second"
      ),
      (
        "source,source,destination,bytes_per_second\n",
        "dump:1: found more than one column source in the header 'source,source,destination,bytes_per_second'"
      ),
      (
        "source,destination,bytes_per_second,bytes_per_second\n",
        "dump:1: found the column bytes_per_second twice"
      ),
      (
        "source,destination,bytes_per_second\na,b,1\n\n# c\na,b\n",
        "dump:5: found 2 fields, expected 3 as in the header"
      ),
      (
        "source,destination,bytes_per_second\n\"a\nb\",c,1\na,b,x\n",
        "dump:4: found 'x' in the column bytes_per_second, expected a rate of 0 or more"
      ),
      (
        "source,destination,bytes_per_second\na,b,-1\n",
        "dump:2: found '-1' in the column bytes_per_second, expected a rate of 0 or more"
      ),
      (
        "source,destination,bytes_per_second\na,b,1e999\n",
        "dump:2: found '1e999' in the column bytes_per_second, expected a rate of 0 or more"
      ),
      (
        "source,destination,bytes_per_second\na,b,1e300\n",
        "dump:2: found '1e300' in the column bytes_per_second, expected a rate of 0 or more"
      ),
      (
        "source,destination,bytes_per_second\na/b/c,b,1\n",
        "dump:2: found 'a/b/c' in the column source, expected a workload as namespace/name"
      ),
      (
        "source,destination,bytes_per_second\na,,1\n",
        "dump:2: found '' in the column destination, expected a workload as namespace/name"
      ),
      (
        "source,destination,bytes_per_second\n\na,\"b,1\n\n",
        "dump:3: found a quote that is never closed in the row that starts here"
      ),
      (
        "source,destination,bytes_per_second\na\"\",b,1\n",
        "dump:2: found a quote inside the field 'a\"\"', expected quotes around the whole field, doubled within"
      ),
    ]
  )
  func errors(_ text: String, _ expected: String) {
    for chunk in [1, 3, .max] {
      let error = #expect(throws: TrafficError.self) { try read(text, chunk: chunk) }
      #expect(error?.description == expected, "chunks of \(chunk)")
    }
  }

  @Test("A quote left open in a large file ends at the row limit, not at the memory's")
  func openQuote() {
    let text = "source,destination,bytes_per_second\na,\"b,1\n" + String(repeating: "a,b,1\n", count: 200_000)
    let error = #expect(throws: TrafficError.self) { try read(text, chunk: 1 << 16) }
    #expect(error?.code == .tooLarge)
    #expect(error?.line == 2)
  }

  @Test("A column that is not used is named")
  func unusedColumn() throws {
    let dump = try read("source,destination,bytes_per_second,port\na,b,1,80\n")
    #expect(dump.warnings == ["the column 'port' is not used"])
  }
}
