package import Daemon
package import GRPCCore
package import SelectorProtocol
import SwiftProtobuf

/// The methods of `grpc.health.v1.Health`: `liveness` is served as long as anything answers, the others while all that
/// the selector depends on is ready.
package struct HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
  private static let interval = Duration.milliseconds(500)

  private let sources: [any HealthSource]
  /// The names of the services that are served.
  private let services: Set<String>

  package init(sources: [any HealthSource], services: Set<String>) {
    self.sources = sources
    self.services = services
  }

  /// Answers a check.
  package func answer(
    _ request: Grpc_Health_V1_HealthCheckRequest
  ) throws(RPCError) -> Grpc_Health_V1_HealthCheckResponse {
    guard let status = status(of: request.service) else {
      throw RPCError(code: .notFound, message: "there is no service '\(request.service.prefix(200))'")
    }
    return .with { $0.status = status }
  }

  package func check(
    request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext
  ) async throws -> Grpc_Health_V1_HealthCheckResponse {
    try answer(request)
  }

  package func watch(
    request: Grpc_Health_V1_HealthCheckRequest, response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>,
    context: ServerContext
  ) async throws {
    try await context.serve {
      var told: Grpc_Health_V1_HealthCheckResponse.ServingStatus?
      while true {
        let status = self.status(of: request.service) ?? .serviceUnknown
        if status != told { try await response.write(.with { $0.status = status }) }
        told = status
        try await Task.sleep(for: Self.interval)
      }
    }
  }

  private func status(of service: String) -> Grpc_Health_V1_HealthCheckResponse.ServingStatus? {
    if service == "liveness" { return .serving }
    guard service.isEmpty || service == "readiness" || services.contains(service) else { return nil }
    return sources.allSatisfy { $0.report().isReady } ? .serving : .notServing
  }
}
