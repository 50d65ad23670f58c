import Testing

@testable import Traffic

@Suite("The time that records cover")
struct ObservedTimeTests {
  private static let start = 1_714_564_800.0

  @Test(
    "is without a few times of broken clocks, wherever they are",
    arguments: [
      ([], 100, 0), ([0], 100, 1), ([-5], 100, 1), ([86_400.5], 100, 1), ([start * 1000], 100, 1),
      ([start + 7200], 100, 1), ([start - 7200, start + 1e9, 0], 100, 3), ([1e300, 5e-324], 100, 2),
      // Not so far, or not so few.
      ([start + 1000], 1000, 0), (Array(repeating: start + 86_400, count: 300), 86_400, 0),
    ] as [([Double], Double, Int)]
  )
  func strays(_ strays: [Double], _ covered: Double, _ count: Int) {
    for order in [true, false] {
      var time = ObservedTime()
      if order { for stray in strays { time.add(sinceEpoch: stray) } }
      for index in 0...1000 { time.add(sinceEpoch: Self.start + Double(index) / 10) }
      if !order { for stray in strays { time.add(sinceEpoch: stray) } }
      time.endDump()
      #expect(abs(time.covered - covered) < 1e-3)
      #expect(time.warning?.hasPrefix("\(count) times are") == (count > 0 ? true : nil))
    }
  }

  @Test("is all of it where there are few times, or where they thin out")
  func tails() {
    var few = ObservedTime()
    for seconds in [0, 1, 2, 86_400.0] { few.add(Self.start + seconds) }
    few.endDump()
    #expect(few.covered == 86_400 && few.warning == nil)
    var tail = ObservedTime()
    for index in 0..<100_000 { tail.add(Self.start + Double(index) / 1000) }
    for index in 1...500 { tail.add(Self.start + Double(index) * 1000) }
    tail.endDump()
    #expect(tail.covered == 500_000 && tail.warning == nil)
  }

  @Test("is told in memory of bounded size, whatever the times are")
  func bounded() {
    var random = SeededGenerator(state: 3)
    var time = ObservedTime()
    var (least, most) = (Double.infinity, -Double.infinity)
    for _ in 0..<200_000 {
      let seconds = Double.random(in: 0...1e9, using: &random)
      (least, most) = (min(least, seconds), max(most, seconds))
      time.add(seconds)
    }
    time.endDump()
    #expect(time.covered == most - least)
  }

  @Test("is not told by what ended before it began, or did neither")
  func order() {
    var time = ObservedTime()
    for index in 1...30 { time.add(from: Self.start + Double(index), to: Self.start + Double(index) + 0.5) }
    time.add(from: Self.start + 1000, to: Self.start + 900)
    time.add(from: Self.start + 2, to: 0)
    time.add(from: nil, to: nil)
    time.endDump()
    #expect(time.covered == 29.5)
    #expect(time.warning?.hasPrefix("3 times are") == true)
  }

  @Test("of flows and of spans is without broken clocks, and a warning says so")
  func dumps() throws {
    func flow(_ time: String, _ id: Int) -> String {
      #"{"verdict": "FORWARDED", "is_reply": false, "time": \#(time), "uuid": "\#(id)", "#
        + #""source": {"pod_name": "a"}, "destination": {"pod_name": "b"}}"#
    }
    let hubble =
      (0...100).map { flow(#"{"seconds": \#(1_714_564_800 + $0)}"#, $0) } + [flow(#""1970-01-01T00:00:00Z""#, 200)]
    let spans = (0...100).map { span("\($0 + 1)", start: 1_714_564_800 + $0, end: 1_714_564_800 + $0) }
    let broken = [span("200", start: 1_714_564_800, end: 0), span("201", start: 5, end: 6)]
    for (dump, rate) in [(hubble.joined(), "a → b: 1.02/s"), ((spans + broken).joined(), "a → (b): 1.03/s")] {
      let read = try read(dump)
      #expect(lines(read.graph) == [rate])
      #expect(read.warnings.contains { $0.contains("far from all others: the time covered is without them") })
    }
  }

  private func span(_ id: String, start: Int, end: Int) -> String {
    #"{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "a"}}]}, "#
      + #""scopeSpans": [{"spans": [{"traceId": "\#(id)", "spanId": "1", "kind": 3, "#
      + #""startTimeUnixNano": "\#(start)000000000", "endTimeUnixNano": "\#(end)000000000", "#
      + #""attributes": [{"key": "peer.service", "value": {"stringValue": "b"}}]}]}]}]}"#
  }
}
