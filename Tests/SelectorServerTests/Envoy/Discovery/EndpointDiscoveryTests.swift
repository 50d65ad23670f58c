import Daemon
import EnvoyProtocol
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Model
import Selection
import SwiftProtobuf
import Synchronization
import Testing

@testable import SelectorServer

@Suite("Endpoint discovery", .timeLimit(.minutes(2)))
struct EndpointDiscoveryTests {
  private typealias Endpoints = Envoy_Service_Endpoint_V3_EndpointDiscoveryService
  private typealias Aggregated = Envoy_Service_Discovery_V3_AggregatedDiscoveryService
  private typealias Request = Envoy_Service_Discovery_V3_DiscoveryRequest
  private typealias Response = Envoy_Service_Discovery_V3_DiscoveryResponse
  private typealias DeltaRequest = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
  private typealias DeltaResponse = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse
  private typealias Assignment = Envoy_Config_Endpoint_V3_ClusterLoadAssignment

  private static func ports(_ resource: SwiftProtobuf.Google_Protobuf_Any?) throws -> [UInt32] {
    try Assignment(unpackingAny: try #require(resource)).endpoints.flatMap(\.lbEndpoints)
      .filter { $0.healthStatus == .healthy }.map(\.endpoint.address.socketAddress.portValue).sorted()
  }

  private static func set(_ ports: [Int], of service: String = "shop/cart", in dispatcher: Dispatcher) {
    dispatcher.set(ports.map { ServiceReplica(address: "10.0.0.1:\($0)") }, of: service, from: .file, at: .now)
  }

  private static func ask(_ names: [String], nonce: String = "", error: String? = nil) -> Request {
    .with {
      $0.resourceNames = names
      $0.responseNonce = nonce
      $0.typeURL = endpointType
      if let error { $0.errorDetail.message = error }
    }
  }

  @Test("tells who is there, and who comes and goes, to an Envoy that names all it asks for", arguments: [false, true])
  func stateOfTheWorld(isAggregated: Bool) async throws {
    try await RunningEnvoyServer.run(services: { [EndpointDiscovery($0)] }) { server in
      Self.set([1, 2], in: server.dispatcher)
      try await server.ask { client in
        let (requests, send) = AsyncStream<Request>.makeStream()
        let produce: @Sendable (RPCWriter<Request>) async throws -> Void = { writer in
          for await request in requests { try await writer.write(request) }
        }
        let consume: @Sendable (StreamingClientResponse<Response>) async throws -> Void = { response in
          var responses = response.messages.makeAsyncIterator()
          send.yield(Self.ask(["shop/cart", "shop/none"]))
          let first = try #require(try await responses.next())
          #expect(first.resources.count == 1 && first.typeURL == endpointType)
          #expect(try Self.ports(first.resources.first) == [1, 2])
          send.yield(Self.ask(["shop/cart", "shop/none"], nonce: first.nonce))
          Self.set([1, 3], in: server.dispatcher)
          let second = try #require(try await responses.next())
          #expect(try Self.ports(second.resources.first) == [1, 3])
          send.yield(Self.ask(["shop/cart", "shop/none"], nonce: second.nonce, error: "not those"))
          Self.set([7], of: "shop/none", in: server.dispatcher)
          let third = try #require(try await responses.next())
          #expect(try third.resources.map { try Self.ports($0) } == [[7]], "what was not taken is not told again")
          send.yield(Self.ask(["shop/cart"], nonce: third.nonce))
          Self.set([], in: server.dispatcher)
          let fourth = try #require(try await responses.next())
          #expect(try Self.ports(fourth.resources.first) == [])
          send.finish()
          #expect(try await responses.next() == nil)
        }
        if isAggregated {
          try await Aggregated.Client(wrapping: client).streamAggregatedResources(
            requestProducer: produce, onResponse: consume)
        } else {
          try await Endpoints.Client(wrapping: client).streamEndpoints(requestProducer: produce, onResponse: consume)
        }
      }
    }
  }

  @Test("tells changes alone to an Envoy that comes back with what it has", arguments: [false, true])
  func incremental(isAggregated: Bool) async throws {
    try await RunningEnvoyServer.run(services: { [EndpointDiscovery($0)] }) { server in
      Self.set([1, 2], in: server.dispatcher)
      Self.set([5], of: "shop/other", in: server.dispatcher)
      let versions = Mutex<[String: String]>([:])
      /// Asks on a stream of its own; answers what the first answer holds.
      @Sendable func first(_ client: RunningEnvoyServer.Client) async throws -> DeltaResponse {
        let known = versions.withLock { $0 }
        let (requests, send) = AsyncStream<DeltaRequest>.makeStream()
        let produce: @Sendable (RPCWriter<DeltaRequest>) async throws -> Void = { writer in
          for await request in requests { try await writer.write(request) }
        }
        send.yield(
          .with {
            $0.resourceNamesSubscribe = ["shop/cart", "shop/other", "shop/none"]
            $0.initialResourceVersions = known
            $0.typeURL = endpointType
          })
        let consume: @Sendable (StreamingClientResponse<DeltaResponse>) async throws -> DeltaResponse = { response in
          var responses = response.messages.makeAsyncIterator()
          let first = try #require(try await responses.next())
          send.finish()
          return first
        }
        guard isAggregated else {
          return try await Endpoints.Client(wrapping: client).deltaEndpoints(
            requestProducer: produce, onResponse: consume)
        }
        return try await Aggregated.Client(wrapping: client).deltaAggregatedResources(
          requestProducer: produce, onResponse: consume)
      }
      try await server.ask { client in
        let all = try await first(client)
        #expect(all.resources.map(\.name) == ["shop/cart", "shop/other"] && all.removedResources == ["shop/none"])
        versions.withLock { known in
          for resource in all.resources { known[resource.name] = resource.version }
        }
        Self.set([6], of: "shop/other", in: server.dispatcher)
        let changed = try await first(client)
        #expect(changed.resources.map(\.name) == ["shop/other"])
        #expect(try Self.ports(changed.resources.first?.resource) == [6])
      }
    }
  }

  @Test("tells nothing before the sources of replicas were heard")
  func starting() async throws {
    let isReady = Atomic(false)
    try await RunningEnvoyServer.run(
      services: { [EndpointDiscovery($0, isReady: { isReady.load(ordering: .relaxed) })] }
    ) { server in
      try await server.ask { client in
        try await Endpoints.Client(wrapping: client).streamEndpoints { writer in
          try await writer.write(Self.ask(["shop/cart"]))
          try await Task.sleep(for: .milliseconds(300))
          Self.set([1, 2], in: server.dispatcher)
          isReady.store(true, ordering: .relaxed)
          try await Task.sleep(for: .seconds(60))
        } onResponse: { response in
          let first = try #require(try await response.messages.first { _ in true })
          #expect(try Self.ports(first.resources.first) == [1, 2], "not that there are none")
        }
      }
    }
  }

  @Test("refuses what it does not serve, and leaves it unanswered among other resources")
  func types() async throws {
    let clusters = Request.with {
      $0.typeURL = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    }
    try await RunningEnvoyServer.run(services: { [EndpointDiscovery($0)] }) { server in
      Self.set([1], in: server.dispatcher)
      try await server.ask { client in
        let error = await #expect(throws: RPCError.self) {
          try await Endpoints.Client(wrapping: client).streamEndpoints {
            try await $0.write(clusters)
          } onResponse: {
            for try await _ in $0.messages {}
          }
        }
        #expect(error?.code == .invalidArgument)
        try await Aggregated.Client(wrapping: client).streamAggregatedResources { writer in
          try await writer.write(clusters)
          try await writer.write(Self.ask(["shop/cart"]))
        } onResponse: { response in
          var types: [String] = []
          for try await answer in response.messages { types.append(answer.typeURL) }
          #expect(types == [endpointType])
        }
      }
    }
  }

  @Test("forgets services that nobody asks for any more")
  func forgets() async throws {
    let dispatcher = Dispatcher()
    let boards = EndpointBoards(dispatcher, isReady: { true })
    let one = DiscoveryConversation<IncrementalSubscription>(boards, selectorPlace: .unknown)
    let other = DiscoveryConversation<StateOfTheWorldSubscription>(boards, selectorPlace: .unknown)
    #expect(try one.hear(.with { $0.resourceNamesSubscribe = ["a", "b"] }, at: .start) == nil)
    #expect(try other.hear(Self.ask(["b", "c"]), at: .start) == nil)
    #expect(boards.count == 3)
    #expect(try one.hear(.with { $0.resourceNamesUnsubscribe = ["a"] }, at: .start) == nil)
    #expect(boards.count == 2)
    other.leave()
    #expect(boards.count == 1)
    one.leave()
    #expect(boards.count == 0)
  }
}
