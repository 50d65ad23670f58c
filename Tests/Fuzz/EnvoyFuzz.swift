import EnvoyProtocol
import Foundation
import GRPCCore
import Model
import NIOCore
import NIOEmbedded
import Overflow
import Selection
import SwiftProtobuf

@testable import SelectorServer

extension Fuzzer {
  private static let envoyWords = [
    ":method", ":path", ":authority", ":status", "x-tonari-service", "x-tonari-hops", "x-tonari-alternatives",
    "x-gateway-destination-endpoint-subset", "x-gateway-destination-endpoint-served", "envoy.lb",
    "envoy.lb.subset_hint",
    "envoy.filters.http.ext_proc", "xds.cluster_name", "upstream.address", "upstream.request_attempt_count",
    "outbound|80||cart.shop.svc.cluster.local", "cart.shop:80", "10.0.0.1:80", "shop/cart", "grpc-status",
    "endpoint-load-metrics", "TEXT in_flight=1", "256", "-1",
  ]

  private static func headers(_ pairs: KeyValuePairs<String, String>) -> Envoy_Service_ExtProc_V3_HttpHeaders {
    .with { message in
      message.headers.headers = pairs.map { pair in
        .with {
          $0.key = pair.key
          $0.rawValue = Data(pair.value.utf8)
        }
      }
    }
  }

  private static let requestMessage = ProcessingRequest.with {
    $0.requestHeaders = headers([
      ":method": "GET", ":path": "/", ":authority": "cart.shop", "x-tonari-hops": "1", "x-key": "k",
    ])
    $0.metadataContext.filterMetadata["envoy.lb.subset_hint"] = .init(
      fields: ["x-gateway-destination-endpoint-subset": .init(stringValue: "10.0.0.1:80, 10.0.0.2:80")])
    $0.attributes["envoy.filters.http.ext_proc"] = .init(
      fields: ["xds.cluster_name": .init(stringValue: "outbound|80||cart.shop.svc.cluster.local")])
  }
  private static let responseMessage = ProcessingRequest.with {
    $0.responseHeaders = headers([
      ":status": "200", "endpoint-load-metrics": "TEXT cpu_utilization=0.3,rps_fractional=9",
    ])
    $0.attributes["envoy.filters.http.ext_proc"] = .init(
      fields: [
        "upstream.address": .init(stringValue: "10.0.0.1:80"), "upstream.request_attempt_count": .init(numberValue: 1),
      ])
  }

  /// What is said about requests on one stream: the headers of the stream's start as text, then pieces, each a message.
  static let pickExchange = Fuzzer(
    "pick-exchange", words: envoyWords, longest: 8192,
    seeds: [
      InputReader.pieces(
        [Array("x-tonari-service\0shop/cart\0x-tonari-key-header\0x-key\0".utf8)]
          + ([requestMessage, responseMessage, requestMessage].compactMap { try? $0.serializedBytes() } as [[UInt8]])),
      InputReader.pieces(
        [[]] + ([requestMessage, responseMessage].compactMap { try? $0.serializedBytes() } as [[UInt8]])),
    ]
  ) { bytes in
    var input = InputReader(bytes)
    let dispatcher = dispatcher()
    var exchange = PickExchange(dispatcher, PickerHints(input.piece() ?? []), usualService: "shop/cart")
    let answer = PickAnswer()
    var now = Moment.seconds(1)
    while let piece = input.piece() {
      guard let message = try? ProcessingRequest(serializedBytes: piece) else { continue }
      _ = try? exchange.answer(message, at: now, using: answer)?.serializedBytes() as [UInt8]?
      now = Moment(nanoseconds: now.nanoseconds + 10_000_000)
    }
    exchange.end(at: now)
    try expectNothingInFlight(dispatcher, at: now)
    try exercise(dispatcher, at: now)
  }

  private static func expectNothingInFlight(_ dispatcher: Dispatcher, at now: Moment) throws {
    for status in dispatcher.status(at: now) {
      for replica in status.replicas {
        try expect(replica.view.inFlight == 0, "\(replica.view.inFlight) requests stay in flight")
      }
    }
  }

  /// A connection of HTTP/2 to the picker: a size of chunks, and its bytes after the client's preface. Whatever comes,
  /// nothing stays in flight when it is gone.
  static let pickerConnection = Fuzzer(
    "picker-connection", words: envoyWords, longest: 8192,
    seeds: [
      [255] + http2(4, 0, 0, []) + http2Head(1) + http2Message(1, requestMessage)
        + http2Message(1, responseMessage, ends: true),
      [7] + http2(4, 0, 0, [0, 4, 0, 0, 0, 0]) + http2Head(1) + http2Head(3) + http2Message(3, requestMessage)
        + http2(3, 0, 1, [0, 0, 0, 8]) + http2(8, 0, 0, [0, 1, 0, 0]) + http2(6, 0, 0, Array(repeating: 1, count: 8)),
    ]
  ) { bytes in
    var input = InputReader(bytes)
    let chunk = max(1, Int(input.byte()))
    let dispatcher = dispatcher()
    let answers = PickerAnswers(dispatcher: dispatcher, access: .open, usualService: nil, health: []) { .seconds(1) }
    let channel = EmbeddedChannel(handler: PickerConnection(answers))
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
    _ = try? channel.writeInbound(ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    for start in stride(from: 0, to: input.rest.count, by: chunk) where channel.isActive {
      _ = try? channel.writeInbound(ByteBuffer(bytes: input.rest[start..<min(input.rest.count, start + chunk)]))
      while try channel.readOutbound(as: ByteBuffer.self) != nil {}
    }
    _ = try? channel.finish(acceptAlreadyClosed: true)
    try expectNothingInFlight(dispatcher, at: .seconds(1))
  }

  private static func http2(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
    [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), type, flags, 0, 0, 0, stream] + payload
  }

  private static func http2Head(_ stream: UInt8) -> [UInt8] {
    let fields = [
      (":method", "POST"), (":scheme", "http"), (":authority", "picker"),
      (":path", "/envoy.service.ext_proc.v3.ExternalProcessor/Process"),
      ("content-type", "application/grpc"), ("x-tonari-service", "shop/cart"),
    ]
    return http2(
      1, 4, stream,
      fields.flatMap { name, value in
        [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
      })
  }

  private static func http2Message(_ stream: UInt8, _ message: ProcessingRequest, ends: Bool = false) -> [UInt8] {
    let bytes = (try? message.serializedBytes() as [UInt8]) ?? []
    return http2(0, ends ? 1 : 0, stream, [0, 0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes)
  }

  /// A stream of xDS: a byte for its variant, then pieces, each a request. What is told is a message that can be sent.
  static let discovery = Fuzzer(
    "discovery", words: envoyWords + [endpointType, "shop/cart", "*"], longest: 8192,
    seeds: [
      [0]
        + InputReader.pieces(
          [
            Envoy_Service_Discovery_V3_DiscoveryRequest.with {
              $0.node.id = "a"
              $0.node.locality.zone = "zone"
              $0.resourceNames = ["shop/cart", "outbound|80||cart.shop.svc.cluster.local"]
              $0.typeURL = endpointType
            },
            .with {
              $0.resourceNames = ["shop/none"]
              $0.responseNonce = "1"
              $0.errorDetail.message = "no"
            },
          ].compactMap { try? $0.serializedBytes() }),
      [1]
        + InputReader.pieces(
          [
            Envoy_Service_Discovery_V3_DeltaDiscoveryRequest.with {
              $0.node.id = "a"
              $0.resourceNamesSubscribe = ["shop/cart", "x"]
              $0.initialResourceVersions = ["y": "1"]
            },
            .with {
              $0.resourceNamesUnsubscribe = ["shop/cart"]
              $0.responseNonce = "1"
            },
          ].compactMap { try? $0.serializedBytes() }),
    ]
  ) { bytes in
    var input = InputReader(bytes)
    if input.byte().isMultiple(of: 2) {
      try converse(StateOfTheWorldSubscription.self, &input) {
        try Envoy_Service_Discovery_V3_DiscoveryRequest(serializedBytes: $0)
      }
    } else {
      try converse(IncrementalSubscription.self, &input) {
        try Envoy_Service_Discovery_V3_DeltaDiscoveryRequest(serializedBytes: $0)
      }
    }
  }

  private static func converse<Subscription: DiscoverySubscription>(
    _ variant: Subscription.Type, _ input: inout InputReader, _ decode: ([UInt8]) throws -> Subscription.Request
  ) throws where Subscription.Response: SwiftProtobuf.Message {
    let dispatcher = dispatcher()
    let boards = EndpointBoards(dispatcher, isReady: { true })
    let conversation = DiscoveryConversation<Subscription>(boards, selectorPlace: .unknown)
    var now = Moment.seconds(1)
    while let piece = input.piece() {
      guard let request = try? decode(piece) else { continue }
      do { _ = try conversation.hear(request, at: now) } catch { break }
      now = Moment(nanoseconds: now.nanoseconds + 100_000_000)
      boards.look(at: now)
      for _ in 0..<4 {
        guard let response = conversation.next() else { break }
        _ = try response.serializedBytes() as [UInt8]
      }
    }
    conversation.end()
    conversation.leave()
    try expect(boards.count == 0, "\(boards.count) boards stay without a reader")
  }

  /// Envoys' reports of load: pieces, each a report, from two streams in turn.
  static let loadStatistics = Fuzzer(
    "load-statistics", words: envoyWords, longest: 8192,
    seeds: [
      InputReader.pieces(
        [
          Envoy_Service_LoadStats_V3_LoadStatsRequest.with {
            $0.node.id = "a"
            $0.clusterStats = [
              .with {
                $0.clusterName = "outbound|80||cart.shop.svc.cluster.local"
                $0.loadReportInterval = .init(seconds: 1)
                $0.upstreamLocalityStats = [
                  .with {
                    $0.upstreamEndpointStats = [
                      .with {
                        $0.address = EndpointAddress("10.0.0.1:80")?.message ?? .init()
                        $0.totalRequestsInProgress = 6
                        $0.totalIssuedRequests = 50
                        $0.totalErrorRequests = 5
                        $0.totalSuccessfulRequests = 40
                      }
                    ]
                  }
                ]
              }
            ]
          },
          .with { $0.node.id = "a" },
        ].compactMap { try? $0.serializedBytes() })
    ]
  ) { bytes in
    var input = InputReader(bytes)
    let dispatcher = dispatcher()
    var loads = ReportedLoads()
    var now = Moment.seconds(1)
    var envoy: UInt64 = 0
    while let piece = input.piece() {
      guard let request = try? Envoy_Service_LoadStats_V3_LoadStatsRequest(serializedBytes: piece) else { continue }
      envoy = 1 - envoy
      for (address, news) in loads.hear(request.clusterStats, from: envoy, at: now, picks: dispatcher.picks) {
        try expect(news.load.inFlight.map { $0 >= 0 } ?? true, "\(news.load.inFlight ?? 0) requests in flight")
        dispatcher.report(news.load, of: address, at: now)
        dispatcher.note(successes: news.successes, failures: news.failures, of: address, at: now)
      }
      now = Moment(nanoseconds: now.nanoseconds + 1_000_000_000)
    }
    for envoy: UInt64 in [0, 1] { _ = loads.forget(envoy, at: now, picks: dispatcher.picks) }
    try expect(loads.isEmpty, "loads stay of Envoys that are gone")
    try exercise(dispatcher, at: now)
  }

  /// What a replica says of its load in a header or a report: a byte for the way, and the value. What is believed is
  /// sound.
  static let orca = Fuzzer(
    "orca",
    words: [
      "BIN ", "JSON ", "TEXT ", "cpu_utilization=", "rps_fractional=", "application_utilization=", "eps=",
      "named_metrics.in_flight=", "named_metrics.queued:", #"{"cpuUtilization":"#, #""namedMetrics":{"#, "NaN", "inf",
      "1e308", "-0", "5e-324", "000000000000000000001", ",",
    ],
    longest: 2048,
    seeds: texts(
      "\0TEXT cpu_utilization=0.3,rps_fractional=120,named_metrics.in_flight=4,eps=1",
      "\0" + #"JSON {"cpu_utilization":0.5,"named_metrics":{"in_flight":7,"queued":1}}"#, "\0BIN CQAAAAAAAOA/",
      "\u{1}CQAAAAAAAOA/")
      + [
        [2]
          + ((try? Xds_Data_Orca_V3_OrcaLoadReport.with { $0.cpuUtilization = 0.5 }.serializedBytes() as [UInt8]) ?? [])
      ]
  ) { bytes in
    var input = InputReader(bytes)
    let way = input.byte()
    let load: LoadReport?
    if way == 2 {
      load = (try? Xds_Data_Orca_V3_OrcaLoadReport(serializedBytes: Array(input.rest))).flatMap { LoadReport($0) }
    } else {
      load = LoadReport(endpointLoadMetrics: input.rest, isBinaryHeader: way == 1)
    }
    guard let load else { return }
    try believe(load)
  }

  /// Holds a load to being sound, and lets a selector use it.
  static func believe(_ load: LoadReport) throws {
    let dispatcher = dispatcher()
    dispatcher.report(load, of: "10.0.0.1:80", at: .seconds(1))
    dispatcher.report(load, of: "10.0.0.1:80", at: .seconds(2))
    try exercise(dispatcher, at: .seconds(2))
  }
}
