package import Connections
import Fleet
package import Model

/// Asks Prometheus for the figures of policies.
///
/// Where a policy has no queries of its own they are made of Istio's metrics at the ingress.
package struct QuerySource: MeasurementSource {
  private let prometheus: PrometheusSource
  private let transport = HTTPTransport()

  /// Makes a source.
  package init(_ prometheus: PrometheusSource) {
    self.prometheus = prometheus
  }

  /// Asks all at once. A policy whose demand cannot be had is missing.
  package func measure(_ policies: [MeasuredPolicy], at now: Moment) async -> Measurements {
    await withTaskGroup(of: (String, Result<Finding?, any Error>).self) { group in
      for measured in policies {
        group.addTask {
          do {
            return (measured.policy.service, .success(try await self.finding(measured)))
          } catch {
            return (measured.policy.service, .failure(error))
          }
        }
      }
      return await group.reduce(into: Measurements()) { measurements, answer in
        switch answer.1 {
        case .success(let finding): measurements.note(finding, of: answer.0)
        case .failure(let error): measurements.fault = min(measurements.fault ?? "\(error)", "\(error)")
        }
      }
    }
  }

  private func finding(_ measured: MeasuredPolicy) async throws -> Finding? {
    let policy = measured.policy
    let queries = Self.queries(of: policy)
    async let demand = prometheus.values(of: queries.demand, by: Self.hostLabel, on: transport)
    async let response = prometheus.value(of: queries.response, on: transport)
    async let errors = prometheus.value(of: queries.errors, on: transport)
    let (responseSeconds, errorShare) = try await (response, errors)
    let rates = try await demand
    guard !rates.isEmpty else { return .missing("the query for demand has no result: \(queries.demand)") }
    var measurement = DemandMeasurement(
      demandPerMinute: rates.values.reduce(0, +), responseSeconds: responseSeconds,
      errorShare: errorShare.map { min(1, $0) })
    if policy.spec.measure.demandQuery == nil {
      let hosts = Set(rates.keys.map { DestinationName($0, in: policy.key.namespace) })
      guard hosts.contains(measured.service) else {
        return .missing("found requests to neighbours and none to service \(policy.spec.service): \(queries.demand)")
      }
      for (neighbour, host) in zip(policy.spec.neighbours, measured.neighbours)
      where !hosts.contains(host) && measured.mayReach(host) {
        measurement.unseen.insert(neighbour.name)
      }
    }
    return measurement.isSound ? .counted(measurement) : nil
  }

  /// Where Istio's metrics say what host a request went to.
  private static let hostLabel = "destination_service"

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
      measure.demandQuery ?? "60 * sum by (\(hostLabel)) (rate(istio_requests_total{\(all)}\(window)))",
      measure.responseTimeQuery
        ?? "sum(rate(istio_request_duration_milliseconds_sum{\(here)}\(window))) / 1000 "
        + "/ sum(rate(istio_request_duration_milliseconds_count{\(here)}\(window)))",
      measure.errorShareQuery
        ?? #"sum(rate(istio_requests_total{\#(here),response_code=~"5.."}\#(window))) "#
        + "/ sum(rate(istio_requests_total{\(here)}\(window)))"
    )
  }
}
