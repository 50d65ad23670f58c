import EnvoyProtocol
import Foundation
import HostileNumbersTestSupport
import Model
import Selection
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("What Envoy and replicas say, with any numbers in it")
struct EnvoyHostileNumbersTests {
  private static let attributes = SwiftProtobuf.Google_Protobuf_Struct(
    fields: [
      "xds.cluster_name": .init(stringValue: "outbound|8080||cart.shop.svc.cluster.local"),
      "request.size": .init(numberValue: 3),
    ])

  private static func message(_ change: (inout ProcessingRequest) -> Void) -> ProcessingRequest {
    .with {
      $0.attributes["envoy.filters.http.ext_proc"] = attributes
      $0.metadataContext.filterMetadata["envoy.lb"] = attributes
      $0.protocolConfig.requestBodyMode = .buffered
      $0.protocolConfig.responseBodyMode = .buffered
      change(&$0)
    }
  }

  @Test("of a request and its response, is answered, and the next request is picked for")
  func processing() throws {
    let pairs: KeyValuePairs = [":method": "GET", ":authority": "cart.shop", "x-tonari-hops": "1"]
    let (variants, _) = try WireNumbers.variants(of: [
      Self.message { $0.requestHeaders = Exchanges.headers(pairs) },
      Self.message { $0.responseHeaders = Exchanges.headers([":status": "200", "x-envoy-attempt-count": "1"]) },
      Self.message { $0.requestBody = .with { $0.body = Data([1]) } },
      Self.message { $0.responseBody = .with { $0.body = Data([1]) } },
    ])
    #expect(variants.count > 50)
    let dispatcher = Exchanges.dispatcher()
    for variant in variants {
      var exchange = PickExchange(dispatcher, Exchanges.hints())
      _ = try? exchange.answer(variant.message, at: .seconds(0))
      exchange.end(at: .seconds(0))
    }
    var exchange = PickExchange(dispatcher, Exchanges.hints())
    #expect(!Exchanges.destinations(try exchange.answer(Exchanges.request(), at: .seconds(0))).header.isEmpty)
  }

  @Test(
    "in a header, is read or left out",
    arguments: ["x-tonari-hops", "x-tonari-alternatives", "x-envoy-attempt-count", ":status", "endpoint-load-metrics"])
  func headers(name: String) throws {
    let dispatcher = Exchanges.dispatcher()
    for text in HostileNumbers.texts {
      let value = name == "endpoint-load-metrics" ? "TEXT named_metrics.in_flight=\(text),rps_fractional=\(text)" : text
      let hints = Exchanges.hints(["x-tonari-service": "shop/cart", name: value])
      var exchange = PickExchange(dispatcher, hints)
      let answer = try exchange.answer(
        Exchanges.request([":method": "GET", ":authority": "cart.shop", name: value]), at: .seconds(0))
      #expect(!Exchanges.destinations(answer).header.isEmpty, "\(text.prefix(40))")
      _ = try exchange.answer(
        Exchanges.response(served: Exchanges.addresses[0], headers: [name: value]), at: .seconds(1))
      exchange.end(at: .seconds(1))
    }
    #expect(dispatcher.inFlight == 0)
  }

  @Test("in a report of loads, is summed all the same")
  func loads() throws {
    typealias Cluster = Envoy_Config_Endpoint_V3_ClusterStats
    let sample = Cluster.with {
      $0.clusterName = "cart"
      $0.loadReportInterval = .init(seconds: 1, nanos: 1)
      $0.totalDroppedRequests = 1
      $0.upstreamLocalityStats = [
        .with {
          $0.totalSuccessfulRequests = 1
          $0.totalRequestsInProgress = 1
          $0.totalErrorRequests = 1
          $0.totalIssuedRequests = 1
          $0.priority = 1
          $0.upstreamEndpointStats = [
            .with {
              $0.address = EndpointAddress("10.0.0.1:80")?.message ?? .init()
              $0.totalSuccessfulRequests = 30
              $0.totalRequestsInProgress = 2
              $0.totalErrorRequests = 1
              $0.totalIssuedRequests = 31
            }
          ]
        }
      ]
    }
    let dispatcher = Exchanges.dispatcher()
    var loads = ReportedLoads()
    var now = Moment.start
    for variant in try WireNumbers.variants(of: [sample]).variants {
      for clusters in [[variant.message, sample], [variant.message]] {
        now = now + .seconds(1)
        for (address, news) in loads.hear(clusters, from: 1, at: now, picks: { _ in 3 }) {
          dispatcher.report(news.load, of: address, at: now)
          dispatcher.note(successes: news.successes, failures: news.failures, of: address, at: now)
        }
      }
    }
    #expect(loads.hear([sample], from: 1, at: now, picks: { _ in 0 })["10.0.0.1:80"] != nil)
    var exchange = PickExchange(dispatcher, Exchanges.hints())
    #expect(!Exchanges.destinations(try exchange.answer(Exchanges.request(), at: now)).header.isEmpty)
  }

  @Test("in a report of the Open Request Cost Aggregation, is read or left out")
  func orca() throws {
    let sample = Xds_Data_Orca_V3_OrcaLoadReport.with {
      $0.cpuUtilization = 0.5
      $0.applicationUtilization = 0.5
      $0.memUtilization = 0.5
      $0.rps = 20
      $0.rpsFractional = 20.5
      $0.eps = 1
      $0.namedMetrics = ["in_flight": 3, "queued": 1]
      $0.requestCost = ["x": 1]
      $0.utilization = ["x": 1]
    }
    let (variants, missing) = try WireNumbers.variants(of: [sample])
    #expect(missing.isEmpty)
    let dispatcher = Exchanges.dispatcher()
    for variant in variants {
      guard let load = LoadReport(variant.message) else { continue }
      dispatcher.report(load, of: Exchanges.addresses[0], at: .seconds(1))
    }
    var exchange = PickExchange(dispatcher, Exchanges.hints())
    #expect(!Exchanges.destinations(try exchange.answer(Exchanges.request(), at: .seconds(1))).header.isEmpty)
  }
}
