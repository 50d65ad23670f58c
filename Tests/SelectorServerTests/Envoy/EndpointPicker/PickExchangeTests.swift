import EnvoyProtocol
import Foundation
import Model
import Overflow
import Selection
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("What is said about one request")
struct PickExchangeTests {
  @Test("Header and metadata carry the same ordered list, the endpoint to try first in front")
  func destinations() throws {
    let dispatcher = Exchanges.dispatcher()
    var exchange = PickExchange(dispatcher, Exchanges.hints())
    let (header, metadata) = Exchanges.destinations(try exchange.answer(Exchanges.request(), at: .seconds(0)))
    #expect(header == metadata && Set(header) == Set(Exchanges.addresses))
    let busy = try #require(dispatcher.cart.replicas.first { $0.view.inFlight == 1 })
    #expect(busy.replica.address == header.first)
    #expect(try exchange.answer(Exchanges.response(served: header[0]), at: .seconds(1))?.responseHeaders != nil)
    #expect(dispatcher.inFlight == 1, "its body follows")
    exchange.end(at: .seconds(1))
    #expect(dispatcher.inFlight == 0)
    #expect(dispatcher.cart.counts.succeeded == 1)
  }

  @Test("As many endpoints are named for retries as Envoy's configuration says", arguments: [0, 1, 2])
  func alternatives(_ count: Int) throws {
    let hints = Exchanges.hints(["x-tonari-service": "shop/cart", "x-tonari-alternatives": "\(count)"])
    var exchange = PickExchange(Exchanges.dispatcher(), hints)
    #expect(Exchanges.destinations(try exchange.answer(Exchanges.request(), at: .seconds(0))).header.count == 1 + count)
  }

  @Test("The service is what the stream's metadata, the cluster or the authority says, in this order")
  func service() throws {
    let dispatcher = Exchanges.dispatcher()
    func picks(_ headers: KeyValuePairs<String, String>, cluster: String? = nil, authority: String) throws -> Bool {
      var exchange = PickExchange(dispatcher, Exchanges.hints(headers))
      let request = Exchanges.request([":authority": authority]) { message in
        guard let cluster else { return }
        message.attributes["envoy.filters.http.ext_proc"] = .init(
          fields: ["xds.cluster_name": .init(stringValue: cluster)])
      }
      return !Exchanges.destinations(try exchange.answer(request, at: .seconds(0))).header.isEmpty
    }
    #expect(try picks(["x-tonari-service": "shop/cart"], authority: "elsewhere.example"))
    #expect(try picks([:], cluster: "outbound|8080||cart.shop.svc.cluster.local", authority: "elsewhere.example"))
    #expect(try picks([:], cluster: "unheard-of", authority: "cart.shop.svc.cluster.local:8080"))
    #expect(throws: ServiceUnknown.self) { try picks([:], authority: "elsewhere.example") }
    #expect(throws: ServiceUnknown.self) { try picks(["x-tonari-service": "shop/none"], authority: "cart.shop") }
  }

  @Test("Only endpoints of the subset are picked, be it a string or a list")
  func subset() throws {
    typealias Value = Google_Protobuf_Value
    let hints: [Value] = [
      Value(stringValue: "10.0.0.2:80, 10.0.0.9:80"),
      Value(listValue: .init(values: [Value(stringValue: "10.0.0.9:80"), Value(stringValue: "10.0.0.2:80")])),
    ]
    for hint in hints {
      var exchange = PickExchange(Exchanges.dispatcher(), Exchanges.hints())
      for _ in 0..<4 {
        let answer = try exchange.answer(Self.request(subset: hint), at: .seconds(0))
        #expect(Exchanges.destinations(answer).header == ["10.0.0.2:80"])
      }
    }
    let none: [Value] = [
      Value(stringValue: ""), Value(listValue: .init()), Value(stringValue: "10.0.0.9:80"), Value(numberValue: 1),
    ]
    for hint in none {
      var exchange = PickExchange(Exchanges.dispatcher(), Exchanges.hints())
      #expect(try exchange.answer(Self.request(subset: hint), at: .seconds(0))?.immediateResponse.status.code == 503)
    }
  }

  private static func request(subset: Google_Protobuf_Value) -> ProcessingRequest {
    Exchanges.request {
      $0.metadataContext.filterMetadata["envoy.lb.subset_hint"] = .init(
        fields: ["x-gateway-destination-endpoint-subset": subset])
    }
  }

  @Test("Where nothing is ready the answer is 503, where all is full 429, and nothing stays in flight for it")
  func refusals() throws {
    let starting = Dispatcher()
    starting.set(
      [ServiceReplica(address: "10.0.0.1:80", state: .starting)], of: "shop/cart", from: .file, at: .seconds(0))
    var exchange = PickExchange(starting, Exchanges.hints())
    #expect(try exchange.answer(Exchanges.request(), at: .seconds(0))?.immediateResponse.status.code == 503)

    let dispatcher = Exchanges.dispatcher(DispatcherOptions(policy: .leastRequest, mostInFlight: 1))
    var exchanges = (0..<4).map { _ in PickExchange(dispatcher, Exchanges.hints()) }
    let statuses = try exchanges.indices.map {
      try exchanges[$0].answer(Exchanges.request(), at: .seconds(0))?.immediateResponse.status.code
    }
    #expect(statuses == [0, 0, 0, 429])
    #expect(dispatcher.inFlight == 3 && dispatcher.cart.counts.shed == 1)
    for index in exchanges.indices { exchanges[index].end(at: .seconds(0)) }
    #expect(dispatcher.inFlight == 0 && dispatcher.cart.counts.cancelled == 3)
  }

  @Test("A request that was served by the second endpoint failed at the first, and is in flight at the second")
  func retried() throws {
    let dispatcher = Exchanges.dispatcher()
    var exchange = PickExchange(dispatcher, Exchanges.hints())
    let picked = Exchanges.destinations(try exchange.answer(Exchanges.request(), at: .seconds(0))).header
    _ = try exchange.answer(Exchanges.response(200, served: picked[1]), at: .seconds(1))
    func replica(_ address: String) -> ReplicaStatus? {
      dispatcher.cart.replicas.first { $0.replica.address == address }
    }
    #expect(replica(picked[0])?.failures == 1 && replica(picked[0])?.view.inFlight == 0)
    #expect(replica(picked[1])?.failures == 0 && replica(picked[1])?.view.inFlight == 1)
    exchange.end(at: .seconds(2))
    #expect(dispatcher.inFlight == 0 && dispatcher.cart.counts.succeeded == 1 && dispatcher.cart.counts.failed == 0)
  }

  @Test("An endpoint that Envoy passed over at its first attempt did not fail")
  func passedOver() throws {
    let dispatcher = Exchanges.dispatcher()
    for served in ["10.0.0.77:80", nil] {
      var exchange = PickExchange(dispatcher, Exchanges.hints())
      let picked = Exchanges.destinations(try exchange.answer(Exchanges.request(), at: .seconds(0))).header
      let response = Exchanges.response(served: served ?? picked[1], headers: ["x-envoy-attempt-count": "1"])
      _ = try exchange.answer(response, at: .seconds(1))
      #expect(dispatcher.inFlight == (served == nil ? 1 : 0), "where it went is known, or not")
      exchange.end(at: .seconds(1))
      #expect(dispatcher.cart.replicas.allSatisfy { $0.failures == 0 && $0.view.inFlight == 0 })
    }
    #expect(dispatcher.cart.counts.cancelled == 1 && dispatcher.cart.counts.succeeded == 1)
  }

  @Test("A response is in flight to its end, however late, and took as long")
  func streams() throws {
    let dispatcher = Exchanges.dispatcher(DispatcherOptions(policy: .peakEWMA, pickLifetime: .seconds(60)))
    typealias End = (inout PickExchange, Moment) throws -> Void
    let ends: [End] = [
      { exchange, now in exchange.end(at: now) },
      { exchange, now in _ = try exchange.answer(.with { $0.responseTrailers = .init() }, at: now) },
      { exchange, now in _ = try exchange.answer(.with { $0.responseBody.endOfStream = true }, at: now) },
    ]
    var start = 0.0
    for end in ends {
      var exchange = PickExchange(dispatcher, Exchanges.hints())
      _ = try exchange.answer(Exchanges.request(), at: .seconds(start))
      _ = try exchange.answer(Exchanges.response(), at: .seconds(start + 0.01))
      _ = try exchange.answer(.with { $0.responseBody.body = Data("tea".utf8) }, at: .seconds(start + 1))
      dispatcher.expire(at: .seconds(start + 3600))
      #expect(dispatcher.inFlight == 1, "an open answer is load after an hour")
      try end(&exchange, .seconds(start + 3600))
      #expect(dispatcher.inFlight == 0)
      start += 4000
    }
    #expect(dispatcher.cart.counts.succeeded == 3 && dispatcher.cart.counts.expired == 0)
    // What it costs is what it took, and not until its first byte.
    #expect(dispatcher.status(at: .seconds(11_600))[0].replicas.contains { $0.view.cost > 1000 })

    var whole = PickExchange(dispatcher, Exchanges.hints())
    _ = try whole.answer(Exchanges.request(), at: .seconds(start))
    var response = Exchanges.response()
    response.responseHeaders.endOfStream = true
    _ = try whole.answer(response, at: .seconds(start))
    #expect(dispatcher.inFlight == 0, "a head that is all ends it")
  }

  @Test(
    "A failure that gRPC says in trailers is one",
    arguments: [("0", Outcome.success), ("5", .success), ("14", .failure), ("13", .failure)])
  func trailers(_ status: String, _ outcome: Outcome) throws {
    let dispatcher = Exchanges.dispatcher()
    var exchange = PickExchange(dispatcher, Exchanges.hints())
    let picked = Exchanges.destinations(try exchange.answer(Exchanges.request(), at: .seconds(0))).header[0]
    _ = try exchange.answer(Exchanges.response(headers: ["content-type": "application/grpc"]), at: .seconds(1))
    let trailers = Exchanges.headers(["grpc-status": status, "endpoint-load-metrics": "named_metrics.in_flight=7"])
    _ = try exchange.answer(.with { $0.responseTrailers.trailers = trailers.headers }, at: .seconds(1))
    exchange.end(at: .seconds(1))
    #expect(dispatcher.cart.counts.failed == (outcome == .failure ? 1 : 0))
    #expect(dispatcher.cart.counts.succeeded == (outcome == .success ? 1 : 0))
    let replica = dispatcher.cart.replicas.first { $0.replica.address == picked }
    #expect(replica?.failures == (outcome == .failure ? 1 : 0) && replica?.view.lastReport?.inFlight == 7)
  }

  @Test(
    "The status says how it ended",
    arguments: [
      ("200", nil, Outcome.success), ("404", nil, .success), ("429", nil, .success), ("500", nil, .failure),
      ("503", nil, .failure), ("504", nil, .failure), ("200", "0", .success), ("200", "5", .success),
      ("200", "14", .failure), ("200", "13", .failure), (nil, nil, .failure), ("x", nil, .failure),
    ] as [(String?, String?, Outcome)])
  func outcome(_ status: String?, _ grpcStatus: String?, _ outcome: Outcome) {
    #expect(Outcome(status: status, grpcStatus: grpcStatus) == outcome)
  }

  @Test("Bodies and trailers pass untouched in every mode")
  func bodies() throws {
    typealias Mode = Envoy_Extensions_Filters_Http_ExtProc_V3_ProcessingMode.BodySendMode
    let body = Envoy_Service_ExtProc_V3_HttpBody.with {
      $0.body = Data("tea".utf8)
      $0.endOfStream = true
    }
    for mode in [Mode.none, .streamed, .buffered, .bufferedPartial, .fullDuplexStreamed, .grpc] {
      var exchange = PickExchange(Exchanges.dispatcher(), Exchanges.hints())
      let head = Exchanges.request {
        $0.protocolConfig.requestBodyMode = mode
        $0.protocolConfig.responseBodyMode = mode
      }
      _ = try exchange.answer(head, at: .seconds(0))
      let returned = mode == .fullDuplexStreamed || mode == .grpc
      for answer in [
        try exchange.answer(.with { $0.requestBody = body }, at: .seconds(0))?.requestBody,
        try exchange.answer(.with { $0.responseBody = body }, at: .seconds(0))?.responseBody,
      ] {
        let answer = try #require(answer)
        #expect(answer.response.status == .continue)
        #expect(answer.hasResponse == returned, "\(mode)")
        #expect(answer.response.bodyMutation.streamedResponse.body == (returned ? body.body : Data()))
        #expect(answer.response.bodyMutation.streamedResponse.endOfStream == returned)
      }
      let trailers = Envoy_Service_ExtProc_V3_HttpTrailers()
      #expect(
        try exchange.answer(.with { $0.requestTrailers = trailers }, at: .seconds(0))?.response
          == .requestTrailers(Envoy_Service_ExtProc_V3_TrailersResponse()))
      #expect(
        try exchange.answer(.with { $0.responseTrailers = trailers }, at: .seconds(0))?.response
          == .responseTrailers(Envoy_Service_ExtProc_V3_TrailersResponse()))
    }
  }

  @Test("Who only watches gets no answers, and counts nowhere")
  func observability() throws {
    let dispatcher = Exchanges.dispatcher()
    var exchange = PickExchange(dispatcher, Exchanges.hints())
    #expect(try exchange.answer(Exchanges.request { $0.observabilityMode = true }, at: .seconds(0)) == nil)
    #expect(dispatcher.cart.counts.total == 0)
  }

  @Test("Requests with the same key go to the same endpoint")
  func keys() throws {
    let hints = Exchanges.hints(["x-tonari-service": "shop/cart", "x-tonari-key-header": "X-Session"])
    let dispatcher = Exchanges.dispatcher()
    var first: [String: String] = [:]
    for round in 0..<3 {
      for key in 0..<8 {
        var exchange = PickExchange(dispatcher, hints)
        let request = Exchanges.request([":authority": "cart.shop", "x-session": "s\(key)"])
        let picked = Exchanges.destinations(try exchange.answer(request, at: .seconds(Double(round)))).header[0]
        #expect(first["s\(key)", default: picked] == picked)
        first["s\(key)"] = picked
        exchange.end(at: .seconds(Double(round)))
      }
    }
    #expect(Set(first.values).count > 1)
  }

  @Test("Whatever arrives in whatever order, nothing crashes and nothing stays in flight")
  func anyOrder() throws {
    var generator = SeededGenerator(seed: 5)
    let dispatcher = Exchanges.dispatcher()
    let heads = [Exchanges.request(), Exchanges.response(), Exchanges.response(503, served: "10.0.0.2:80")]
    let others: [ProcessingRequest] = [
      ProcessingRequest(), .with { $0.requestBody = .init() }, .with { $0.responseTrailers = .init() },
      .with { $0.observabilityMode = true },
    ]
    let whole = try (heads + others).map { try $0.serializedBytes() as [UInt8] }
    var understood = 0
    for _ in 0..<2_000 {
      var exchange = PickExchange(dispatcher, Exchanges.hints())
      for _ in 0..<generator.below(6) {
        var bytes = whole[generator.below(whole.count)]
        for _ in 0..<generator.below(4) where !bytes.isEmpty {
          bytes[generator.below(bytes.count)] = UInt8(truncatingIfNeeded: generator.next())
        }
        guard let message = try? ProcessingRequest(serializedBytes: bytes) else { continue }
        understood += 1
        _ = try? exchange.answer(message, at: .seconds(0))
      }
      exchange.end(at: .seconds(0))
      #expect(dispatcher.inFlight == 0 && dispatcher.cart.openPicks == 0)
    }
    #expect(understood > 1_000)
  }

  /// The value of a header that a response sets; nil where it sets none.
  private static func header(_ name: String, _ response: ProcessingResponse?) -> String? {
    let options = response.map {
      $0.requestHeaders.response.headerMutation.setHeaders + $0.immediateResponse.headers.setHeaders
    }
    return options?.first { $0.header.key == name }.map { String(decoding: $0.header.rawValue, as: UTF8.self) }
  }

  @Test("A request that is too many goes to another cluster with one hop more, and one that came so goes nowhere")
  func overflow() throws {
    let dispatcher = Exchanges.dispatcher()
    let neighbour = ServiceOverflow.Neighbour(name: "b", capacity: .perMinute(6000), gateway: "10.9.9.9:443")
    dispatcher.set(
      ["shop/cart": ServiceOverflow(cluster: "a", capacity: .perMinute(60), neighbours: [neighbour])], at: .seconds(0))
    func ask(_ hops: String?) throws -> ProcessingResponse? {
      let hints = Exchanges.hints(["x-tonari-service": "shop/cart", "x-tonari-trust-hops": "true"])
      var exchange = PickExchange(dispatcher, hints)
      let request = Exchanges.request { message in
        guard let hops else { return }
        message.requestHeaders.headers.headers.append(
          .with {
            $0.key = "x-tonari-hops"
            $0.rawValue = Data(hops.utf8)
          })
      }
      return try exchange.answer(request, at: .seconds(1))
    }
    let first = try ask(nil)
    #expect(Self.header("x-tonari-hops", first) == nil)
    #expect(Set(Exchanges.destinations(first).header) == Set(Exchanges.addresses), "alternatives stay too")
    for hops in [nil, "0", "nonsense", "-1", "300"] {
      let second = try ask(hops)
      #expect(Exchanges.destinations(second).header == ["10.9.9.9:443"], "hops \(hops ?? "none")")
      #expect(Self.header("x-tonari-hops", second) == "1")
    }
    for hops in ["1", "2"] {
      let refused = try ask(hops)
      #expect(refused?.immediateResponse.status.code == 503)
      #expect(Self.header("retry-after", refused).flatMap { Int($0) } ?? 0 >= 1)
    }
  }

  @Test(
    "Hops are believed only of whom Envoy's configuration trusts, and taken away from all others",
    arguments: [
      (nil, nil, false), ("false", nil, false), ("", nil, false), ("true", nil, true),
      ("spiffe://edge-b/ingress", nil, false), ("spiffe://edge-b/ingress", "spiffe://edge-c/ingress", false),
      ("spiffe://edge-b/ingress", "spiffe://edge-b/ingress", true), ("a, edge-b.example", "edge-b.example", true),
      ("edge-b.example", "edge-b.example.evil", false),
    ] as [(String?, String?, Bool)])
  func hopTrust(trust: String?, peer: String?, isBelieved: Bool) throws {
    let dispatcher = Exchanges.dispatcher()
    let neighbour = ServiceOverflow.Neighbour(name: "b", capacity: .perMinute(6000), gateway: "10.9.9.9:443")
    dispatcher.set(
      ["shop/cart": ServiceOverflow(cluster: "a", capacity: .perMinute(60), neighbours: [neighbour])], at: .seconds(0))
    func ask() throws -> ProcessingResponse? {
      var hints = PickerHints([("x-tonari-service", "shop/cart")] + (trust.map { [("x-tonari-trust-hops", $0)] } ?? []))
      hints.alternatives = 0
      var exchange = PickExchange(dispatcher, hints)
      let pairs: KeyValuePairs = [":method": "GET", ":path": "/", ":authority": "cart.shop", "x-tonari-hops": "1"]
      return try exchange.answer(
        Exchanges.request(pairs) { message in
          guard let peer else { return }
          let name = peer.hasPrefix("spiffe:") ? "uri" : "dns"
          message.attributes["envoy.filters.http.ext_proc"] = .init(
            fields: ["connection.\(name)_san_peer_certificate": .init(stringValue: peer)])
        }, at: .seconds(1))
    }
    // What stays goes on with what is believed, and without what is not.
    let local = try #require(try ask())
    #expect(Exchanges.addresses.contains(Exchanges.destinations(local).header.first ?? ""))
    #expect(Self.header("x-tonari-hops", local) == (isBelieved ? "1" : nil))
    #expect(
      local.requestHeaders.response.headerMutation.removeHeaders == (isBelieved ? [] : ["x-tonari-hops"]))
    // What does not fit is sent on, or was sent on before.
    let excess = try #require(try ask())
    #expect((excess.immediateResponse.status.code == 503) == isBelieved)
    #expect(Self.header("x-tonari-hops", excess) == (isBelieved ? nil : "1"))
  }

  @Test("A client that writes hops gets no request refused, and none past its policy")
  func forgedHops() throws {
    let dispatcher = Exchanges.dispatcher()
    let neighbour = ServiceOverflow.Neighbour(name: "b", capacity: .perMinute(60_000), gateway: "10.9.9.9:443")
    dispatcher.set(
      ["shop/cart": ServiceOverflow(cluster: "a", capacity: .perMinute(60), neighbours: [neighbour])], at: .seconds(0))
    var refused = 0
    var sentOn = 0
    for _ in 0..<60 {
      var exchange = PickExchange(dispatcher, Exchanges.hints())
      let pairs: KeyValuePairs = [":method": "GET", ":path": "/", ":authority": "cart.shop", "x-tonari-hops": "9"]
      let answer = try exchange.answer(Exchanges.request(pairs), at: .seconds(1))
      refused += answer?.immediateResponse.status.code == 503 ? 1 : 0
      sentOn += Self.header("x-tonari-hops", answer) == "1" ? 1 : 0
    }
    #expect(refused == 0)
    #expect(sentOn >= 50)
    #expect(dispatcher.overflows(at: .seconds(1))["shop/cart"]?.received == 0)
  }

  @Test("A service that is full by what is in flight is refused as before")
  func mostInFlight() throws {
    let dispatcher = Exchanges.dispatcher(DispatcherOptions(policy: .leastRequest, mostInFlight: 1))
    for _ in 0..<3 {
      var exchange = PickExchange(dispatcher, Exchanges.hints())
      _ = try exchange.answer(Exchanges.request(), at: .seconds(0))
    }
    var exchange = PickExchange(dispatcher, Exchanges.hints())
    let refused = try exchange.answer(Exchanges.request(), at: .seconds(0))
    #expect(refused?.immediateResponse.status.code == 429)
    #expect(Self.header("retry-after", refused) == nil)
  }
}
