import Daemon
import EnvoyProtocol
import GRPCCore
import Selection
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("The load reporting service", .timeLimit(.minutes(1)))
struct LoadReportingServiceTests {
  private typealias Request = Envoy_Service_LoadStats_V3_LoadStatsRequest

  @Test("asks for all clusters by endpoint, and lets services know what Envoys have there until they go")
  func reports() async throws {
    let report = Request.with {
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
                }
              ]
            }
          ]
        }
      ]
    }
    try await RunningEnvoyServer.run(services: { [LoadReportingService($0)] }) { server in
      for service in ["shop/cart", "shop/basket"] {
        server.dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: service, from: .file, at: .now)
      }
      @Sendable func heard(_ service: String) -> LoadReport? {
        server.dispatcher.service(service)?.status(at: .now).replicas.first?.view.lastReport
      }
      try await server.ask { client in
        let envoy = Envoy_Service_LoadStats_V3_LoadReportingService.Client(wrapping: client)
        let (requests, send) = AsyncStream<Request>.makeStream()
        try await envoy.streamLoadStats { writer in
          for await request in requests { try await writer.write(request) }
        } onResponse: { response in
          var responses = response.messages.makeAsyncIterator()
          send.yield(.with { $0.node.id = "one" })
          let wanted = try #require(try await responses.next())
          #expect(wanted.sendAllClusters && wanted.reportEndpointGranularity)
          #expect(wanted.loadReportingInterval.seconds == 1)
          send.yield(report)
          let expected = LoadReport(inFlight: 6, requestsPerSecond: 50, errorsPerSecond: 5)
          #expect(await eventually { heard("shop/cart") == expected && heard("shop/basket") == expected })
          send.finish()
          #expect(try await responses.next() == nil)
        }
      }
      #expect(
        await eventually {
          heard("shop/cart") == LoadReport(inFlight: 0, requestsPerSecond: 0, errorsPerSecond: 0)
        })
    }
  }
}
