import Kubernetes
public import LiveInput
public import OverflowPolicies
public import Selection

/// Asks Prometheus for the figures of policies.
///
/// Where a policy has no queries of its own they are made of Istio's metrics at the ingress.
public struct QuerySource: MeasurementSource {
  private let prometheus: PrometheusSource
  private let transport = HTTPTransport()

  /// Makes a source.
  public init(_ prometheus: PrometheusSource) {
    self.prometheus = prometheus
  }

  /// Asks all at once. A policy whose demand cannot be had is missing.
  public func measure(_ policies: [OverflowPolicy], at now: Moment) async -> Measurements {
    await withTaskGroup(of: (String, Result<DemandMeasurement?, any Error>).self) { group in
      for policy in policies {
        group.addTask {
          do {
            return (policy.service, .success(try await self.measurement(of: policy)))
          } catch {
            return (policy.service, .failure(error))
          }
        }
      }
      return await group.reduce(into: Measurements()) { measurements, answer in
        switch answer.1 {
        case .success(let measurement): measurements.byService[answer.0] = measurement
        case .failure(let error): measurements.fault = min(measurements.fault ?? "\(error)", "\(error)")
        }
      }
    }
  }

  private func measurement(of policy: OverflowPolicy) async throws -> DemandMeasurement? {
    let queries = Self.queries(of: policy)
    async let demand = prometheus.value(of: queries.demand, on: transport)
    async let response = prometheus.value(of: queries.response, on: transport)
    async let errors = prometheus.value(of: queries.errors, on: transport)
    let (responseSeconds, errorShare) = try await (response, errors)
    guard let demand = try await demand else { return nil }
    let measurement = DemandMeasurement(
      demandPerMinute: demand, responseSeconds: responseSeconds, errorShare: errorShare.map { min(1, $0) })
    return measurement.isSound ? measurement : nil
  }

  /// A policy's queries, or those of Istio's metrics at the ingress, which say where a request was sent.
  static func queries(of policy: OverflowPolicy) -> (demand: String, response: String, errors: String) {
    let local = "\(policy.service.split(separator: "/").reversed().joined(separator: ".")).svc.cluster.local"
    // Istio's label has no port.
    let neighbours = policy.spec.neighbours.map { HostName($0.host, allowsAddress: true)?.name ?? $0.host }
    let hosts = ([local] + neighbours).map(PromQL.pattern).joined(separator: "|")
    let all = #"reporter="source",destination_service=~\#(PromQL.quoted(hosts))"#
    let here = #"reporter="source",destination_service=\#(PromQL.quoted(local))"#
    let window = "[30s]"
    let measure = policy.spec.measure
    return (
      measure.demandQuery ?? "60 * sum(rate(istio_requests_total{\(all)}\(window)))",
      measure.responseTimeQuery
        ?? "sum(rate(istio_request_duration_milliseconds_sum{\(here)}\(window))) / 1000 "
        + "/ sum(rate(istio_request_duration_milliseconds_count{\(here)}\(window)))",
      measure.errorShareQuery
        ?? #"sum(rate(istio_requests_total{\#(here),response_code=~"5.."}\#(window))) "#
        + "/ sum(rate(istio_requests_total{\(here)}\(window)))"
    )
  }
}
