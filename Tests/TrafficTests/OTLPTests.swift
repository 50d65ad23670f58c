import Testing

@testable import Traffic

private let batch = #"""
  {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "a"}}]},
   "scopeSpans": [{"spans": [{"traceId": "t", "spanId": "1", "kind": 3, "startTimeUnixNano": 0,
     "attributes": [{"key": "peer.service", "value": {"stringValue": "db"}},
                    {"key": "server.address", "value": {"stringValue": "10.0.0.1"}},
                    {"key": "http.request.body.size", "value": {"intValue": 7}},
                    {"key": "http.response.body.size", "value": {"doubleValue": 3}},
                    {"key": "unused", "value": {"kvlistValue": {"values": []}}}]}]}]}
  """#

@Suite struct OTLPTests {
  @Test(
    "Every wrapping of OTLP's batches is read",
    arguments: [
      #"{"resourceSpans": [\#(batch)]}"#, #"{"batches": [\#(batch)]}"#, #"{"trace": {"resourceSpans": [\#(batch)]}}"#,
      #"{"trace": {"batches": [\#(batch)]}, "metrics": {}}"#, "[\(batch)]", batch,
      #"{"result": {"resourceSpans": [\#(batch)]}}"#,
    ]
  )
  func wrappings(_ text: String) throws {
    let dump = try read(text)
    #expect(dump.format == .otlp)
    #expect(lines(dump.graph) == ["a → (db): 10 B/s, 1/s"])
  }

  @Test(
    "The end that sent a span is the workload that Kubernetes attributes name, otherwise the service",
    arguments: [
      (["service.name": "s"], "s"),
      (["service.name": "s", "k8s.namespace.name": "n"], "n/s"),
      (["service.name": "s", "k8s.namespace.name": "n", "k8s.deployment.name": "d"], "n/d"),
      (["service.name": "s", "k8s.job.name": "j-123", "k8s.cronjob.name": "j"], "j"),
      (["service.name": "s.n", "istio.namespace": "n"], "n/s"),
      (["service.name": "s.n", "istio.namespace": "m"], "s.n"),
      (["service.name": ".n", "istio.namespace": "n"], ".n"),
    ] as [([String: String], String)]
  )
  func endpoints(_ attributes: [String: String], _ expected: String) {
    var span = SpanAttributes()
    for (key, value) in attributes {
      var key = key
      key.withUTF8 { span.add(JSONText(raw: UnsafeRawBufferPointer($0), isEscaped: false), .text(value)) }
    }
    #expect(span.endpoint?.description == expected)
  }

  @Test("An answer without spans is an empty dump, and one of an error is that error")
  func empty() throws {
    for text in [#"{"trace": {}}"#, #"{"result": {}}"#, #"{"resourceSpans": []}"#] {
      let dump = try read(text)
      #expect(dump.format == .otlp)
      #expect(dump.records == 0)
    }
    let error = #expect(throws: TrafficError.self) {
      try read(#"{"error": {"httpCode": 404, "message": "No traces found"}}"#)
    }
    #expect(error?.code == .refused)
    #expect(error?.message == "Jaeger answered with an error: No traces found")
  }

  @Test(
    "What a caller calls has the best of its names, and the host and port where it is",
    arguments: [
      (["peer.service": "db", "server.address": "10.0.0.1", "server.port": "5432"], "db", "10.0.0.1", 5432),
      (
        ["server.address": "pg.data", "network.peer.address": "10.0.0.1", "db.namespace": "orders"], "pg.data",
        "pg.data", nil
      ),
      (["net.peer.ip": "10.0.0.1", "net.peer.port": "6379", "db.system": "redis"], "10.0.0.1", "10.0.0.1", 6379),
      (["db.system": "redis", "db.name": "0", "server.port": "6379"], "0", nil, 6379),
      (["messaging.system": "kafka", "messaging.destination.name": "orders"], "kafka", nil, nil),
    ] as [([String: String], String, String?, Int?)]
  )
  func peers(_ attributes: [String: String], _ name: String, _ host: String?, _ port: Int?) {
    var span = SpanAttributes()
    for (key, value) in attributes {
      var key = key
      key.withUTF8 { span.add(JSONText(raw: UnsafeRawBufferPointer($0), isEscaped: false), .text(value)) }
    }
    #expect(
      span.peer
        == TrafficEndpoint(
          namespace: nil, name: name, isPeer: true, host: host, port: port,
          isDatabase: name == attributes["db.name"]))
  }

  @Test("A span without an id and a document without spans are errors")
  func errors() {
    let span = #expect(throws: TrafficError.self) { try read(#"{"batches": [{"scopeSpans": [{"spans": [{}]}]}]}"#) }
    #expect(span?.description == "dump:1: $.batches[0].scopeSpans[0].spans[0]: found a span without spanId")
    let metrics = #expect(throws: TrafficError.self) { try read(#"{"resourceMetrics": []}"#, format: .otlp) }
    #expect(metrics?.description == "dump:1: $: found neither resourceSpans nor batches, expected one")
  }
}
