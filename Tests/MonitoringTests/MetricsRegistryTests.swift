import CoreMetrics
import Monitoring
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
}
