import CoreMetrics
import Daemon
import Testing

@Suite struct MetricsRegistryTests {
  @Test("Metrics are written as Prometheus reads them")
  func text() {
    let registry = MetricsRegistry()
    registry.describe("calls.total", "Calls.")
    Counter(label: "calls.total", dimensions: [("a", "x\"\\\n")], factory: registry).increment(by: 2)
    Counter(label: "calls.total", dimensions: [("a", "x\"\\\n")], factory: registry).increment()
    Meter(label: "level", factory: registry).set(1.5)
    let timer = Timer(label: "seconds", factory: registry)
    timer.recordNanoseconds(200_000)
    timer.recordNanoseconds(9_000_000_000)
    let lines = registry.text.split(separator: "\n")
    #expect(
      lines.prefix(5) == [
        "# HELP calls_total Calls.", "# TYPE calls_total counter", #"calls_total{a="x\"\\\n"} 3"#, "# TYPE level gauge",
        "level 1.5",
      ])
    #expect(lines.contains(#"seconds_bucket{le="0.0001"} 0"#))
    #expect(lines.contains(#"seconds_bucket{le="0.00025"} 1"#))
    #expect(lines.contains(#"seconds_bucket{le="5.0"} 1"#))
    #expect(lines.suffix(3) == [#"seconds_bucket{le="+Inf"} 2"#, "seconds_sum 9.0002", "seconds_count 2"])
  }

  @Test(
    "A value stays between its quotation marks, whatever it holds",
    arguments: [
      ("a\"\u{301}", "a\\\"\u{301}"), ("\\\u{301}", "\\\\\u{301}"), ("a\r\nb", "a\r\\nb"),
      ("\n\u{200D}", "\\n\u{200D}"),
      ("\"\u{FE0F}} 1\nforged 2", "\\\"\u{FE0F}} 1\\nforged 2"),
    ])
  func escaping(value: String, escaped: String) {
    let registry = MetricsRegistry()
    Counter(label: "calls", dimensions: [("a", value)], factory: registry).increment()
    registry.collect {
      var gauge = CollectedMetric("level", .gauge, "A level.")
      gauge.add(1, [("a", value)])
      return [gauge]
    }
    #expect(
      Array(registry.text.utf8)
        == Array(
          "# TYPE calls counter\ncalls{a=\"\(escaped)\"} 1\n# HELP level A level.\n# TYPE level gauge\nlevel{a=\"\(escaped)\"} 1\n"
            .utf8))
  }

  @Test("What is read off something is read whenever metrics are shown")
  func collected() {
    let registry = MetricsRegistry()
    Counter(label: "b", factory: registry).increment()
    registry.collect {
      var gauge = CollectedMetric("c.level", .gauge, "A level.")
      gauge.add(1.5, [("x", "1")])
      gauge.add(2, [("x", "2")])
      var histogram = CollectedMetric("a_seconds", .histogram, "Times.")
      histogram.add(counts: [1, 0, 2], bounds: [0.1, 1], sum: 7.5)
      return [gauge, histogram]
    }
    #expect(
      registry.text == """
        # HELP a_seconds Times.
        # TYPE a_seconds histogram
        a_seconds_bucket{le="0.1"} 1
        a_seconds_bucket{le="1.0"} 1
        a_seconds_bucket{le="+Inf"} 3
        a_seconds_sum 7.5
        a_seconds_count 3
        # TYPE b counter
        b 1
        # HELP c_level A level.
        # TYPE c_level gauge
        c_level{x="1"} 1.5
        c_level{x="2"} 2

        """)
  }
}
