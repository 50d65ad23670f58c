/// A kind of traffic dump that Tonari reads.
///
/// The names are those that `--format` takes.
package struct TrafficFormat: Hashable, Sendable {
  private enum Name: String, CaseIterable {
    case prometheus
    case kiali
    case hubble
    case jaegerDependencies = "jaeger-dependencies"
    case jaegerTraces = "jaeger-traces"
    case otlp
    case alibaba
    case csv
  }

  private let value: Name

  private init(_ value: Name) {
    self.value = value
  }

  /// Parses a name as `--format` takes it; nil where no format has that name.
  package init?(_ name: some StringProtocol) {
    guard let value = Name(rawValue: name.lowercased()) else { return nil }
    self.value = value
  }

  /// Answers of the Prometheus HTTP API with Istio's or Linkerd's metrics or OpenTelemetry service-graph metrics.
  package static let prometheus = Self(.prometheus)
  /// The graph that Kiali's API gives (`/api/namespaces/graph`).
  package static let kiali = Self(.kiali)
  /// Hubble flows as JSON lines (`hubble observe -o json`).
  package static let hubble = Self(.hubble)
  /// Jaeger's service dependencies (`/api/dependencies`).
  package static let jaegerDependencies = Self(.jaegerDependencies)
  /// Jaeger's traces (`/api/traces`).
  package static let jaegerTraces = Self(.jaegerTraces)
  /// Traces in OTLP's JSON, as Tempo and the OpenTelemetry collector write them.
  package static let otlp = Self(.otlp)
  /// Alibaba's microservices call graph, in the columns of 2021 or 2022.
  package static let alibaba = Self(.alibaba)
  /// Tonari's own CSV: `source,destination,bytes_per_second,requests_per_second`.
  package static let csv = Self(.csv)

  /// The format's name.
  package var name: String { value.rawValue }

  /// The format that stands for all that one decoder reads: spans are spans, in whichever format they are written.
  var kind: TrafficFormat { self == .otlp ? .jaegerTraces : self }
  /// Whether dumps of the format are rows, not JSON.
  var isTable: Bool { self == .csv || self == .alibaba }
}

extension TrafficFormat: CaseIterable {
  /// All formats.
  package static var allCases: [TrafficFormat] { Name.allCases.map { Self($0) } }
}

extension TrafficFormat: CustomStringConvertible {
  /// The format's name.
  package var description: String { name }
}
