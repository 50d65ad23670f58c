import Foundation
import Testing

@testable import Traffic

/// A fixture's bytes.
func fixture(_ name: String) throws -> [UInt8] {
  let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil))
  return [UInt8](try Data(contentsOf: url))
}

/// What a fixture holds, worked out by hand.
struct Expected: Sendable, CustomTestStringConvertible {
  var name: String
  var format: TrafficFormat
  var records: Int
  var edges: [String]
  var dropped: [String: Int] = [:]
  var warning: String?

  var testDescription: String { name }

  static let all = [
    Expected(
      name: "edges.csv",
      format: .csv,
      records: 6,
      edges: [
        "shop/frontend → shop/cart: 21504 B/s, 42/s",
        "shop/frontend → shop/catalog: 81920 B/s, 120.5/s",
        "shop/cart → shop/redis: 5120 B/s",
        "shop/checkout → shop/cart: 3/s",
        "payments/gateway → shop/checkout: 100 B/s, 0.25/s",
      ]
    ),
    Expected(
      name: "alibaba-2021.csv",
      format: .alibaba,
      records: 8,
      edges: ["[USER] → ms_front: 0.05/s", "ms_front → ms_cart: 0.1/s", "ms_cart → mc_7: 0.05/s"],
      dropped: [
        "the name of the caller or the callee is not known": 3, "recorded a second time by the other side": 1,
      ]
    ),
    Expected(
      name: "alibaba-2022.csv",
      format: .alibaba,
      records: 7,
      edges: ["[USER] → MS_58845: 0.25/s", "MS_58845 → MS_71712: 0.5/s", "MS_58845 → MS_27421: 0.25/s"],
      dropped: [
        "the name of the caller or the callee is not known": 2, "recorded a second time by the other side": 1,
      ]
    ),
    Expected(
      name: "prometheus-vector.json",
      format: .prometheus,
      records: 16,
      edges: [
        "shop/frontend → shop/cart: 20480 B/s, 40/s",
        "shop/checkout → (api.bank.example): 2.25/s",
        "shop/checkout → [PassthroughCluster]: 0.125/s",
        "[unknown] → shop/frontend: 40/s",
        "shop/cart → shop/redis: 1500 B/s",
        "shop/catalog → shop/ads: 7/s",
      ],
      dropped: [
        "of a metric that does not count traffic": 1, "no value that is a number": 1,
        "lacks the labels source_workload and destination_workload": 1,
      ],
      warning: """
        the series {__name__="istio_requests_total", reporter="destination", destination_workload="cart", \
        pod="cart-1"} lacks the labels source_workload and destination_workload
        """
    ),
    Expected(
      name: "prometheus-matrix.json",
      format: .prometheus,
      records: 6,
      edges: [
        "shop/frontend → shop/cart: 2048 B/s, 10/s",
        "shop/frontend → shop/catalog: 20/s",
        "shop/checkout → shop/cart: 0.5/s",
        "shop/ads → shop/catalog: 0/s",
      ],
      dropped: ["fewer than two samples, too few for a rate": 1]
    ),
    Expected(
      name: "prometheus-service-graph.json",
      format: .prometheus,
      records: 7,
      edges: [
        "shop/frontend → shop/cart: 40/s",
        "shop/cart → (redis): 20/s",
        "[user] → shop/frontend: 50/s",
        "checkout → (api.bank.example): 2.5/s",
        "checkout → [message broker]: 1/s", "[message broker] → mailer: 1/s",
      ],
      dropped: ["of a metric that does not count traffic": 1, "lacks the labels client and server": 1]
    ),
    Expected(
      name: "kiali-services.json",
      format: .kiali,
      records: 8,
      edges: [
        "[unknown] → shop/frontend: 100/s",
        "shop/frontend → shop/cart-v1: 6000 B/s, 30/s",
        "shop/frontend → shop/cart-v2: 2000 B/s, 10/s",
        "shop/checkout → shop/cart-v1: 15/s",
        "shop/checkout → shop/cart-v2: 5/s",
        "shop/checkout → [shop/api.bank.example]: 2.5/s",
        "shop/cart-v1 → shop/redis: 1024 B/s",
      ],
      dropped: ["no traffic": 1]
    ),
    Expected(
      name: "hubble.jsonl",
      format: .hubble,
      records: 30,
      edges: [
        "shop/cart → shop/redis: 0.2/s",
        "shop/cart → [kube-apiserver]: 0.1/s",
        "shop/frontend → shop/cart: 0.3/s",
        "shop/frontend → kube-system/coredns: 0.2/s",
        "shop/frontend → [api.bank.example]: 0.1/s",
        "[world] → shop/frontend: 0.1/s",
        "shop/debug → shop/cart: 0.1/s",
      ],
      dropped: ["replies": 9, "not forwarded": 1],
      warning: "Hubble lost events: there was more traffic than the flows show"
    ),
    Expected(
      name: "jaeger-dependencies.json",
      format: .jaegerDependencies,
      records: 3,
      edges: ["frontend → cart: 1200/s", "frontend → catalog: 3600/s", "cart → redis: 2400/s"],
      warning: "call counts carry no time: they are taken as calls in one second; give the window to get rates"
    ),
    Expected(
      name: "jaeger-traces.json",
      format: .jaegerTraces,
      records: 12,
      edges: [
        "shop/frontend → shop/cart: 1050 B/s, 0.5/s",
        "shop/frontend → catalog: 0.5/s",
        "[message broker] → mailer: 0.5/s",
        "shop/cart → (redis): 0.5/s",
        "shop/frontend → [message broker]: 0.5/s",
      ],
      dropped: [
        "occur twice": 1, "the caller's span is missing": 1, "calls to what has neither a span nor a name": 1,
      ]
    ),
    Expected(
      name: "otlp.json",
      format: .otlp,
      records: 5,
      edges: ["shop/frontend → shop/cart: 50 B/s, 0.5/s", "shop/frontend → (api.bank.example): 0.5/s"]
    ),
    Expected(
      name: "otlp.jsonl",
      format: .otlp,
      records: 5,
      edges: ["shop/frontend → shop/cart: 50 B/s, 0.5/s", "shop/frontend → (api.bank.example): 0.5/s"]
    ),
    Expected(
      name: "otlp-shared-ids.json",
      format: .otlp,
      records: 5,
      edges: ["frontend → cart: 1/s", "cart → redis: 1/s"]
    ),
  ]
}

@Suite struct FixtureTests {
  @Test("A dump of every format becomes its graph, however it is cut into chunks", arguments: Expected.all)
  func graph(_ expected: Expected) throws {
    let bytes = try fixture(expected.name)
    for chunk in [.max, 1, 7, 1000] {
      let dump = try read(bytes, chunk: chunk)
      #expect(lines(dump.graph) == expected.edges, "chunks of \(chunk)")
      #expect(dump.format == expected.format)
      #expect(dump.records == expected.records)
      #expect(Dictionary(uniqueKeysWithValues: dump.dropped.map { ($0.reason, $0.count) }) == expected.dropped)
      if let warning = expected.warning { #expect(dump.warnings.contains(warning), "\(dump.warnings)") }
    }
  }

  @Test("A format that is given is not recognized from the content", arguments: Expected.all)
  func givenFormat(_ expected: Expected) throws {
    let bytes = try fixture(expected.name)
    #expect(lines(try read(bytes, format: expected.format).graph) == expected.edges)
  }

  @Test("Every format but its own refuses a dump", arguments: Expected.all)
  func wrongFormat(_ expected: Expected) throws {
    let bytes = try fixture(expected.name)
    for format in TrafficFormat.allCases where format != expected.format {
      #expect(throws: TrafficError.self, "\(format)") { try read(bytes, format: format) }
    }
  }

  @Test("Every format has a name that gives it back")
  func names() {
    for format in TrafficFormat.allCases { #expect(TrafficFormat(format.name) == format) }
    #expect(TrafficFormat("Jaeger-Traces") == .jaegerTraces)
    #expect(TrafficFormat("xml") == nil)
  }

  @Test("Rates of dumps that count calls are over the window where one is given")
  func window() throws {
    let options = TrafficReader.Options(window: .seconds(60))
    let dependencies = try read(fixture("jaeger-dependencies.json"), options: options)
    #expect(lines(dependencies.graph).first == "frontend → cart: 20/s")
    #expect(dependencies.warnings.isEmpty)
    #expect(lines(try read(fixture("alibaba-2021.csv"), options: options).graph)[1] == "ms_front → ms_cart: 0.033/s")
    #expect(lines(try read(fixture("hubble.jsonl"), options: options).graph)[2] == "shop/frontend → shop/cart: 0.05/s")
    #expect(lines(try read(fixture("otlp.json"), options: options).graph)[1].hasSuffix(" 0.017/s"))
  }

  @Test("The record of a query that failed is an error with its reason")
  func refused() throws {
    let prometheus = #expect(throws: TrafficError.self) { try read(fixture("prometheus-error.json")) }
    #expect(
      prometheus?.description
        == "dump:1: $: Prometheus answered with bad_data: 1:5: parse error: unexpected end of input"
    )
    for format in [nil, .jaegerTraces] as [TrafficFormat?] {
      let jaeger = #expect(throws: TrafficError.self) {
        try read(#"{"data": null, "errors": [{"code": 404, "msg": "trace not found"}]}"#, format: format)
      }
      #expect(jaeger?.code == .refused)
      #expect(jaeger?.message == "Jaeger answered with an error: trace not found")
    }
  }

  @Test(
    "An answer without anything in it is an empty dump, not an error",
    arguments: [
      (#"{"status": "success", "data": {"resultType": "vector", "result": null}}"#, .prometheus),
      (#"{"status": "success", "data": {"result": null, "resultType": "matrix"}}"#, .prometheus),
      (#"{"data": null, "total": 0, "limit": 0, "offset": 0, "errors": null}"#, .jaegerDependencies),
      (#"{"data": [], "total": 0, "limit": 0, "offset": 0, "errors": null}"#, .jaegerDependencies),
    ] as [(String, TrafficFormat)]
  )
  func empty(_ text: String, _ format: TrafficFormat) throws {
    let dump = try read(text)
    #expect(dump.format == format)
    #expect(dump.records == 0)
    #expect(dump.graph.edges.isEmpty)
  }

  @Test("One trace of Jaeger's is read like a list of them")
  func singleTrace() throws {
    let answer = try #require(JSONSerialization.jsonObject(with: Data(fixture("jaeger-traces.json"))) as? [String: Any])
    let traces = try #require(answer["data"] as? [Any])
    for trace in traces {
      let text = String(decoding: try JSONSerialization.data(withJSONObject: trace), as: UTF8.self)
      let expected = lines(try read("[\(text)]").graph)
      for alone in [text, #"{"data": \#(text), "errors": null}"#] {
        let dump = try read(alone)
        #expect(dump.format == .jaegerTraces)
        #expect(lines(dump.graph) == expected)
      }
    }
  }
}
