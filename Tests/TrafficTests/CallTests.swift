import Testing

@testable import Traffic

@Suite struct CallTests {
  @Test("A record is forgotten only after more others than the memory holds")
  func recentRecords() {
    var recent = RecentRecords(capacity: 100)
    for call in 0..<1000 as Range<UInt64> {
      let isNew = recent.insert(call)
      let isNewAgain = recent.insert(call)
      #expect(isNew && !isNewAgain)
      guard call >= 99 else { continue }
      let isOldNew = recent.insert(call - 99)
      #expect(!isOldNew)
    }
    let isForgotten = recent.insert(0)
    #expect(isForgotten)
  }

  @Test("Calls of one rpcid count once, unless their ends differ")
  func alibaba() throws {
    let header = "timestamp,traceid,service,rpc_id,rpctype,um,dm,rt\n"
    let rows = [
      "0,t,s,0.1,rpc,a,b,5", "0,t,s,0.1,rpc,a,b,-5", "0,t,s,0.1,mc,a,c,1", "0,u,s,0.1,rpc,a,b,5", "0,t,s,0.2,rpc,a,b,5",
    ]
    #expect(lines(try read(header + rows.joined(separator: "\n")).graph) == ["a → b: 3/s", "a → c: 1/s"])
  }

  @Test(
    "A call graph that is none is named by line and column",
    arguments: [
      ("traceid,um,dm,timestamp\n", "dump:1: found no column rpcid or rpc_id in the header 'traceid,um,dm,timestamp'"),
      (
        "traceid,rpcid,um,dm,timestamp\nt,0,a,b,noon\n",
        "dump:2: found 'noon' in the column timestamp, expected milliseconds"
      ),
    ]
  )
  func alibabaErrors(_ text: String, _ expected: String) {
    #expect(throws: TrafficError.self) { try read(text) }
    do { _ = try read(text) } catch { #expect(error.description == expected) }
  }

  @Test("An archive that is not unpacked is named as such")
  func archive() {
    let error = #expect(throws: TrafficError.self) { try read("CallGraph_0.csv\0\0\0\0000644\n") }
    #expect(error?.message.hasPrefix("found binary data (an archive has to be unpacked first)") == true)
  }

  private func span(_ id: String, _ parent: String, _ service: String, _ kind: SpanKind) -> Span {
    var span = Span(traceID: "t", id: id, parentID: parent, kind: kind, start: 0, end: 1)
    span.attributes.service = service
    return span
  }

  @Test(
    "Spans tell calls",
    arguments: [
      ("client and server", ["1::a:server", "2:1:a:client", "3:2:b:server"], ["a → b: 1/s"]),
      ("server without client", ["1::a:server", "3:1:b:server"], ["a → b: 1/s"]),
      ("no kinds", ["1::a:", "2:1:a:", "3:2:b:", "4:3:b:"], ["a → b: 1/s"]),
      ("a call to itself", ["1::a:server", "2:1:a:client", "3:2:a:server"], ["a → a: 1/s"]),
      ("retries", ["2::a:client", "3:2:b:server", "4:2:b:server"], ["a → b: 2/s"]),
      (
        "sidecars on both sides", ["1::a:client", "2:1:a:client", "3:2:b:server", "4:3:b:server"], ["a → b: 1/s"]
      ),
      ("sides that share an id", ["1::a:server", "2:1:a:client", "2:1:b:server", "3:2:b:"], ["a → b: 1/s"]),
      ("no parent, in zeros", ["1:0000000000000000:a:server", "2:AAAAAAAAAAA=:b:server"], []),
      ("a loop", ["1:2:a:", "2:1:b:", "3:3:c:server"], ["b → a: 1/s", "a → b: 1/s"]),
    ]
  )
  func spans(_ what: String, _ spans: [String], _ expected: [String]) {
    for order in [spans, spans.reversed()] {
      var finder = CallFinder(window: nil)
      for text in order {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        finder.add(span(parts[0], parts[1], parts[2], SpanKind(parts[3])))
      }
      let found = finder.finish().graph
      #expect(lines(found).sorted() == expected.sorted())
    }
  }

  @Test(
    "A message goes through its broker, under the name that its producer or its consumer gives it",
    arguments: [
      ("named by both", ["1::a:producer:mq", "2:1:b:consumer:mq"], ["(mq) → b: 1/s", "a → (mq): 1/s"]),
      ("named by the producer", ["1::a:producer:mq", "2:1:b:consumer:"], ["(mq) → b: 1/s", "a → (mq): 1/s"]),
      ("named by the consumer", ["1::a:producer:", "2:1:b:consumer:mq"], ["(mq) → b: 1/s", "a → (mq): 1/s"]),
      (
        "named by none", ["1::a:producer:", "2:1:b:consumer:"],
        ["[message broker] → b: 1/s", "a → [message broker]: 1/s"]
      ),
      (
        "to two consumers", ["1::a:producer:mq", "2:1:b:consumer:", "3:1:c:consumer:"],
        ["(mq) → b: 1/s", "(mq) → c: 1/s", "a → (mq): 1/s"]
      ),
      ("in a trace of its own", ["2::b:consumer:mq"], ["(mq) → b: 1/s"]),
      ("whose producer is missing", ["2:1:b:consumer:mq"], ["(mq) → b: 1/s"]),
      ("processed within receiving", ["2::b:consumer:mq", "3:2:b:consumer:mq"], ["(mq) → b: 1/s"]),
      ("published by a client", ["1::a:client:mq", "2:1:b:consumer:mq"], ["(mq) → b: 1/s", "a → (mq): 1/s"]),
      (
        "handed to others", ["1::a:producer:mq", "2:1:b:consumer:", "3:2:c:server:"],
        ["(mq) → b: 1/s", "a → (mq): 1/s", "b → c: 1/s"]
      ),
    ]
  )
  func messages(_ what: String, _ spans: [String], _ expected: [String]) {
    for order in [spans, spans.reversed()] {
      var finder = CallFinder(window: nil)
      for text in order {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var span = span(parts[0], parts[1], parts[2], SpanKind(parts[3]))
        var key = "messaging.system"
        key.withUTF8 {
          span.attributes.add(JSONText(raw: UnsafeRawBufferPointer($0), isEscaped: false), .text(parts[4]))
        }
        finder.add(span)
      }
      #expect(lines(finder.finish().graph).sorted() == expected)
    }
  }

  @Test("Calls that do not say how large they are count as large as others between the same ends")
  func sizes() {
    func call(_ number: Int, _ service: String, request: Double?, response: Double?) -> Span {
      var span = Span(traceID: "\(number)", id: "1", parentID: "", kind: .client, start: 1, end: 1)
      span.attributes.service = service
      for (name, value) in [("http.request.body.size", request), ("http.response.body.size", response)] {
        guard let value else { continue }
        var name = name
        name.withUTF8 {
          span.attributes.add(JSONText(raw: UnsafeRawBufferPointer($0), isEscaped: false), .number(value))
        }
      }
      var key = "peer.service"
      key.withUTF8 {
        span.attributes.add(JSONText(raw: UnsafeRawBufferPointer($0), isEscaped: false), .text("z"))
      }
      return span
    }
    var finder = CallFinder(window: nil)
    for number in 0..<100 {
      // Of a, one in ten says its sizes, and one in five that of the request.
      finder.add(
        call(number, "a", request: number % 5 == 0 ? 30 : nil, response: number % 10 == 0 ? 70 : nil))
    }
    finder.add(call(100, "b", request: 100, response: nil))
    finder.add(call(101, "c", request: nil, response: nil))
    let (graph, tally) = finder.finish()
    #expect(lines(graph) == ["a → (z): 10000 B/s, 100/s", "b → (z): 100 B/s, 1/s", "c → (z): 1/s"])
    let dump = tally.dump(of: graph, [], .otlp, noun: "spans")
    #expect(dump.warnings.contains { $0.hasPrefix("80 calls do not say how large they are") })
  }

  @Test("Any number of spans under one id take linear time")
  func sharedID() {
    var finder = CallFinder(window: nil)
    for index in 0..<100_000 { finder.add(span("1", "1", "service-\(index)", .server)) }
    let tally = finder.finish().tally
    #expect(tally.dropped.first?.count == 99_999)
  }
}
