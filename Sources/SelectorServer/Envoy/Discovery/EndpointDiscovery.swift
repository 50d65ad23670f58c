package import Daemon
import EnvoyProtocol
package import GRPCCore
package import Logging
package import Model
import Overflow
package import Selection
import ServiceLifecycle
import Synchronization

/// Tells Envoys the endpoints of services, with weights that follow what replicas can do (EDS, also aggregated).
///
/// It is both the methods, for as many servers as there are, and what looks at the services, which runs as long as they do.
package final class EndpointDiscovery: RegistrableRPCService, Service {
  private let boards: EndpointBoards
  private let counts = DiscoveryCounts()
  private let place: Place
  private let logger: Logger
  private let log: Mutex<LimitedLog>
  private let now: @Sendable () -> Moment

  /// Makes the service.
  ///
  /// - Parameters:
  ///   - dispatcher: whose services are told. Envoys that do not say where they are, are taken to be where it is.
  ///   - isReady: whether the sources of replicas have been heard. Nothing is told before, so that an Envoy keeps what it
  ///     knows from a selector that was there before.
  ///   - now: the clock, the same for all that ask the dispatcher.
  package init(
    _ dispatcher: Dispatcher, isReady: @escaping @Sendable () -> Bool = { true },
    logger: Logger = Logger(label: "tonari.selector.discovery"), now: @escaping @Sendable () -> Moment = { .now }
  ) {
    boards = EndpointBoards(dispatcher, isReady: isReady)
    place = dispatcher.options.place
    self.logger = logger
    log = Mutex(LimitedLog(logger))
    self.now = now
  }

  /// Looks at the services until the service is to end.
  package func run() async throws {
    try? await cancelWhenGracefulShutdown {
      while true {
        try await Task.sleep(for: EndpointBoards.interval)
        self.boards.look(at: self.now())
      }
    }
  }

  /// Adds the methods of `EndpointDiscoveryService` and `AggregatedDiscoveryService`.
  package func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    EndpointMethods(discovery: self).registerMethods(with: &router)
    AggregatedMethods(discovery: self).registerMethods(with: &router)
  }

  /// What a caller needs for the methods.
  package static let capabilities: [MethodDescriptor: Capability] = [
    Envoy_Service_Endpoint_V3_EndpointDiscoveryService.Method.StreamEndpoints.descriptor: .endpoints,
    Envoy_Service_Endpoint_V3_EndpointDiscoveryService.Method.DeltaEndpoints.descriptor: .endpoints,
    Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Method.StreamAggregatedResources.descriptor: .endpoints,
    Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Method.DeltaAggregatedResources.descriptor: .endpoints,
  ]

  /// Adds what it counts to a registry.
  package func register(in registry: MetricsRegistry) {
    registry.collect { [counts, boards] in
      func metric(_ name: String, _ kind: CollectedMetric.Kind, _ help: String, _ value: Int) -> CollectedMetric {
        var metric = CollectedMetric("tonari_selector_eds_\(name)", kind, help)
        metric.add(value)
        return metric
      }
      return [
        metric(
          "streams", .gauge, "Streams of Envoys that ask for endpoints.", counts.streams.load(ordering: .relaxed)),
        metric("boards", .gauge, "Services that Envoys ask for, by where they are.", boards.count),
        metric("responses_total", .counter, "Answers with endpoints.", counts.responses.load(ordering: .relaxed)),
        metric(
          "rejections_total", .counter, "Answers that an Envoy did not take.",
          counts.rejections.load(ordering: .relaxed)),
      ]
    }
  }

  /// Answers the requests of a stream, and tells what changes, until its Envoy ends it.
  fileprivate func converse<Subscription: DiscoverySubscription>(
    _ variant: Subscription.Type, _ requests: RPCAsyncSequence<Subscription.Request, any Error>,
    isAggregated: Bool, _ writer: RPCWriter<Subscription.Response>
  ) async throws {
    let conversation = DiscoveryConversation<Subscription>(boards, selectorPlace: place)
    counts.streams.add(1, ordering: .relaxed)
    defer {
      counts.streams.subtract(1, ordering: .relaxed)
      conversation.leave()
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { conversation.end() }
        for try await request in requests {
          try self.hear(request, isAggregated: isAggregated, conversation)
        }
      }
      for await _ in conversation.wakes {
        while let response = conversation.next() {
          self.counts.responses.add(1, ordering: .relaxed)
          try await writer.write(response)
        }
      }
      for try await _ in group {}
    }
  }

  private func hear<Subscription: DiscoverySubscription>(
    _ request: Subscription.Request, isAggregated: Bool, _ conversation: DiscoveryConversation<Subscription>
  ) throws {
    let type = Subscription.type(of: request)
    guard type == endpointType || (type.isEmpty && !isAggregated) else {
      guard isAggregated else {
        throw RPCError(code: .invalidArgument, message: "type '\(type.prefix(200))': expected \(endpointType)")
      }
      // As with other servers, what is not there is not answered; Envoy goes on after a while.
      log.withLock { $0.warning("An Envoy asks for what is not served", ["type": "\(type.prefix(200))"], at: now()) }
      return
    }
    guard let rejection = try conversation.hear(request, at: now()) else { return }
    counts.rejections.add(1, ordering: .relaxed)
    log.withLock { $0.warning("An Envoy does not take endpoints", ["error": "\(rejection.prefix(500))"], at: now()) }
  }
}

private struct EndpointMethods: Envoy_Service_Endpoint_V3_EndpointDiscoveryService.StreamingServiceProtocol {
  let discovery: EndpointDiscovery

  func streamEndpoints(
    request: StreamingServerRequest<Envoy_Service_Discovery_V3_DiscoveryRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Envoy_Service_Discovery_V3_DiscoveryResponse> {
    discovery.answer(StateOfTheWorldSubscription.self, request, isAggregated: false, context)
  }

  func deltaEndpoints(
    request: StreamingServerRequest<Envoy_Service_Discovery_V3_DeltaDiscoveryRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Envoy_Service_Discovery_V3_DeltaDiscoveryResponse> {
    discovery.answer(IncrementalSubscription.self, request, isAggregated: false, context)
  }
}

private struct AggregatedMethods: Envoy_Service_Discovery_V3_AggregatedDiscoveryService.StreamingServiceProtocol {
  let discovery: EndpointDiscovery

  func streamAggregatedResources(
    request: StreamingServerRequest<Envoy_Service_Discovery_V3_DiscoveryRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Envoy_Service_Discovery_V3_DiscoveryResponse> {
    discovery.answer(StateOfTheWorldSubscription.self, request, isAggregated: true, context)
  }

  func deltaAggregatedResources(
    request: StreamingServerRequest<Envoy_Service_Discovery_V3_DeltaDiscoveryRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Envoy_Service_Discovery_V3_DeltaDiscoveryResponse> {
    discovery.answer(IncrementalSubscription.self, request, isAggregated: true, context)
  }
}

extension EndpointDiscovery {
  fileprivate func answer<Subscription: DiscoverySubscription>(
    _ variant: Subscription.Type, _ request: StreamingServerRequest<Subscription.Request>, isAggregated: Bool,
    _ context: ServerContext
  ) -> StreamingServerResponse<Subscription.Response> {
    StreamingServerResponse { writer in
      try await context.serve {
        try await self.converse(variant, request.messages, isAggregated: isAggregated, writer)
      }
      return [:]
    }
  }
}
