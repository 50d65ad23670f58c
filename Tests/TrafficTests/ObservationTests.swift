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
