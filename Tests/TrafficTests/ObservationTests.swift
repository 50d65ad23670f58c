import Testing

@testable import Traffic

@Suite("Dumps of one observation")
struct ObservationTests {
  private func flow(_ source: String, _ destination: String, _ point: String, _ uuid: String) -> String {
    #"{"flow": {"uuid": "\#(uuid)", "verdict": "FORWARDED", "is_reply": false, "#
      + #""trace_observation_point": "\#(point)", "time": "2024-05-01T12:00:00Z", "#
      + #""source": {"namespace": "n", "pod_name": "\#(source)"}, "#
      + #""destination": {"namespace": "n", "pod_name": "\#(destination)"}}}"#
  }

  @Test("Flows that Cilium wrote per node count once, those between nodes as those on one")
  func flowsPerNode() throws {
    let first = ["1", "2"].map { flow("a", "b", "TO_OVERLAY", "x\($0)") } + [flow("a", "c", "TO_ENDPOINT", "y")]
    let second = ["1", "2"].map { flow("a", "b", "TO_ENDPOINT", "z\($0)") }
    let dumps = try read(together: [first.joined(separator: "\n"), second.joined(separator: "\n")])
    #expect(dumps.map(\.sources) == [["a", "b"]])
    #expect(lines(dumps[0].graph) == ["n/a → n/b: 2/s", "n/a → n/c: 1/s"])
  }

  @Test("A file of flows that ends long before another one's is said to count too little; a quiet node's is not")
  func uneven() throws {
    func flows(_ count: Int, every milliseconds: Int) -> String {
      (1...count).map { index in
        let time = index * milliseconds
        let seconds = "{\"seconds\": \(time / 1000), \"nanos\": \(time % 1000 * 1_000_000)}"
        return flow("a", "b", "TO_ENDPOINT", "\(milliseconds) \(index)").replacing(
          #""2024-05-01T12:00:00Z""#, with: seconds)
      }.joined(separator: "\n")
    }
    func isWarned(_ dumps: String...) throws -> Bool {
      try read(together: dumps)[0].warnings.contains { $0.hasPrefix("some dumps cover less than half of the time") }
    }
    #expect(try isWarned(flows(1000, every: 10), flows(1000, every: 30)))
    #expect(try !isWarned(flows(1000, every: 20), flows(1000, every: 30)))
    #expect(try !isWarned(flows(100, every: 10), flows(1000, every: 30)))
  }

  private func span(_ service: String, _ kind: String, _ id: String, _ parent: String) -> String {
    #"{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "\#(service)"}}]}, "#
      + #""scopeSpans": [{"spans": [{"traceId": "t", "spanId": "\#(id)", "parentSpanId": "\#(parent)", "#
      + #""kind": "SPAN_KIND_\#(kind)"}]}]}]}"#
  }

  @Test("A call whose sides are in the files of two collectors counts once")
  func spansPerNode() throws {
    let caller = span("a", "CLIENT", "1", "")
    let callee = span("b", "SERVER", "2", "1")
    for dumps in [[caller, callee], [callee, caller], [caller + callee, caller + callee]] {
      #expect(lines(try read(together: dumps)[0].graph) == ["a → b: 1/s"])
    }
  }

  @Test("A span that two collectors have counts once, though one of them knows more of who sent it")
  func attributes() throws {
    let spans = [span("a", "CLIENT", "1", ""), span("b", "SERVER", "2", "1")]
    let detailed = spans.map {
      $0.replacing(
        #""attributes": ["#, with: #""attributes": [{"key": "k8s.namespace.name", "value": {"stringValue": "n"}}, "#)
    }
    for dumps in [[spans, detailed], [detailed, spans]] {
      let dump = try read(together: dumps.map { $0.joined() })[0]
      #expect(lines(dump.graph) == ["n/a → n/b: 1/s"])
      #expect(dump.dropped == [.init(reason: "occur twice", count: 2)])
    }
  }

  @Test("A pod that one node's flows name alone is the workload that another one's say")
  func pods() throws {
    let named = ["1", "2"].map { flow("a-5d9c-x2x4z", "b-0", "FROM_ENDPOINT", "x\($0)") }.joined()
    let owned = ["1", "2", "3"].map { flow("a-5d9c-x2x4z", "b-0", "TO_ENDPOINT", "y\($0)") }.joined()
      .replacing(#""pod_name": "a-5d9c-x2x4z""#, with: #""pod_name": "a-5d9c-x2x4z", "workloads": [{"name": "a"}]"#)
    let labelled = owned.replacing("TO_ENDPOINT", with: "TO_OVERLAY").replacing("\"y", with: "\"z")
      .replacing(#""workloads": [{"name": "a"}]"#, with: #""labels": ["k8s:app=front"]"#)
    for dumps in [[named, owned, labelled], [labelled, owned, named]] {
      #expect(lines(try read(together: dumps)[0].graph) == ["n/a → n/b-0: 3/s"])
    }
    #expect(lines(try read(together: [named, labelled])[0].graph) == ["n/front → n/b-0: 3/s"])
  }

  @Test("A workload that is called as another one's pod stays itself")
  func samePodName() throws {
    let pod = ["1", "2"].map { flow("kafka-0", "b", "TO_ENDPOINT", "x\($0)") }.joined()
      .replacing(#""pod_name": "kafka-0""#, with: #""pod_name": "kafka-0", "workloads": [{"name": "kafka"}]"#)
    let workload = ["3", "4", "5"].map { flow("kafka-0-7d4f9-x2x4z", "b", "TO_ENDPOINT", "y\($0)") }.joined()
      .replacing(
        #""pod_name": "kafka-0-7d4f9-x2x4z""#,
        with: #""pod_name": "kafka-0-7d4f9-x2x4z", "workloads": [{"name": "kafka-0"}]"#)
    #expect(
      lines(try read(together: [pod + workload])[0].graph) == ["n/kafka → n/b: 2/s", "n/kafka-0 → n/b: 3/s"])
  }

  private func series(_ reporter: String, _ destination: String, _ rate: Double) -> String {
    #"{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"__name__": "istio_requests_total", "#
      + #""reporter": "\#(reporter)", "source_workload": "a", "destination_workload": "\#(destination)"}, "#
      + #""value": [0, "\#(rate)"]}]}}"#
  }

  @Test("Reports of both ends in two files count once")
  func reporters() throws {
    let dumps = try read(together: [
      series("source", "b", 10), series("source", "c", 10), series("destination", "b", 10),
    ])
    #expect(lines(dumps[0].graph) == ["a → b: 10/s", "a → c: 10/s"])
  }

  @Test("A flow, a sample and a graph that two files have count once")
  func repeated() throws {
    let flows = ["TO_OVERLAY", "TO_ENDPOINT"].map { flow("a", "b", $0, "x") }.joined()
    let old =
      #"[{"verdict": 1, "is_reply": false, "time": {"seconds": 5}, "source": {"pod_name": "a"}, "#
      + #""destination": {"pod_name": "b"}}]"#
    let graph =
      #"{"elements": {"nodes": [{"data": {"id": "1", "nodeType": "workload", "workload": "a"}}], "#
      + #""edges": [{"data": {"source": "1", "target": "1", "traffic": {"rates": {"http": "3"}}}}]}}"#
    let rates = #"[[0, "1"], [60, "1"]]"#
    for (dump, count) in [
      (flows, "n/a → n/b: 1/s"), (old, "a → b: 1/s"), (graph, "a → a: 3/s"), (series("source", "b", 4), "a → b: 4/s"),
      (matrix([("c", rates)], name: nil), "a → c: 1 B/s"), (matrix([("c", #"[[0, "9"], [60, "69"]]"#)]), "a → c: 1/s"),
    ] {
      #expect(lines(try read(together: [dump, dump])[0].graph) == [count])
    }
  }

  /// Series of Istio's from `a` to what is named, in a matrix.
  private func matrix(
    _ series: [(destination: String, values: String)], name: String? = "istio_requests_total"
  ) -> String {
    let name = name.map { #""__name__": "\#($0)", "# } ?? ""
    let result = series.map { destination, values in
      #"{"metric": {\#(name)"reporter": "source", "source_workload": "a", "destination_workload": "\#(destination)"}, "#
        + #""values": \#(values)}"#
    }
    return #"{"status": "success", "data": {"resultType": "matrix", "result": [\#(result.joined(separator: ","))]}}"#
  }

  @Test("A counter goes on from one file to the next, in whatever order they come, and what overlaps counts once")
  func counters() throws {
    let hours = [
      matrix([("b", #"[[0, "0"], [60, "60"]]"#), ("c", #"[[0, "0"], [60, "120"]]"#)]),
      // What b counted is read again; c is gone.
      matrix([("b", #"[[30, "30"], [90, "90"], [120, "120"]]"#)]),
      matrix([("b", #"[[180, "180"], [240, "240"]]"#)]),
    ]
    for dumps in [hours, hours.reversed()] {
      #expect(lines(try read(together: dumps)[0].graph).sorted() == ["a → b: 1/s", "a → c: 0.667/s"])
    }
  }

  @Test("Rates of two times are averaged over both, and where there is no sample there was no traffic")
  func rates() throws {
    func hour(_ start: Int, _ series: [(String, Int, Int)]) -> String {
      matrix(
        series.map { destination, count, rate in
          let samples = (0..<count).map { #"[\#(start + 60 * $0), "\#(rate)"]"# }
          return (destination, "[\(samples.joined(separator: ","))]")
        }, name: nil)
    }
    let day = hour(0, [("b", 24, 10), ("c", 1, 240)])
    #expect(lines(try read(day).graph) == ["a → b: 10 B/s", "a → c: 10 B/s"])
    let days = [day, hour(24 * 60, [("b", 24, 20)]), hour(36 * 60, [("b", 12, 20)])]
    for dumps in [days, days.reversed()] {
      #expect(lines(try read(together: dumps)[0].graph).sorted() == ["a → b: 15 B/s", "a → c: 5 B/s"])
    }
    // A matrix with one step is like a vector.
    #expect(lines(try read(together: [hour(0, [("b", 1, 4)]), hour(0, [("c", 1, 5)])])[0].graph).count == 2)
  }

  @Test("A trace is the same in OTLP's hexadecimal, Tempo's base64 and Jaeger's numbers")
  func ids() {
    for (id, others) in [
      ("00000000000000000123456789abcdef", ["123456789ABCDEF", "AAAAAAAAAAABI0VniavN7w=="]),
      ("0123456789abcdef", ["ASNFZ4mrze8="]),
      ("0000000000000000", ["", "0", "AAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAA=="]),
      ("fbf0000000000001", ["+/AAAAAAAAE=", "-_AAAAAAAAE="]),
    ] {
      for other in others { #expect(SpanID(id) == SpanID(other), "\(other)") }
    }
    #expect(SpanID("0").isNone && !SpanID("x").isNone)
    #expect(SpanID("x") != SpanID("y") && SpanID("AAAAAAAAAAA*") != SpanID("AAAAAAAAAAA="))
  }

  @Test("Calls of Alibaba's in two files count once, over the time of both")
  func callGraphs() throws {
    func rows(_ times: ClosedRange<Int>) -> String {
      "timestamp,traceid,rpcid,um,dm\n" + times.map { "\($0)000,t\($0),0.1,a,b\n" }.joined()
    }
    // 0 to 20 and 40 to 60 are covered.
    let dumps = try read(together: [rows(0...10), rows(40...60), rows(5...20)])
    #expect(lines(dumps[0].graph) == ["a → b: \(42.0 / 40)/s"])
  }

  @Test("Tables may have their columns in another order, and kinds of dumps have results of their own")
  func kinds() throws {
    let dumps = try read(together: [
      "source,destination,bytes_per_second\na,b,1\n", series("source", "b", 10),
      "requests_per_second,destination,source\n5,b,a\n",
    ])
    #expect(dumps.map(\.format) == [.prometheus, .csv])
    #expect(dumps.map(\.sources) == [["b"], ["a", "c"]])
    #expect(lines(dumps[1].graph) == ["default/a → default/b: 1 B/s, 5/s"])
    #expect(dumps.map(\.source) == ["b", "a, c"])
  }
}
