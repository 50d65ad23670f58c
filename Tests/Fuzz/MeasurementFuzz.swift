import Fleet
import Kubernetes
import Model
import Overflow
import Selection

@testable import MeshController
@testable import SelectorServer

extension Fuzzer {
  private static let numberWords = [
    "1e308", "-1e308", "5e-324", "1e400", "-1", "null", "9223372036854775807", "0.1", "{}", "[]",
  ]

  /// A replica's load over MQTT: pieces, a topic and messages to it.
  static let load = Fuzzer(
    "load",
    words: numberWords + [
      #""inFlight":"#, #""queued":"#, #""cpuUtilization":"#, #""latencyUs":"#, #""requestsPerSecond":"#,
      #""state":"ready""#,
      "STATE_DRAINING", "tonari/load/a/10.0.0.1:80",
    ],
    longest: 2048,
    seeds: [
      InputReader.pieces([
        Array("tonari/load/a/10.0.0.1:80".utf8),
        Array(
          #"{"inFlight":3,"queued":1,"cpuUtilization":0.5,"latencyUs":900,"requestsPerSecond":40,"errorsPerSecond":1}"#
            .utf8),
        Array(#"{"state":"draining"}"#.utf8), [],
      ])
    ]
  ) { bytes in
    var input = InputReader(bytes)
    let topic = String(decoding: input.piece() ?? [], as: UTF8.self)
    while let payload = input.piece() {
      for topic in [topic, "tonari/load/cluster/10.0.0.1:80"] {
        guard let message = try? LoadMessage(topic: topic, payload: payload, prefix: "tonari/load") else { continue }
        if let load = message.load { try believe(load) }
      }
    }
  }

  /// A cluster's headroom over MQTT: pieces, a topic and messages to it. What is read can be written, and reads as the
  /// same.
  static let headroom = Fuzzer(
    "headroom",
    words: numberWords + [
      #""perMinute":"#, #""capacityPerMinute":"#, #""demandPerMinute":"#, #""receivedPerMinute":"#, #""ttlSeconds":"#,
      #""time":"2026-01-02T03:04:05.678Z""#, "tonari/headroom/b/shop/cart", "9999-12-31T23:59:60+23:59",
    ],
    longest: 2048,
    seeds: [
      InputReader.pieces([
        Array("tonari/headroom/b/shop/cart".utf8),
        Array(
          #"{"perMinute":210,"capacityPerMinute":540,"demandPerMinute":330,"receivedPerMinute":0,"ttlSeconds":10,"#.utf8
        )
          + Array(#""time":"2026-01-02T03:04:05.678Z"}"#.utf8),
      ])
    ]
  ) { bytes in
    var input = InputReader(bytes)
    let topic = HeadroomTopic(String(decoding: input.piece() ?? [], as: UTF8.self))
    if let topic { try expect(HeadroomTopic(topic.text()) == topic, "another topic: \(topic)") }
    while let payload = input.piece() {
      guard let message = try? HeadroomMessage(payload: payload) else { continue }
      for now in [0, 1e9, 1e300] {
        let left = message.lifeLeft(isRetained: true, at: now)
        try expect(left >= .zero && left <= message.lifetime, "\(left) left of \(message.lifetime)")
      }
      let again = try HeadroomMessage(payload: message.payload)
      try expect(again.perMinute == message.perMinute, "\(message) reads as \(again)")
    }
  }

  /// Envoy's `/clusters?format=json`: pieces, looks one after the other.
  static let envoyHosts = Fuzzer(
    "envoy-hosts",
    words: numberWords + [
      #""cluster_statuses":["#, #""host_statuses":["#,
      #""address":{"socket_address":{"address":"10.0.0.1","port_value":80}}"#,
      #""stats":["#, #"{"name":"rq_active","value":"3"}"#, #"{"name":"rq_total","value":"#,
      #"{"name":"rq_error","value":"#,
    ],
    seeds: [
      InputReader.pieces(
        ["7", "9", "2"].map {
          Array(
            (#"{"cluster_statuses":[{"name":"c","host_statuses":[{"address":{"socket_address":{"address":"10.0.0.1","#
              + #""port_value":80}},"stats":[{"name":"rq_active","value":"3"},{"name":"rq_total","value":"\#($0)"},"#
              + #"{"name":"rq_error"}]}]}]}"#).utf8)
        })
    ]
  ) { bytes in
    var input = InputReader(bytes)
    var rates = HostRates()
    var now = Moment.seconds(1)
    while let piece = input.piece() {
      guard let hosts = try? EnvoyHosts(json: piece, source: "input") else { continue }
      for (_, load) in rates.loads(["a": hosts, "b": hosts], at: now) {
        try expect(load.inFlight.map { $0 >= 0 } ?? true, "\(load.inFlight ?? 0) requests in flight")
        try believe(load)
      }
      now = Moment(nanoseconds: now.nanoseconds + 1_000_000_000)
    }
  }

  /// Prometheus' text format, from Envoys and from selectors: pieces, looks one after the other. What is measured is
  /// sound.
  static let metrics = Fuzzer(
    "metrics",
    words: [
      "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\",envoy_cluster_name=\"outbound|80||cart.shop\"} ",
      "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"", "httproute/shop/cart/rule/0/backend/1",
      "kube_shop_cart_80",
      "envoy_cluster_upstream_rq_time_sum{", "istio_requests_total{reporter=\"source\",destination_service=\"",
      "tonari_selector_overflow_arrivals_total{service=\"shop/cart\"} ", "tonari_selector_overflow_sent_total{",
      "neighbour=\"b\"", "\\\"", "\\n", "# TYPE ", " NaN\n", " 1e308\n", " -1\n", " 5e-324\n", " 1 1700000000000\n",
    ],
    seeds: [
      InputReader.pieces(
        ["10", "40"].map {
          Array(
            """
            # TYPE envoy_cluster_shop_svc_cluster_local_upstream_rq_total counter
            envoy_cluster_shop_svc_cluster_local_upstream_rq_total{envoy_cluster_name="outbound|80||cart"} \($0)
            envoy_cluster_example_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="outbound|80||n0"} 1
            envoy_cluster_example_upstream_rq_total{envoy_cluster_name="outbound|80||n0"} 1
            envoy_cluster_upstream_rq{response_code_class="5xx",cluster_name="outbound|80||cart.shop.svc"} 2
            istio_requests_total{reporter="source",destination_service="cart.shop.svc.cluster.local",response_code="200"} \($0)
            tonari_selector_overflow_arrivals_total{service="shop/cart"} \($0)
            tonari_selector_overflow_shed_total{service="shop/cart"} 1
            tonari_selector_overflow_sent_total{service="shop/cart",neighbour="b"} 3 1700000000000

            """.utf8)
        })
    ]
  ) { bytes in
    var input = InputReader(bytes)
    let policy = OverflowPolicy(
      key: ObjectKey(namespace: "shop", name: "cart"),
      spec: .init(
        service: "cart", capacity: .perMinute(60), neighbours: [.init(name: "b", host: "n0.example", cost: 20)],
        route: nil))
    var (ingress, selectors) = (CounterLooks<IngressReading>(), CounterLooks<SelectorReading>())
    var now = Moment.seconds(1)
    while let piece = input.piece() {
      if let reading = try? IngressReading(piece) { ingress.note(reading, of: "a", at: now) }
      if let reading = try? SelectorReading(piece) { selectors.note(reading, of: "a", at: now) }
      let measured = MeasuredPolicy(policy)
      for finding in [ingress.finding(measured, at: now), selectors.finding(measured, at: now)] {
        guard case .counted(let measurement) = finding else { continue }
        try expect(measurement.demandPerMinute >= 0 && measurement.demandPerMinute.isFinite, "\(measurement)")
      }
      now = Moment(nanoseconds: now.nanoseconds + 1_000_000_000)
    }
  }

  /// Prometheus' answers to the selector's queries.
  static let prometheus = Fuzzer(
    "prometheus",
    words: numberWords + [
      #""status":"success""#, #""data":{"resultType":"vector","result":["#, #""resultType":"scalar""#,
      #"{"metric":{"instance":"10.0.0.1:80"},"value":[1.5,"3"]}"#, #""NaN""#, #""+Inf""#,
    ],
    longest: 4096,
    seeds: texts(
      #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"instance":"10.0.0.1:80"},"value":[1,"3"]}]}}"#,
      #"{"status":"success","data":{"resultType":"scalar","result":[1,"3"]}}"#,
      #"{"status":"error","errorType":"bad_data","error":"no"}"#)
  ) { bytes in
    let queries = LoadQueries([.inFlight: "x"])
    guard let values = try? queries.values(json: Array(bytes), source: "input") else { return }
    for figure in [LoadQueries.Figure.inFlight, .queued, .cpu, .latency, .requests, .errors] {
      var loads: [String: LoadReport] = [:]
      LoadQueries.add(values, figure, to: &loads)
      for load in loads.values { try believe(load) }
    }
  }
}
