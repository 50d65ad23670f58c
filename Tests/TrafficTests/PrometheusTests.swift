import Testing

@testable import Traffic

/// An answer with one series for each pair of labels and values.
private func answer(_ type: String, _ series: [(labels: String, values: String)]) -> String {
  let key = type == "vector" ? "value" : "values"
  let result = series.map { #"{"metric": {\#($0.labels)}, "\#(key)": \#($0.values)}"# }
  return #"{"data": {"result": [\#(result.joined(separator: ", "))], "resultType": "\#(type)"}, "status": "success"}"#
}

private let ends = #""source_workload": "a", "destination_workload": "b""#

@Suite struct PrometheusTests {
  @Test(
    "A counter's rate is Prometheus's",
    arguments: [
      // Samples at both ends of the window: the increase over its length.
      ([(0, 0), (15, 15), (30, 30)], 0...30, 1),
      // A reset: 10 before it, 5 after it.
      ([(0, 100), (15, 110), (30, 5)], 0...30, 0.5),
      // Two resets in a row.
      ([(0, 100), (10, 4), (20, 3)], 0...20, 0.35),
      // The first sample is less than 1.1 intervals into the window: extrapolated all the way.
      ([(10, 100), (25, 115), (40, 130)], 0...40, 1),
      // It is further in: extrapolated by half an interval.
      ([(60, 1000), (75, 1015), (90, 1030)], 0...90, 37.5 / 90),
      // But not to before the counter was zero, 2 seconds earlier.
      ([(60, 2), (75, 17), (90, 32)], 0...90, 32.0 / 90),
      // Both ends missing: half an interval at each.
      ([(60, 1000), (75, 1015), (90, 1030)], 0...150, 45.0 / 150),
      // Idle.
      ([(0, 7), (30, 7)], 0...30, 0),
      ([(0, 7)], 0...30, nil),
      ([], 0...30, nil),
    ] as [([(Double, Double)], ClosedRange<Double>, Double?)]
  )
  func rate(_ samples: [(Double, Double)], _ window: ClosedRange<Double>, _ expected: Double?) throws {
    var series = CounterSeries()
    for (time, value) in samples { series.add(time: time, value: value) }
    let rate = series.rate(from: window.lowerBound, to: window.upperBound)
    #expect((rate == nil) == (expected == nil))
    #expect(abs((rate ?? 0) - (expected ?? 0)) < 1e-12)
  }

  @Test("One reporter is counted: the destination, a waypoint, the source, in this order, unless it missed most")
  func reporters() throws {
    func rate(_ reporters: [String]) throws -> [String] {
      let series = reporters.enumerated().map { index, reporter in
        (
          labels:
            #""__name__": "istio_requests_total", \#(reporter.isEmpty ? "" : #""reporter": "\#(reporter)", "#)\#(ends)"#,
          values: "[0, \"\(index + 1)\"]"
        )
      }
      return lines(try read(answer("vector", series)).graph)
    }
    #expect(try rate(["source", "destination", "source", "destination"]) == ["a → b: 6/s"])
    #expect(try rate(["source", "waypoint"]) == ["a → b: 2/s"])
    #expect(try rate(["destination", "source"]) == ["a → b: 1/s"])
    #expect(try rate(["destination", "waypoint", "source"]) == ["a → b: 2/s"])
    let idle = ["destination": 0, "source": 50].map { reporter, value in
      (
        labels: #""__name__": "istio_requests_total", "reporter": "\#(reporter)", \#(ends)"#,
        values: "[0, \"\(value)\"]"
      )
    }
    #expect(lines(try read(answer("vector", idle)).graph) == ["a → b: 50/s"])
    #expect(try rate(["source", "", "source"]) == ["a → b: 4/s"])
    #expect(try rate(["", ""]) == ["a → b: 3/s"])
  }

  @Test("What is wrong with a query is said")
  func warnings() throws {
    let named = ##""__name__": "istio_requests_total", "reporter": "source", \##(ends)"##
    let raw = try read(answer("vector", [(#"\#(named), "instance": "10.0.0.1:15020""#, "[0, \"1\"]")]))
    #expect(raw.warnings.contains { $0.contains("is a counter as it stands, not a rate") })
    #expect(try read(answer("vector", [(named, "[0, \"1\"]")])).warnings.isEmpty)
    let both = try read(
      answer("vector", ["source", "destination"].map { (#""reporter": "\#($0)", \#(ends)"#, "[0, \"1\"]") })
    )
    #expect(both.warnings.contains { $0.hasPrefix("edges that both ends report are counted once, as the destination") })
    let summed = try read(answer("vector", [(ends, "[0, \"1\"]")]))
    #expect(summed.warnings.contains { $0.contains("without the label reporter") })
  }

  @Test("A series without a name is of the metric that is given, otherwise of bytes")
  func unnamed() throws {
    let text = answer("vector", [(#""reporter": "source", \#(ends)"#, "[0, \"5\"]")])
    let bytes = try read(text)
    #expect(lines(bytes.graph) == ["a → b: 5 B/s"])
    #expect(bytes.warnings.contains { $0.contains("taken as bytes per second") })
    let requests = try read(text, options: .init(metric: "istio_requests_total"))
    #expect(lines(requests.graph) == ["a → b: 5/s"])
    #expect(requests.warnings.isEmpty)
    let wrong = #expect(throws: TrafficError.self) { try read(text, options: .init(metric: "up")) }
    #expect(wrong?.message.contains("the metric option up, expected istio_request_bytes_sum, ") == true)
  }

  @Test(
    "A series that a recording rule named is of the metric in its name or the one that is given",
    arguments: [
      ("workload:istio_requests_total:rate5m", nil, "a → b: 2/s"),
      ("workload:istio_requests:rate5m", "istio_requests_total", "a → b: 2/s"),
      // Istio's own recommended rules sum counters up, as counters.
      ("workload:istio_requests_total", nil, "a → b: 0.033/s"),
      ("workload:requests", "istio_requests_total", "a → b: 0.033/s"),
      ("workload:istio_request_bytes_sum:rate5m", "istio_requests_total", "a → b: 2 B/s"),
      ("workload:istio_requests:rate5m", nil, nil),
      ("istio_request_duration_milliseconds_sum", "istio_requests_total", nil),
    ] as [(String, String?, String?)]
  )
  func recorded(_ name: String, _ metric: String?, _ expected: String?) throws {
    let labels = #""__name__": "\#(name)", "reporter": "source", \#(ends)"#
    let options = TrafficReader.Options(metric: metric)
    let matrix = try read(answer("matrix", [(labels, #"[[0, "1"], [60, "3"]]"#)]), options: options)
    #expect(lines(matrix.graph) == [expected].compactMap { $0 })
    let vector = try read(answer("vector", [(labels, #"[0, "2"]"#)]), options: options)
    #expect(vector.graph.edges.isEmpty == (expected == nil))
    #expect(
      vector.warnings.contains { $0.contains("a counter as it stands") } == (expected?.contains("0.033") ?? false))
    if expected == nil { #expect(vector.warnings.first?.hasPrefix("the metric \(name) is not used") == true) }
  }

  @Test("A matrix without names holds rates, which are averaged")
  func unnamedMatrix() throws {
    let values = #"[[0, "1"], [60, "3"], [120, "NaN"]]"#
    let dump = try read(answer("matrix", [(#""reporter": "source", \#(ends)"#, values)]))
    #expect(lines(dump.graph) == ["a → b: 2 B/s"])
  }

  @Test(
    "The destination is a workload, or the service that was asked for",
    arguments: [
      (#""destination_workload": "b", "destination_workload_namespace": "n""#, "n/b"),
      (
        #""destination_workload": "unknown", "destination_service_name": "s", "destination_service_namespace": "n""#,
        "(n/s)"
      ),
      (#""destination_workload": "unknown", "destination_service": "s.example""#, "(s.example)"),
      (#""destination_workload": "unknown""#, "[unknown]"),
      (#""destination_service_name": "s", "destination_service_namespace": "n""#, "n/s"),
      (
        #""destination_service_name": "PassthroughCluster", "destination_service_namespace": "unknown""#,
        "[PassthroughCluster]"
      ),
      (
        #""destination_workload": "unknown", "destination_service_name": "PassthroughCluster", "#
          + #""destination_service": "redis.shop.svc.cluster.local""#,
        "(redis.shop.svc.cluster.local)"
      ),
      (
        #""destination_workload": "unknown", "destination_service_name": "BlackHoleCluster", "#
          + #""destination_service": "unknown""#, "[BlackHoleCluster]"
      ),
    ]
  )
  func destination(_ labels: String, _ expected: String) throws {
    let dump = try read(
      answer("vector", [(#""source_workload": "a", "reporter": "source", \#(labels)"#, "[0, \"5\"]")]))
    #expect(lines(dump.graph) == ["a → \(expected): 5 B/s"])
  }

  @Test(
    "An end of a service graph that sends no spans is a peer, and a message goes through its broker",
    arguments: [
      (#""connection_type": "database""#, ["a → (b): 5/s"]),
      (#""connection_type": "virtual_node""#, ["a → (b): 5/s"]),
      (#""connection_type": """#, ["a → b: 5/s"]),
      (#""connection_type": "messaging_system""#, ["a → [message broker]: 5/s", "[message broker] → b: 5/s"]),
      (
        #""connection_type": "messaging_system", "client_messaging_system": "kafka""#,
        ["a → (kafka): 5/s", "(kafka) → b: 5/s"]
      ),
    ]
  )
  func serviceGraph(_ labels: String, _ expected: [String]) throws {
    let series = (labels: #""client": "a", "server": "b", \#(labels)"#, values: "[0, \"5\"]")
    #expect(lines(try read(answer("vector", [series])).graph) == expected)
  }

  @Test(
    "What Istio let through without knowing it is a peer at the host and port that its caller gave",
    arguments: [
      ("redis.shop", "redis.shop", nil), ("10.0.0.1:6379", "10.0.0.1", 6379), ("[fd00::9]:80", "fd00::9", 80),
      ("fd00::9", "fd00::9", nil), ("redis:0", "redis:0", nil), (":80", ":80", nil),
    ] as [(String, String, Int?)]
  )
  func passthrough(_ called: String, _ host: String, _ port: Int?) throws {
    let labels =
      #""source_workload": "a", "reporter": "source", "destination_workload": "unknown", "#
      + #""destination_service_name": "PassthroughCluster", "destination_service": "\#(called)""#
    let graph = try read(answer("vector", [(labels, "[0, \"5\"]")])).graph
    #expect(
      graph.endpoints.last == TrafficEndpoint(namespace: nil, name: host, isPeer: true, host: host, port: port))
  }

  @Test("What a mesh and tracing measure of the same edge counts once")
  func origins() throws {
    let series = [
      (#""__name__": "istio_requests_total", "reporter": "destination", \#(ends)"#, "[0, \"10\"]"),
      (#""__name__": "traces_service_graph_request_total", "client": "a", "server": "b""#, "[0, \"12\"]"),
      (#""__name__": "traces_service_graph_request_total", "client": "b", "server": "c""#, "[0, \"1\"]"),
    ]
    let dump = try read(answer("vector", series))
    #expect(lines(dump.graph) == ["a → b: 12/s", "b → c: 1/s"])
    #expect(dump.warnings.contains { $0.hasPrefix("1 edges that a mesh and tracing have measured both count once") })
  }

  @Test("Requests and connections between the same ends are edges of their own")
  func connections() throws {
    let series = [
      ("istio_requests_total", 2), ("istio_request_bytes_sum", 100), ("istio_tcp_sent_bytes_total", 7000),
      ("istio_tcp_received_bytes_total", 3000),
    ].map {
      (labels: #""__name__": "\#($0)", "reporter": "destination", \#(ends)"#, values: "[0, \"\($1)\"]")
    }
    let graph = try read(answer("vector", series)).graph
    #expect(lines(graph) == ["a → b: 100 B/s, 2/s", "a → b: 10000 B/s"])
    #expect(graph.edges.map(\.isOfConnections) == [false, true])
  }

  @Test("What a waypoint reports is counted as the connections to and from it where those are known")
  func waypoint() throws {
    func series(_ metric: String, _ reporter: String, _ source: String, _ destination: String, _ rate: Int) -> (
      labels: String, values: String
    ) {
      (
        labels: #""__name__": "\#(metric)", "reporter": "\#(reporter)", "source_workload": "\#(source)", "#
          + #""destination_workload": "\#(destination)", "destination_service_name": "cart""#,
        values: "[0, \"\(rate)\"]"
      )
    }
    // As ztunnel and a waypoint report a call of web to the Service cart.
    let requests = series("istio_requests_total", "waypoint", "web", "cart-v1", 9)
    let connections = [
      series("istio_tcp_sent_bytes_total", "source", "web", "waypoint", 500),
      series("istio_tcp_sent_bytes_total", "destination", "waypoint", "cart-v1", 500),
    ]
    let dump = try read(answer("vector", [requests] + connections))
    #expect(lines(dump.graph) == ["web → waypoint: 500 B/s", "waypoint → cart-v1: 500 B/s"])
    #expect(
      dump.warnings.contains("1 edges that waypoints report are counted as the connections to and from them"))
    #expect(lines(try read(answer("vector", [requests])).graph) == ["web → cart-v1: 9/s"])
  }

  @Test(
    "A sample that is none is named by its path",
    arguments: [
      ("[]", "dump:1: $.data.result[0].value: found an empty sample, expected time and value"),
      ("[1]", "dump:1: $.data.result[0].value: found a sample without a value"),
      (
        "[1, \"2\", 3]",
        "dump:1: $.data.result[0].value: found a sample of more than two elements, expected time and value"
      ),
      ("[1, \"x\"]", "dump:1: $.data.result[0].value[1]: found the string 'x', expected a number"),
      ("5", "dump:1: $.data.result[0].value: found the number '5', expected an array"),
    ]
  )
  func samples(_ value: String, _ expected: String) {
    let error = #expect(throws: TrafficError.self) { try read(answer("vector", [(ends, value)])) }
    #expect(error?.description == expected)
  }

  @Test("Times that do not rise are an error")
  func order() {
    let error = #expect(throws: TrafficError.self) { try read(answer("matrix", [(ends, #"[[5, "1"], [5, "2"]]"#)])) }
    #expect(error?.description == "dump:1: $.data.result[0].values[1]: found times that do not rise")
  }

  @Test("Many series without labels are named up to a limit and counted")
  func manyWarnings() throws {
    let dump = try read(
      answer("vector", (0..<100).map { (#""__name__": "istio_requests_total", "pod": "p\#($0)""#, "[0, \"1\"]") }))
    #expect(dump.warnings.count == 22)
    #expect(dump.warnings.contains("80 more warnings of the same kinds"))
    #expect(dump.dropped.map(\.count) == [100])
  }
}
